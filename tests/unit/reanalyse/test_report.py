from __future__ import annotations

import re
import time
from html.parser import HTMLParser

import msgspec
import numpy as np
import pytest

from screening.errors import ConfigurationError, StoreError
from screening.reanalyse.report import Entry, ReportedScan, figures, write_report
from screening.records import Action, Category, CountMeasurement, Level, Manifest, ReasonCode, UnreadInput

pytest.importorskip("matplotlib")

BANNER = "EXERCISE: simulated, not valid for cargo"


class Page(HTMLParser):
    """Elements, ids, references and text of a page, and that its elements are balanced."""

    VOID = frozenset(("meta", "br", "hr", "img", "link", "input"))

    def __init__(self, text):
        super().__init__()
        self.tags, self.ids, self.references, self.words, self.open = [], [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.handle_startendtag(tag, attributes)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        for name, value in attributes:
            if name == "id":
                self.ids.append(value)
            elif name in ("href", "xlink:href", "src"):
                self.references.append(value)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="session")
def report(entries, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(path, entries, title="Report", banner=BANNER, provenance={"version": "0.1"})
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def page(report):
    return Page(report)


def test_the_page_is_one_file_without_script(report, page):
    assert not any(tag in ("script", "link", "iframe", "object") for tag, _ in page.tags)
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    for reference in page.references:
        assert reference.startswith(("#", "data:image/png;base64,")), reference[:60]
    assert "default-src 'none'" in report


def test_ids_are_unique_and_references_resolve(page):
    assert len(page.ids) == len(set(page.ids))
    assert {r[1:] for r in page.references if r.startswith("#")} <= set(page.ids)


def test_every_container_is_there_with_its_level_and_action(page, entries):
    assert "CSQU 305438 3" in page.text
    for entry in entries:
        assert entry.decision.decision_id in page.text
        assert entry.level.value in page.text
    assert "Refer to secondary radiation inspection" in page.text
    assert "Industrial source named" in page.text
    assert "Co-60 named with 12,400 net counts (industrial)" in page.text
    assert "IMG_SHIELDED" in page.text


def test_every_flag_can_be_traced(page, entries):
    for entry in entries:
        for flag in (flag for scan in entry.scans for flag in scan.flags):
            assert flag.flag_id in page.text
            assert flag.inputs[0].sha256 in page.text
    assert "a" * 64 in page.text  # the model's hash


def test_the_banner_stands_over_the_page_and_over_every_container(page, entries):
    assert page.text.count(BANNER) == 2 + len(entries)  # the title of the window, too


def test_levels_are_told_in_words_and_not_by_colour_alone(page):
    badges = [attributes["class"] for tag, attributes in page.tags if "badge" in attributes.get("class", "")]
    assert {"badge HIGH", "badge UNKNOWN", "badge LOW", "badge NONE"} <= set(badges)
    for sign in ("▲", "✓", "?"):
        assert sign in page.text


def test_pictures_and_figures_are_drawn(page, entries):
    pictures = [a for tag, a in page.tags if tag == "svg" and a.get("class") == "picture"]
    drawn = [a for tag, a in page.tags if tag == "svg" and a.get("class") == "figure"]
    n_image = sum(scan.modality == "radiograph" for entry in entries for scan in entry.scans)
    n_portal = sum(scan.modality == "radiation" for entry in entries for scan in entry.scans)
    assert len(pictures) == 2 * n_image  # transmission and areal density
    assert len(drawn) == 2 * n_portal  # count rate and spectrum
    assert "Co-60 1173" in page.text
    assert "alarm threshold" in page.text


def test_the_same_entries_give_the_same_bytes(report, entries, tmp_path):
    again = tmp_path / "again.html"
    write_report(again, entries, title="Report", banner=BANNER, provenance={"version": "0.1"})
    assert again.read_text(encoding="utf-8") == report


def test_size_and_time_hold_for_a_demonstration(entries, tmp_path):
    fourteen = [*entries, *entries[:5]]
    began = time.process_time()
    path = write_report(tmp_path / "report.html", fourteen, title="Report", banner=BANNER)
    assert time.process_time() - began < 10
    assert path.stat().st_size < 8 << 20


ALARM = ((ReasonCode.RAD_GAMMA_NSIGMA, Level.HIGH, "gamma counts above the threshold"),)
ATTACK = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


def test_what_comes_from_outside_is_text(builders, tmp_path):
    reason = ((ReasonCode.RAD_GAMMA_NSIGMA, Level.HIGH, ATTACK),)
    entry = builders["entry"](
        ATTACK, (builders["radiation"]("x"), Level.HIGH, reason), None, Level.HIGH, Action.HOLD
    )
    scan = msgspec.structs.replace(
        entry.scans[0], place=ATTACK, device=ATTACK, notes=(ATTACK,), taken_at=ATTACK
    )
    entry = msgspec.structs.replace(entry, scans=(scan,), notes=(ATTACK,))
    path = write_report(
        tmp_path / "r.html", [entry], title=ATTACK, banner=ATTACK, provenance={ATTACK: ATTACK}
    )
    page = Page(path.read_text(encoding="utf-8"))
    assert not any(tag in ("script", "img") for tag, _ in page.tags)
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert page.text.count("alert(1)") >= 10


def test_a_nuclide_label_from_outside_is_text_in_the_figures_too(builders, tmp_path):
    made = builders["radiation"]("x", nuclide="Co-60", strength=900.0)
    found = msgspec.structs.replace(made["measurements"].nuclides[0], nuclide=ATTACK)
    made["measurements"] = msgspec.structs.replace(made["measurements"], nuclides=(found,))
    made["products"][f"component/{ATTACK}"] = made["products"].pop("component/Co-60")
    entry = builders["entry"]("A", (made, Level.HIGH, ALARM), None, Level.HIGH, Action.HOLD)
    page = Page(write_report(tmp_path / "r.html", [entry], title="t").read_text(encoding="utf-8"))
    assert not any(tag in ("script", "img") for tag, _ in page.tags)


def test_an_exercise_shows_what_its_evidence_would_be_in_operation_and_says_so(builders, tmp_path):
    reasons = (
        (ReasonCode.MODE_NOT_OPS, Level.UNKNOWN, "mode Exercise"),
        (ReasonCode.EXERCISE, Level.UNKNOWN, "not a screening"),
    )
    quiet = (builders["radiation"]("x"), Level.UNKNOWN, reasons)
    entry = builders["entry"]("A", quiet, None, Level.UNKNOWN, Action.REFER_NII)
    page = Page(write_report(tmp_path / "r.html", [entry], title="t").read_text(encoding="utf-8"))
    assert "Nothing found; what is not taken in operation clears no cargo" in page.text
    assert "✓ LOW" in page.text
    assert "Of an exercise: what this evidence would be in operation; its flags are never LOW." in page.text
    assert "Flags of an exercise are UNKNOWN by rule where nothing was found" in page.text


def _overview(entry, path):
    """Return the cells of the only container's line in the overview."""
    text = write_report(path, [entry], title="t").read_text(encoding="utf-8")
    (row,) = re.findall(r"<tbody>(.*?)</tbody>", text, re.DOTALL)[:1]
    cells = re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)
    return [Page(f"<p>{cell}</p>").text for cell in cells]


