"""The bench as a whole: a small one run, resumed, refused; the card of the model made again."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest

from screening.classifiers import load_model
from screening.classifiers.card import Performance
from screening.config import Settings
from screening.errors import ConfigurationError
from screening.evaluate.presets import bench
from screening.evaluate.record import Provenance, joined
from screening.evaluate.spectra import BenchPlan, run_bench
from screening.evaluate.spectra.card import card_jobs, card_part
from screening.evaluate.spectra.plan import FULL
from screening.evaluate.spectra.work import DEFAULT_DETECTORS, ParentResult, ask, detectors_of, run_parents
from screening.training import nuclides_card
from screening.training.nuclides_trial import Trial, figures

RECIPE = Path(__file__).with_name("measured_spectra.toml")
SETTINGS = Settings()
PLAN = BenchPlan(
    kinds=("nai",),
    labels={"industrial": ("Cs-137",), "medical": ("I-131",)},
    net_counts=(1000.0, 10_000.0),
    signal_to_background=(3.0,),
    n_round=1,
    background_counts=(1000.0,),
    n_background=2,
    n_null=8,
    n_card=1,
)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    told = []
    part = run_bench(folder, plan=PLAN, seed=5, progress=lambda done, of, text: told.append((done, of)))
    return folder, part, told


def test_the_preset_is_this_bench():
    function, what = bench("identification")
    assert function is run_bench
    assert what == "identification"


def test_a_small_bench_has_every_section_and_unique_figures(ran):
    _, part, told = ran
    whole = joined([part], title="t", provenance=Provenance(version="0"))
    names = {section.id for section in whole.sections}
    assert names >= {
        "identification", "identification-cells", "identification-backgrounds", "identification-oracle",
        "identification-confidence", "identification-mistakes", "identification-card",
    }  # fmt: skip
    assert [one.name for one in whole.detectors][:3] == list(DEFAULT_DETECTORS)
    assert {one.name for one in whole.detectors if one.tier == "oracle"} == {"oracle", "oracle-shape"}
    assert told[-1][0] == told[-1][1]
    shares = [one for one in whole.figures if one.metric in ("correct", "partial", "wrong", "missed")]
    by_key = {}
    for one in shares:
        by_key.setdefault((one.section, one.detector, one.stratum), []).append(one)
    for rows in by_key.values():
        if len(rows) == 4:
            assert sum(row.k for row in rows) == rows[0].n
    assert [one.kind for one in whole.left_out if one.is_error] == []
    assert "not simulated" in {one.kind for one in whole.left_out}


def test_the_oracle_always_sees_what_is_there(ran):
    # Two backgrounds make a threshold of half of them, so it may name more beside the source.
    _, part, _ = ran
    found = {
        (one.detector, one.metric): one.value
        for one in part.figures
        if (one.section, one.stratum) == ("identification", "")
    }
    for name in ("oracle", "oracle-shape"):
        assert found[name, "missed"] == 0.0
        assert found[name, "recall, mean per spectrum"] == 1.0


def test_a_resumed_run_does_nothing_twice_and_says_the_same(ran):
    folder, part, _ = ran
    told = []
    again = run_bench(folder, plan=PLAN, seed=5, is_resumed=True, progress=lambda *row: told.append(row))
    assert told == []
    assert msgspec.json.encode(again) == msgspec.json.encode(part)


def test_an_interrupted_run_goes_on_and_says_the_same(ran, tmp_path):
    _, part, whole = ran

    def _stop(done, of, text):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_bench(tmp_path, plan=PLAN, seed=5, progress=_stop)
    told = []
    again = run_bench(tmp_path, plan=PLAN, seed=5, is_resumed=True, progress=lambda *row: told.append(row[0]))
    assert told == list(range(4, whole[-1][1] + 1))
    assert msgspec.json.encode(again) == msgspec.json.encode(part)


def test_a_run_of_another_seed_or_plan_is_refused(ran):
    folder, _, _ = ran
    with pytest.raises(ConfigurationError, match="seed"):
        run_bench(folder, plan=PLAN, seed=6, is_resumed=True)
    with pytest.raises(ConfigurationError, match="plan"):
        run_bench(folder, plan=msgspec.structs.replace(PLAN, n_null=9), seed=5, is_resumed=True)


def test_what_cannot_be_run_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match="'identification'"):
        run_bench(tmp_path, what="street")
    with pytest.raises(ConfigurationError, match="no detector 'nobody'"):
        run_bench(tmp_path, detectors=["nobody"])
    with pytest.raises(ConfigurationError, match="each once"):
        run_bench(tmp_path, detectors=["pipeline", "pipeline"])
    with pytest.raises(ConfigurationError, match="none of gross-counts names nuclides"):
        run_bench(tmp_path, detectors=["gross-counts"])
    with pytest.raises(ConfigurationError, match="workers"):
        run_bench(tmp_path, workers=0)


def test_parents_do_not_depend_on_who_asks_for_them():
    shared = {
        "plan": msgspec.to_builtins(PLAN),
        "detectors": ["peak-match"],
        "settings": msgspec.to_builtins(SETTINGS),
        "seed": 9,
    }

    def _asked(numbers):
        found = msgspec.json.decode(run_parents(numbers, **shared), type=list[ParentResult])
        quiet = []
        for one in found:
            replies = tuple(msgspec.structs.replace(reply, elapsed_s=0.0) for reply in one.replies)
            quiet.append(msgspec.structs.replace(one, replies=replies))
        return quiet

    assert _asked([0, 2]) == [*_asked([0]), *_asked([2])]


class _Broken:
    name = "broken"

    def __init__(self, what):
        self.what = what

    def answer(self, scan):
        if isinstance(self.what, BaseException):
            raise self.what
        return self.what


def test_whatever_a_detector_does_is_an_answer():
    from screening.evaluate.detectors import DetectorAnswer
    from screening.records import Level

    assert ask(_Broken(ValueError("no\nway")), None, 0).error == "ValueError: no"
    assert ask(_Broken(None), None, 0).error == "it does not serve spectra"
    strange = DetectorAnswer(level=Level.HIGH, nuclides=("Cs-137",), confidences={"Cs-137": float("nan")})
    assert ask(_Broken(strange), None, 0).error == "not a number: confidence of Cs-137 is nan"
    assert ask(_Broken(strange), None, 0).nuclides is None
    for what in ("Cs-137", SystemExit(0), DetectorAnswer(level=Level.LOW, nuclides="Cs-137")):
        reply = ask(_Broken(what), None, 0)
        assert reply.error
        assert reply.nuclides is None
        assert reply.codes == ("MODEL_ERROR",)
    assert [one.name for one in detectors_of(None, SETTINGS)] == list(DEFAULT_DETECTORS)


def _card_values(trials):
    return [msgspec.json.encode([part, found]) for part, found in trials.items()]


def _trials(n_right, n_wrong):
    right = Trial("Cs-137", "nai", ("Cs-137",), "correct", False, ())
    wrong = Trial("Cs-137", "nai", ("Co-60",), "wrong", False, ())
    return [right] * n_right + [wrong] * n_wrong


def test_a_card_that_differs_is_flagged_with_both_numbers():
    plan = msgspec.structs.replace(FULL, n_round=1)
    trials = {"sources": _trials(380, 20), "backgrounds": [Trial("", "nai", (), "correct", False, ())] * 400}
    part = card_part(_card_values(trials), plan, SETTINGS, seed=1)
    card = load_model("nuclides").card
    stated = {row.metric: row for row in card.performance}
    rows = {(one.metric, one.stratum): one for one in part.figures}
    all_drawn = "correct, all labels drawn"
    assert rows[all_drawn, f"card {card.version}"].value == stated[all_drawn].value
    assert rows[all_drawn, "made again"].value == 0.95
    flags = {one.where: one for one in part.left_out if one.kind == "card differs"}
    assert flags[all_drawn].is_error  # far outside the interval that the card states
    assert "0.9500 of 400" in flags[all_drawn].text
    assert "false SNM on background" not in flags
    streams = rows["streams of the bench that training drew from", ""]
    assert (streams.k, streams.n) == (0, 190 * 5)


def test_a_card_made_again_alike_is_not_flagged(monkeypatch):
    card = load_model("nuclides").card
    trials = {"sources": _trials(10, 2), "backgrounds": [Trial("", "nai", (), "correct", False, ())] * 6}
    rows = figures(trials["sources"], trials["backgrounds"])
    changed = msgspec.structs.replace(card, performance=msgspec.convert(rows, tuple[Performance, ...]))
    monkeypatch.setattr(
        "screening.evaluate.spectra.card._model", lambda settings: SimpleNamespace(card=changed)
    )
    part = card_part(_card_values(trials), FULL, SETTINGS, seed=1)
    assert part.left_out == ()


def test_the_jobs_of_the_card_are_its_whole_test():
    jobs = card_jobs(FULL, SETTINGS)
    spans = [
        (
            job.arguments["arguments"]["part"],
            job.arguments["arguments"]["start"],
            job.arguments["arguments"]["stop"],
        )
        for job in jobs
    ]
    for part in ("sources", "backgrounds"):
        covered = np.concatenate([np.arange(start, stop) for one, start, stop in spans if one == part])
        assert covered.tolist() == list(range(400))


def test_a_card_is_refreshed_in_its_figures_alone(tmp_path, monkeypatch, repository):
    folder = tmp_path / "nuclides"
    shutil.copytree(repository / "models" / "nuclides", folder)
    before = load_model("nuclides", folder=tmp_path).card
    monkeypatch.setattr(nuclides_card, "split_trials", lambda identifier, split, **_: _trials(3, 1))
    told = []
    after = nuclides_card.refresh_card(folder, progress=told.append)
    assert len(told) == 2
    assert {row.metric: row.value for row in after.performance}["correct, all labels drawn"] == 0.75
    same = msgspec.structs.replace(after, performance=before.performance)
    assert same == before
    assert load_model("nuclides", folder=tmp_path).card == after  # it still verifies
    text = (folder / "card.toml").read_text()
    (folder / "card.toml").write_text(text.replace("--seed 1", "--seed 1 --quick"))
    with pytest.raises(ConfigurationError, match="full"):
        nuclides_card.refresh_card(folder)


def test_the_split_of_the_card_is_the_one_that_training_draws():
    from screening.training.nuclides import TEST_SETTINGS
    from screening.training.nuclides_trial import run_trials

    class _Echo:
        def identify(self, counts, edges, live_time_s, *, background=None):
            class _Answer:
                nuclides, opinions, findings, is_ood = (), (), (), False

            seen.append(float(counts.sum()))
            return _Answer()

    seen = []
    stream = np.random.SeedSequence(1).spawn(6)[4]
    run_trials(_Echo(), 2, 0.0, TEST_SETTINGS, stream)
    first, seen = seen, []
    nuclides_card.split_trials(_Echo(), nuclides_card.card_split(1, "sources"), stop=2)
    assert seen == first


def test_measured_spectra_have_a_section(tmp_path, shared_data):
    from screening.evaluate.spectra.measured import measured_jobs, measured_part, run_measured

    folder = shared_data / "radiation"
    jobs, lost = measured_jobs(folder, RECIPE, ["peak-match"], SETTINGS, n_draw=2, seed=1)
    assert not lost
    values = [run_measured(**job.arguments["arguments"]) for job in jobs[:2] + jobs[8:9]]
    part = measured_part(values, lost, names=["peak-match"], recipe=RECIPE)
    joined([part], title="t", provenance=Provenance(version="0"))
    assert "development data" in part.sections[0].data
    by_parent = [one for one in part.figures if one.metric == "correct, by parent"]
    assert {one.stratum.split(",")[0] for one in by_parent} == {"LaBr3 Am-241", "LaBr3 Co-57"}
    assert all(one.low is None for one in by_parent)  # one parent: a fraction and no interval
    assert any(one.metric == "false identification on background" for one in part.figures)
