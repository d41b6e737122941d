"""What changed since a baseline, as a section of the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from .baseline import Change, Changes, Verdict
from .figures import MANY_STRATA
from .html import Markup, join, tag
from .numbers import figure_words, p_words, rounded

__all__ = ["changes_html"]

#: The worst first.
ORDER: tuple[Verdict, ...] = ("worse", "gone", "not tested", "changed", "better", "new", "unchanged")
WORDS = {"worse": "worse", "gone": "worse", "better": "better"}


def changes_html(changes: Changes) -> Markup:
    """Return a report beside its baseline.

    Parameters
    ----------
    changes : Changes
        From :func:`screening.evaluate.report.compare`.

    Returns
    -------
    Markup
        A verdict in words, and tables.
    """
    n = len(changes.regressions)
    verdict = (
        tag(
            "p",
            f"{n} headline figures are significantly worse, or gone: exit status {changes.exit_status}.",
            class_="alarm",
        )
        if n
        else tag("p", "No headline figure is significantly worse, and none is gone.", class_="calm")
    )
    rule = (
        f"Baseline: {changes.baseline}. Shares of independent trials by Fisher's exact test, rates by the "
        "conditional binomial test, other figures by both intervals; by a paired test where answers for the "
        "same samples are stored. Holm's correction over the headline figures keeps the chance that any is "
        f"called when nothing changed below {changes.alpha:g}."
    )
    if changes.power is not None:
        rule += (
            " The last column is what the test can see: a true value that far for the worse would be called "
            f"with probability {changes.power:g} (a paired test sees less)."
        )
    pieces: list[Markup | None] = [verdict, tag("p", rule, class_="soft")]
    pieces += [tag("p", note, class_="trouble") for note in changes.notes]
    has_power = changes.power is not None
    told = sorted(
        (c for c in changes.headline if c.verdict != "unchanged"), key=lambda c: ORDER.index(c.verdict)
    )
    same = [change for change in changes.headline if change.verdict == "unchanged"]
    if told:
        pieces.append(_table("Headline figures that differ.", told, has_power=has_power))
    if same:
        table = _table("No significant change.", same, has_power=has_power)
        said = f"Headline figures: {len(same)} unchanged"
        is_long = len(same) > MANY_STRATA
        pieces.append(tag("details", tag("summary", said), table, open=None if is_long else "open"))
    if changes.others:
        counted = Counter(change.verdict for change in changes.others)
        said = ", ".join(f"{m} {name}" for name, m in counted.items())
        said = f"Other figures: {said}; {changes.n_unchanged} unchanged"
        table = _table("They end no run.", changes.others, has_power=False)
        is_long = len(changes.others) > MANY_STRATA
        pieces.append(tag("details", tag("summary", said), table, open=None if is_long else "open"))
    else:
        pieces.append(tag("p", f"Other figures: all {changes.n_unchanged} unchanged.", class_="soft"))
    return join(*pieces)


def _table(caption: str, changes: Sequence[Change], *, has_power: bool) -> Markup:
    heads = ["figure", "detector", "baseline", "now", "verdict", "p, Holm", "test"] + [
        "would be seen"
    ] * has_power
    lines = [tag("tr", *_cells(change, has_power=has_power)) for change in changes]
    head = tag("thead", tag("tr", *(tag("th", name, scope="col") for name in heads)))
    table = tag("table", tag("caption", caption), head, tag("tbody", *lines), class_="plain")
    return tag("div", table, class_="scroll")


def _cells(change: Change, *, has_power: bool) -> list[Markup]:
    section, metric, detector, stratum = change.key
    shown = change.now or change.before
    unit = f", {shown.unit}" if shown is not None and shown.unit else ""
    cells = [
        tag(
            "th",
            f"{metric}{unit}",
            tag("em", f": {stratum}") if stratum else None,
            tag("em", f" ({section})"),
            scope="row",
        ),
        tag("td", detector or "–"),
    ]
    for figure in (change.before, change.now):
        if figure is None:
            cells.append(tag("td", "–"))
            continue
        words = figure_words(figure)
        cells.append(tag("td", words.value, *(tag("small", piece) for piece in words[1:] if piece)))
    cells.append(tag("td", change.verdict, class_=WORDS.get(change.verdict)))
    cells.append(tag("td", p_words(change.p_holm), class_="n"))
    cells.append(tag("td", change.test))
    if has_power:
        cells.append(tag("td", _visible(change), class_="n"))
    return cells


def _visible(change: Change) -> str:
    if change.visible is None or change.now is None:
        return ""
    return f"{'≤' if change.now.better == 'higher' else '≥'} {rounded(change.visible)}"