def test_what_a_container_is_held_for_comes_first(builders, tmp_path):
    made = builders["radiation"]("x", strength=900.0)
    neutron = CountMeasurement(background_cps=2.0, max_cps=50.0, max_nsigma=30.0, alarm=True)
    made["measurements"] = msgspec.structs.replace(made["measurements"], neutron=neutron)
    over = (*ALARM, (ReasonCode.RAD_NEUTRON, Level.HIGH, "neutrons"))
    entry = builders["entry"]("A", (made, Level.HIGH, over), None, Level.HIGH, Action.HOLD)
    _, _, action, portal, image, why = _overview(entry, tmp_path / "r.html")
    assert action == "Hold"
    assert portal == "▲ HIGH neutrons, gamma alarm"
    assert image == "not taken"
    assert why.startswith("Neutron counts above the alarm threshold; gamma counts above")


def test_special_nuclear_material_is_named_before_other_nuclides(builders, tmp_path):
    made = builders["radiation"]("x", nuclide="K-40", strength=900.0)
    natural = made["measurements"].nuclides[0]
    medical = msgspec.structs.replace(natural, nuclide="Tc-99m", categories=(Category.MEDICAL,))
    uranium = msgspec.structs.replace(natural, nuclide="U-235", categories=(Category.SNM,))
    nuclides = (natural, medical, uranium)
    made["measurements"] = msgspec.structs.replace(made["measurements"], nuclides=nuclides)
    entry = builders["entry"]("A", (made, Level.HIGH, ALARM), None, Level.HIGH, Action.HOLD)
    assert _overview(entry, tmp_path / "r.html")[3] == "▲ HIGH U-235, K-40 …"


