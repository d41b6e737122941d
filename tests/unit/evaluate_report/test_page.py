from __future__ import annotations

import math
import re
from bisect import bisect_left
from html.parser import HTMLParser

import msgspec
import pytest

from screening.evaluate.record import Comparison, Curve, Evaluation, Figure, LeftOut, Series
from screening.evaluate.report import compare, evaluation_page
from screening.evaluate.report.figures import figures_html
from screening.evaluate.report.html import anchor, tag, text

VOID = {"meta", "br", "hr", "img", "rect", "path", "circle"}


class Reader(HTMLParser):
    """Read a page strictly: every tag closed, text outside pictures, headings, ids and links."""

    def __init__(self):
        super().__init__()
        self.open, self.words, self.tags, self.ids, self.links, self.headings = [], [], [], [], [], []

    def handle_starttag(self, name, attributes):
        found = dict(attributes)
        self.tags.append((name, found))
        if "id" in found:
            self.ids.append(found["id"])
        if name == "a":
            self.links.append(found["href"])
        if re.fullmatch(r"h\d", name):
            self.headings.append(int(name[1]))
        if name not in VOID:
            self.open.append(name)

    def handle_startendtag(self, name, attributes):
        self.tags.append((name, dict(attributes)))

    def handle_endtag(self, name):
        assert self.open.pop() == name

    def handle_data(self, data):
        if not {"svg", "style"} & set(self.open):
            self.words.append(data)


def read(page):
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


def leaves(value):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    else:
        yield value


def is_near(numbers, value, spread):
    """Whether a sorted list has a number within the rounding of a printed one."""
    i = bisect_left(numbers, value - spread)
    return i < len(numbers) and numbers[i] <= value + spread


def test_every_number_on_the_page_is_in_the_record(evaluation):
    page = evaluation_page(evaluation)
    stored = list(leaves(msgspec.json.decode(msgspec.json.encode(evaluation))))
    strings = "\n".join(value for value in stored if isinstance(value, str))
    numbers = sorted({float(value) for value in stored if isinstance(value, (int, float))})
    # Counts of what is listed, and confidence in percent, are sums and products of stored numbers.
    derived = {
        sum(item.n for item in evaluation.left_out if item.is_error),
        95.0,
        20.0,
        len(evaluation.sections),
    }
    derived |= {float(i) for i in range(10)}
    lost = []
    for word in read(page).words:
        if word.strip() and word.strip() in strings:
            continue
        for token in re.findall(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[-+]\d+)?(?![\w])", word):
            digits = len(token.partition("e")[0].partition(".")[2])
            spread = 0.5000001 * 10.0 ** (-digits + (int(token.partition("e")[2]) if "e" in token else 0))
            value = float(token)
            if token in strings or value in derived or is_near(numbers, value, spread):
                continue
            lost.append((token, word))
    assert lost == []


def test_a_changed_number_would_be_noticed(evaluation):
    """The test above can fail: a page of other figures has numbers the record does not have."""
    changed = msgspec.structs.replace(
        evaluation, figures=(*evaluation.figures, Figure(section="part-0", metric="m", value=0.77777))
    )
    assert "0.7778" in evaluation_page(changed)
    assert "0.7778" not in evaluation_page(evaluation)


def test_the_page_stands_alone_and_runs_nothing(evaluation):
    page = evaluation_page(evaluation)
    reader = read(page)
    names = {name for name, _ in reader.tags}
    assert not names & {"script", "link", "iframe", "object", "embed", "form", "base"}
    for name, attributes in reader.tags:
        assert not [key for key in attributes if key.startswith("on")], name
        for key in ("src", "href"):
            assert attributes.get(key, "#").startswith(("#", "data:image/png;base64,")), name
    assert "url(" not in page
    assert "@import" not in page
    assert "default-src 'none'" in page


def test_the_page_can_be_read_without_seeing_it(evaluation):
    reader = read(evaluation_page(evaluation))
    assert dict(reader.tags)["html"]["lang"] == "en"
    assert reader.headings[0] == 1
    assert reader.headings.count(1) == 1
    assert all(b - a <= 1 for a, b in zip(reader.headings, reader.headings[1:], strict=False))
    assert len(set(reader.ids)) == len(reader.ids)
    assert {link.removeprefix("#") for link in reader.links} <= set(reader.ids)
    for name, attributes in reader.tags:
        if name == "img":
            assert attributes["alt"]
        if name == "svg":
            assert attributes.get("aria-label") or attributes.get("aria-hidden") == "true"
        if name == "th":
            assert attributes["scope"] in ("row", "col", "rowgroup")


