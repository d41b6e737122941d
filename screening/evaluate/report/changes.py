"""What changed since a baseline, as a section of the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from .baseline import QUIET, Change, Changes, Verdict
from .figures import MANY_STRATA
from .html import Markup, join, tag
from .numbers import counted, figure_words, p_words, rounded, unit_words

__all__ = ["changes_html"]

#: The worst first.
ORDER: tuple[Verdict, ...] = (
    "worse",
    "gone",
    "not tested",
    "changed",
    "better",
    "new",
    "not distinguishable",
    "unchanged",
)
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
    said = [
        f"{counted(n, 'headline figure is', 'headline figures are')} significantly worse, or gone"
    ] * bool(n)
    said += [f"not run now: {', '.join(changes.not_run)}"] * bool(changes.not_run)
    calm = "No headline figure is significantly worse, and none is gone."
    verdict = (
        tag("p", f"{'; '.join(said)}: exit status {changes.exit_status}.", class_="alarm")
        if said
        else tag("p", calm, class_="calm" if not changes.is_other_data else "trouble")
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
        (c for c in changes.headline if c.verdict not in QUIET), key=lambda c: ORDER.index(c.verdict)
    )
    close = [change for change in changes.headline if change.verdict == "not distinguishable"]
    close.sort(key=lambda change: not change.is_for_the_worse)
    same = [change for change in changes.headline if change.verdict == "unchanged"]
    if told:
        pieces.append(_table("Headline figures that changed.", told, has_power=has_power))
    what = "not distinguishable" + (" (equal ones among them: other data)" if changes.is_other_data else "")
    for rows, name, caption in (
        (
            close,
            what,
            "They moved by what chance explains, or no test could see it; those for the worse first.",
        ),
        (same, "unchanged", "The very same numbers."),
    ):
        if rows:
            table = _table(caption, rows, has_power=has_power)
            is_long = len(rows) > MANY_STRATA
            said_of = f"Headline figures: {len(rows)} {name}"
            pieces.append(tag("details", tag("summary", said_of), table, open=None if is_long else "open"))
    rest = f"{changes.n_close} not distinguishable, {changes.n_unchanged} unchanged"
    if changes.others:
        verdicts = Counter(change.verdict for change in changes.others)
        said_of = f"Other figures: {', '.join(f'{m} {name}' for name, m in verdicts.items())}; {rest}"
        # What is new is in its own section: here it would stand beside nothing.
        listed = [change for change in changes.others if change.verdict != "new"]
        if listed:
            table = _table("They end no run.", listed, has_power=False)
            is_long = len(listed) > MANY_STRATA
            pieces.append(tag("details", tag("summary", said_of), table, open=None if is_long else "open"))
        else:
            pieces.append(tag("p", f"{said_of}.", class_="soft"))
    else:
        pieces.append(tag("p", f"Other figures: {rest}.", class_="soft"))
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
    unit = unit_words(shown.unit, metric) if shown is not None else ""
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