@pytest.mark.parametrize(
    ("nuclide", "code", "words"),
    [
        ("K-40", ReasonCode.RAD_NUCLIDE_NORM, "natural radioactivity named"),
        ("Tc-99m", ReasonCode.RAD_NUCLIDE_MEDICAL, "medical nuclide named"),
    ],
)
def test_what_explains_an_alarm_is_told_with_it(builders, tmp_path, nuclide, code, words):
    made = builders["radiation"]("x", nuclide=nuclide, strength=900.0)
    over = (*ALARM, (code, Level.UNKNOWN, "explains the alarm"))
    entry = builders["entry"]("A", (made, Level.HIGH, over), None, Level.HIGH, Action.REFER_SECONDARY_RAD)
    why = _overview(entry, tmp_path / "r.html")[-1]
    assert why == f"Gamma counts above the alarm threshold; {words}"


def test_what_was_declared_is_shown(builders, tmp_path):
    manifest = Manifest(is_declared_empty=False, goods=("3104",), gross_mass_kg=24000.0)
    entry = builders["entry"](
        "A", (builders["radiation"]("x"), Level.LOW, ()), None, Level.LOW, Action.ACCEPT
    )
    entry = msgspec.structs.replace(entry, manifest=manifest)
    page = Page(write_report(tmp_path / "r.html", [entry], title="t").read_text(encoding="utf-8"))
    assert "declared: loaded, HS 3104, 24,000 kg" in page.text


def test_what_could_not_be_analysed_is_shown_as_unknown(tmp_path):
    unread = ReportedScan(
        scan_id=None,
        modality=None,
        level=Level.UNKNOWN,
        error=UnreadInput(code=ReasonCode.INPUT_CORRUPT, text="a.n42: truncated at byte 100"),
    )
    entries = [Entry(container_id=None, scans=(unread,)), Entry(container_id="CSQU3054383")]
    page = Page(write_report(tmp_path / "r.html", entries, title="t").read_text(encoding="utf-8"))
    assert "a.n42: truncated at byte 100" in page.text
    assert "INPUT_CORRUPT" in page.text
    assert entries[1].level is Level.UNKNOWN  # nothing at all is no reason for LOW
    assert "No decision taken" in page.text


@pytest.mark.parametrize(
    "spoiled",
    [
        {"energy_edges_kev": np.array([0.0, 1.0])},  # another length than the spectrum
        {"spectrum": np.zeros(1024)},
        {"spectrum": np.full(1024, np.nan)},
        {"rate_cps": np.full(60, np.nan)},
        {"background_cps": np.array(np.nan), "threshold_cps": np.array([])},
        {"t_s": np.array([0.0]), "rate_cps": np.array([1.0])},
    ],
)
def test_odd_products_do_not_stop_a_report(builders, tmp_path, spoiled):
    made = builders["radiation"]("x", nuclide="Co-60", strength=900.0)
    made["products"].update(spoiled)
    entry = builders["entry"]("A", (made, Level.HIGH, ALARM), None, Level.HIGH, Action.HOLD)
    page = Page(write_report(tmp_path / "r.html", [entry], title="t").read_text(encoding="utf-8"))
    assert re.search("Radiation portal|Gamma spectrum", page.text)


def test_without_matplotlib_the_extra_is_named(monkeypatch, tmp_path):
    def refuse(name):
        raise ImportError(name)

    monkeypatch.setattr(figures, "import_module", refuse)
    with pytest.raises(ConfigurationError, match="extra 'report'"):
        write_report(tmp_path / "r.html", [], title="t")


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(StoreError, match="cannot be written"):
        write_report(tmp_path / "file" / "r.html", [], title="t")


def test_no_warning_colour_is_lost_in_print(report):
    assert "@media print" in report
    assert re.search(r"print-color-adjust:\s*exact", report)