def test_labels_from_outside_are_only_text(maker):
    bad = maker.HOSTILE
    made = maker.made(n_detector=2, n_section=1, n_strata=1, n_curve=1, n_exhibit=2)
    detectors = (msgspec.structs.replace(made.detectors[0], name=bad, text=bad), made.detectors[1])
    section = msgspec.structs.replace(made.sections[0], id=bad, title=bad, text=(bad,), data=bad)
    series = (Series(name=bad, x=(0.0, 1.0), y=(0.0, 1.0)),)
    hostile = Evaluation(
        title=bad,
        provenance=msgspec.structs.replace(made.provenance, command=bad, data={bad: bad}, machine={bad: bad}),
        sections=(section,),
        detectors=detectors,
        figures=(
            Figure(
                section=bad, metric=bad, detector=bad, stratum=bad, value=0.5, unit=bad, method=bad, note=bad
            ),
            Figure(section=bad, metric="m", detector=bad, value=0.5, is_headline=True),
        ),
        curves=(Curve(section=bad, title=bad, x_label=bad, y_label=bad, series=series),),
        comparisons=(
            Comparison(
                section=bad,
                metric=bad,
                a=bad,
                b="y",
                effect=0.1,
                effect_name=bad,
                test=bad,
                verdict="a is better",
            ),
        ),
        exhibits=tuple(
            msgspec.structs.replace(e, section=bad, detector=bad, sample=bad, title=bad, text=bad)
            for e in made.exhibits
        ),
        left_out=(LeftOut(kind=bad, where=bad, text=bad),),
    )
    page = evaluation_page(hostile, changes=compare(hostile, made))
    reader = read(page)
    assert "script" not in {name for name, _ in reader.tags}
    assert "<script" not in page
    assert "\x1b" not in page
    assert "alert('x')" in "".join(reader.words)


def test_the_same_report_gives_the_same_page(maker, evaluation):
    assert evaluation_page(evaluation) == evaluation_page(maker.made())


def test_bold_only_where_a_comparison_says_so(maker):
    page = evaluation_page(maker.made(n_detector=2, n_section=1))
    assert "<b>" not in page  # the two are of different tiers
    made = maker.made(n_detector=3, n_section=1)
    win = Comparison(
        section="part-0", metric="latency", a="nmf", b="gross-counts", effect=-1.0, verdict="a is better"
    )
    page = evaluation_page(msgspec.structs.replace(made, comparisons=(win,)))
    assert re.findall(r"<b>([^<]+)</b>", page) == ["5.217"]


def test_not_distinguishable_is_said_plainly(evaluation):
    assert any(item.verdict == "not distinguishable" for item in evaluation.comparisons)
    assert "<td>not distinguishable</td>" in evaluation_page(evaluation)


def test_long_strata_are_folded_and_short_ones_are_not(maker):
    long = evaluation_page(maker.made(n_detector=1, n_section=1, n_strata=30, n_metric=1))
    assert "<details><summary><strong>probability of detection 0</strong>: 30 strata" in long
    short = evaluation_page(maker.made(n_detector=1, n_section=1, n_strata=5, n_metric=1, n_exhibit=0))
    assert "strata" not in short
    assert "stratum 004" in short


def test_what_was_left_out_is_counted_by_class(evaluation):
    page = evaluation_page(evaluation)
    assert '<th scope="row">missing scan</th><td class="n">2</td><td>error: exit status 1</td>' in page
    assert '<th scope="row">other split</th><td class="n">120</td><td>as asked</td>' in page
    whole = evaluation_page(msgspec.structs.replace(evaluation, left_out=()))
    assert "nothing was left out" in whole


def test_a_class_of_many_cases_is_listed_in_part_and_says_so(evaluation):
    many = tuple(LeftOut(kind="duplicate id", where=f"row {i}", text="twice") for i in range(300))
    page = evaluation_page(msgspec.structs.replace(evaluation, left_out=many))
    assert "300 cases; the first 50 are listed, all are in report.json" in page
    assert page.count("<td>twice</td>") == 50


def test_many_detectors_stand_in_tables_that_fit_a_page(maker):
    page = evaluation_page(maker.made(n_detector=8, n_section=1, n_strata=1))
    assert "part 1 of 2" in page
    widest = max(row.count("<td") for row in page.split("<tr>"))
    assert widest <= 7  # six detectors; tables of text have seven columns


def test_an_empty_report_is_a_page_too():
    from screening.evaluate.record import Provenance

    page = evaluation_page(
        Evaluation(title="nothing", provenance=Provenance(version="0"), sections=(), detectors=(), figures=())
    )
    assert "No figure is marked as a headline." in page
    read(page)


def test_numbers_that_are_none_are_said_to_be_none(evaluation):
    figures = tuple(
        Figure(section="part-0", metric=f"m{i}", detector="nmf", value=value, note="not converged")
        for i, value in enumerate((None, math.nan, math.inf))
    )
    page = evaluation_page(msgspec.structs.replace(evaluation, figures=figures))
    assert page.count("<td>none<sup>a</sup></td>") == 3
    assert "<sup>a</sup> not converged" in page
    assert not re.search(r"\b(nan|inf)\b", " ".join(read(page).words))


def test_why_there_is_no_interval_is_a_footnote(evaluation):
    figures = tuple(
        Figure(section="part-0", metric=f"m{i}", detector="nmf", value=0.5, method=method)
        for i, method in enumerate(
            ("clopper-pearson", "clopper-pearson", "none: 3 parents, 5 needed", "none", "probit")
        )
    )
    page = evaluation_page(msgspec.structs.replace(evaluation, figures=figures))
    for said in ("no interval: 3 parents, 5 needed", "no interval", "no interval, probit"):
        assert f"</sup> {said}</li>" in page


@pytest.mark.parametrize("name", ["a b", "a_b", "A", "ä", '"><', "a-b"])
def test_an_anchor_is_safe_and_its_own(name):
    assert re.fullmatch(r"s-[a-z0-9_-]+", anchor(name))
    others = {anchor(other) for other in ("a b", "a_b", "A", "ä", '"><', "a-b") if other != name}
    assert anchor(name) not in others


def test_markup_is_made_by_tags_alone():
    assert tag("p", "<b>", tag("i", "x")) == "<p>&lt;b&gt;<i>x</i></p>"
    assert tag("a", "x", href='"onclick="') == '<a href="&quot;onclick=&quot;">x</a>'
    assert text("a\x00b\ud800") == "a\ufffdb\ufffd"


def test_a_long_list_is_folded_and_long_rows_of_numbers_are_cut(evaluation):
    items = [
        f"scenario {i} (2 of 2, 1 (0.22 to 1): open; 14 trials (in all) would decide)" for i in range(12)
    ]
    numbers = "trials " + ", ".join(str(i) for i in range(100, 160))
    words = ("Not judged: " + "; ".join(items) + ".", numbers, "Short: one; two.")
    section = msgspec.structs.replace(evaluation.sections[0], text=words)
    page = evaluation_page(msgspec.structs.replace(evaluation, sections=(section, *evaluation.sections[1:])))
    assert "<details><summary><strong>Not judged</strong>: 12</summary>" in page
    assert f"<li>{items[-1]}</li>" in page
    assert "trials 100, 101, 102, 103, 104, 105, 106, 107 and 52 more<" in page
    assert "<p>Short: one; two.</p>" in page


@pytest.mark.parametrize(
    ("values", "said"),
    [((0.0, 0.0, 0.0), ""), ((0.9, 0.2, 0.8), "; worst: d 0.2000 (b)"), ((0.5, 0.9, 0.9), "")],
)
def test_the_worst_is_named_only_where_one_is(values, said):
    strata = ("", "b", *(f"s{i}" for i in range(60)))
    figures = [
        Figure(
            section="part-0",
            metric="m",
            detector="d",
            stratum=s,
            value=dict(zip(("", "b"), values, strict=False)).get(s, values[2]),
            better="higher",
        )
        for s in strata
    ]
    page = figures_html(figures, (), set())
    found = re.findall(r"61 strata<span class=.soft.>(.*?)</span>", page)
    assert found == [said]


def test_what_is_left_out_by_nature_is_no_warning(evaluation):
    def _said(kind):
        item = LeftOut(kind=kind, where="nmf", text="scans it does not serve", n=7, is_error=False)
        page = evaluation_page(msgspec.structs.replace(evaluation, left_out=(item,)))
        return f"Left out as asked: {kind} 7" in page

    assert _said("other split")
    assert not _said("another modality")


def test_the_blank_is_no_worst_case():
    figures = [
        Figure(section="s", metric="m", detector="d", stratum=name, value=value, better="higher")
        for name, value in [("lane: no source", 0.0), *((f"{i} kBq", 0.1 + 0.01 * i) for i in range(60))]
    ]
    assert "; worst: d 0.1000 (0 kBq)" in figures_html(figures, (), set())


def test_folded_tables_are_printed(evaluation):
    page = evaluation_page(evaluation)
    assert "<details>" in page
    printed = page[page.index("@media print") : page.index("</style>")]
    assert "details:not([open])::details-content { content-visibility: visible;" in printed
    assert "Folded tables are printed unfolded." in page
