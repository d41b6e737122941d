"""What changed since a baseline, which of it is no chance, and which change could have been seen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec
import numpy as np

from screening.evaluate.metrics.comparison import holm
from screening.evaluate.record import Evaluation, Figure, Provenance, Section

from .numbers import counted
from .paired import PairedTest
from .regression import has_interval, kind_of, p_values, visible_value

__all__ = ["REGRESSION_STATUS", "Change", "Changes", "Verdict", "compare", "stripped"]

#: Exit status of a command that found a significant regression.
REGRESSION_STATUS = 3

Key = tuple[str, str, str, str]
Verdict = Literal[
    "better", "worse", "changed", "unchanged", "not distinguishable", "not tested", "new", "gone"
]
#: Verdicts that tell nothing worth a line of its own among many figures.
QUIET = ("unchanged", "not distinguishable")
#: Said as the test of a figure that had an interval in the baseline and has none now.
INTERVAL_LOST = "none: interval lost"


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One figure in both reports.

    Attributes
    ----------
    key : tuple of str
        Section, metric, detector and stratum.
    verdict : {"better", "worse", "changed", "unchanged", "not distinguishable", "not tested", "new", "gone"}
        Significant after correction, in the sense of the figure; "changed" where neither way is good;
        "unchanged" where the numbers are equal, on the same data; "not distinguishable" where they
        differ by what chance explains, or are equal on other data; "not tested" where they differ and
        no test can be had; "gone" when the baseline had a number, or an interval, and there is none now.
    before, now : Figure or None
        As reported.
    p, p_holm : float or None
        Two-sided p-value, alone and corrected.
    test : str
        Which test, or why there is none.
    visible : float or None
        The value for the worse that would be called so with the power stated; None where no test can
        be had, or no change is large enough.
    """

    key: Key
    verdict: Verdict
    before: Figure | None = None
    now: Figure | None = None
    p: float | None = None
    p_holm: float | None = None
    test: str = ""
    visible: float | None = None

    @property
    def is_for_the_worse(self) -> bool:
        """Whether the number moved the wrong way, by chance or not."""
        if not (_is_measured(self.before) and _is_measured(self.now)):
            return False
        return _move(self.before, self.now) < 0  # type: ignore[arg-type]


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """A report beside its baseline.

    Attributes
    ----------
    baseline : str
        Title, version and time of the baseline.
    alpha : float
        Chance that any headline figure is called better or worse when nothing changed, at most.
    power : float or None
        With which the `visible` changes would be called; None where they are not stated.
    headline : tuple of Change
        Every headline figure that has a number in either report.
    others : tuple of Change
        Other figures that differ by more than chance explains, or cannot be tested.
    n_unchanged, n_close : int
        Other figures that are equal, and that differ by what chance explains.
    notes : tuple of str
        What must be known: other data, other seeds.
    not_run : tuple of str
        Detectors of the baseline that were not run now; their figures are not compared.
    is_other_data : bool
        Whether the samples are others than those of the baseline.
    """

    baseline: str
    alpha: float
    power: float | None
    headline: tuple[Change, ...]
    others: tuple[Change, ...] = ()
    n_unchanged: int = 0
    notes: tuple[str, ...] = ()
    not_run: tuple[str, ...] = ()
    is_other_data: bool = False
    n_close: int = 0

    @property
    def regressions(self) -> tuple[Change, ...]:
        """Headline figures that are worse or gone."""
        return tuple(change for change in self.headline if change.verdict in ("worse", "gone"))

    @property
    def exit_status(self) -> int:
        """3 with a regression, or where a detector was not run that could have one; else 0."""
        return REGRESSION_STATUS if self.regressions or self.not_run else 0


def compare(
    evaluation: Evaluation,
    baseline: Evaluation,
    *,
    alpha: float = 0.05,
    power: float | None = 0.8,
    paired: Mapping[Key, PairedTest] | None = None,
) -> Changes:
    """Compare a report with its baseline, figure by figure.

    Shares of independent trials by Fisher's exact test, rates by the conditional binomial test, other figures
    with intervals by the normal deviate that their intervals give; where answers for the same samples are
    stored, by a paired test instead. Holm's correction over the headline figures, and over the
    others apart.

    Parameters
    ----------
    evaluation : Evaluation
        The report.
    baseline : Evaluation
        What it is measured against.
    alpha : float
        Chance of a false alarm, over all headline figures, at most.
    power : float or None
        For which visible changes are stated; None states none, which is quicker.
    paired : mapping of tuple to PairedTest, optional
        By key of a figure: tests on the same samples, from :func:`stored_pairs`. They count where both
        figures are of as many samples.

    Returns
    -------
    Changes
        Every headline figure, and what else changed.

    Raises
    ------
    ValueError
        If `alpha` or `power` is no share.
    """
    for name, value in (("alpha", alpha), ("power", power)):
        if value is not None and not 0.0 < value < 1.0:
            raise ValueError(f"{name} must lie between 0 and 1, got {value!r}")
    not_run = _not_run(evaluation, baseline)
    now = {figure.key: figure for figure in evaluation.figures}
    before = {figure.key: figure for figure in baseline.figures if figure.detector not in not_run}
    other_data = _other_data(evaluation, baseline)
    # A figure without a number in either says nothing of a change.
    keys = [
        k for k in dict.fromkeys([*now, *before]) if _is_measured(now.get(k)) or _is_measured(before.get(k))
    ]
    is_headline = [any(k in side and side[k].is_headline for side in (now, before)) for k in keys]
    families = [
        _family(
            [key for key, chosen in zip(keys, is_headline, strict=True) if chosen is wanted],
            before,
            now,
            alpha=alpha,
            power=power if wanted else None,
            paired=paired or {},
            is_other_data=bool(other_data),
        )
        for wanted in (True, False)
    ]
    others = [change for change in families[1] if change.verdict not in QUIET]
    n_close = sum(change.verdict == "not distinguishable" for change in families[1])
    made = baseline.provenance
    return Changes(
        baseline=", ".join(
            piece for piece in (baseline.title, f"screening {made.version}", made.made_utc) if piece
        ),
        alpha=alpha,
        power=power,
        headline=tuple(families[0]),
        others=tuple(others),
        n_unchanged=len(families[1]) - len(others) - n_close,
        n_close=n_close,
        notes=(*other_data, *_notes(evaluation, baseline), *_fewer(families[0])),
        not_run=not_run,
        is_other_data=bool(other_data),
    )


def stripped(evaluation: Evaluation, *, is_headline_only: bool = False) -> Evaluation:
    """Return a report with its figures alone, small enough to ship as a baseline.

    Parameters
    ----------
    evaluation : Evaluation
        A report.
    is_headline_only : bool
        Keep the headline figures alone.

    Returns
    -------
    Evaluation
        Sections by title, detectors, figures, hashes and seeds: no curves, comparisons, exhibits,
        machine or time.
    """
    figures = tuple(f for f in evaluation.figures if f.is_headline or not is_headline_only)
    used = {figure.section for figure in figures}
    made = evaluation.provenance
    return Evaluation(
        title=evaluation.title,
        provenance=Provenance(
            version=made.version,
            config_sha256=made.config_sha256,
            command=made.command,
            data=made.data,
            seeds=made.seeds,
        ),
        sections=tuple(Section(id=s.id, title=s.title) for s in evaluation.sections if s.id in used),
        detectors=evaluation.detectors,
        figures=figures,
    )


def _family(
    keys: Sequence[Key],
    before: Mapping[Key, Figure],
    now: Mapping[Key, Figure],
    *,
    alpha: float,
    power: float | None,
    paired: Mapping[Key, PairedTest],
    is_other_data: bool,
) -> list[Change]:
    both = [key for key in keys if _is_measured(before.get(key)) and _is_measured(now.get(key))]
    pairs = [(before[key], now[key]) for key in both]
    kinds = [kind_of(*pair) for pair in pairs]
    p = p_values(pairs, kinds)
    names = [kind.text for kind in kinds]
    for i, key in enumerate(both):
        if key in paired and pairs[i][0].n == pairs[i][1].n == paired[key].n:
            p[i], names[i] = paired[key].p, paired[key].test
    tested = np.flatnonzero(np.isfinite(p))
    corrected = [math.nan if value is None else value for value in holm([_or_none(value) for value in p])]
    found: dict[Key, Change] = {}
    verdict: Verdict
    for i, key in enumerate(both):
        is_lost = not math.isfinite(p[i]) and has_interval(pairs[i][0]) and not has_interval(pairs[i][1])
        verdict = "gone" if is_lost else _verdict(*pairs[i], corrected[i], alpha)
        if is_lost:
            names[i] = INTERVAL_LOST
        if verdict == "unchanged" and is_other_data:
            verdict = "not distinguishable"  # equal by chance: nothing was measured twice
        found[key] = Change(
            key=key,
            verdict=verdict,
            before=pairs[i][0],
            now=pairs[i][1],
            p=_or_none(p[i]),
            p_holm=_or_none(corrected[i]),
            test=names[i],
            visible=None
            if power is None or not pairs[i][1].better
            else visible_value(*pairs[i], kinds[i], alpha=alpha / max(1, tested.size), power=power),
        )
    for key in keys:
        if key not in found:
            had = _is_measured(before.get(key))
            verdict = "gone" if had else "new"
            found[key] = Change(key=key, verdict=verdict, before=before.get(key), now=now.get(key))
    return [found[key] for key in keys]


def _or_none(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _is_measured(figure: Figure | None) -> bool:
    return figure is not None and figure.value is not None and math.isfinite(figure.value)


def _verdict(before: Figure, now: Figure, p: float, alpha: float) -> Verdict:
    old, new = before.value or 0.0, now.value or 0.0  # both are measured
    if not math.isfinite(p):
        return "unchanged" if old == new else "not tested"
    if old == new:
        return "unchanged"
    if p > alpha:
        return "not distinguishable"
    move = _move(before, now)
    return "better" if move > 0 else "worse" if move < 0 else "changed"


def _move(before: Figure, now: Figure) -> float:
    """Return how far a number moved, more than 0 for the better; 0 where neither way is good."""
    sign = {"higher": 1.0, "lower": -1.0}.get(now.better, 0.0)
    return sign * ((now.value or 0.0) - (before.value or 0.0))


def _fewer(headline: Sequence[Change]) -> list[str]:
    """Say where there are fewer trials than before: a test of few sees little."""
    shrunk = [
        (change.now.n / change.before.n, change)
        for change in headline
        if change.before is not None and change.now is not None
        if change.before.n and change.now.n is not None and change.now.n < change.before.n
    ]
    if not shrunk:
        return []
    _, worst = min(shrunk, key=lambda pair: pair[0])
    was, is_now = (0.0 if figure is None else figure.n or 0.0 for figure in (worst.before, worst.now))
    return [
        f"{counted(len(shrunk), 'headline figure has', 'headline figures have')} fewer trials than in the "
        f"baseline, {worst.key[1]} {is_now:g} for {was:g}: changes that were seen then may not be seen now"
    ]


def _is_of_a_model(name: str) -> bool:
    return name.startswith("model ") or name.endswith(" model")


def _samples(evaluation: Evaluation) -> dict[str, str]:
    """Return the hashes of what was measured on; a model under test is none of it."""
    return {k: v for k, v in evaluation.provenance.data.items() if not _is_of_a_model(k)}


def _other_data(evaluation: Evaluation, baseline: Evaluation) -> list[str]:
    """Say where the samples are not those of the baseline; a folder that was only renamed holds the same."""
    old, new = _samples(baseline), _samples(evaluation)
    lost = {name: value for name, value in old.items() if value not in new.values()}
    added = {name: value for name, value in new.items() if value not in old.values()}
    if not lost:
        return []
    said = [
        f"{name}: {value[:12]} -> {added.pop(name)[:12]}"
        for name, value in list(lost.items())
        if name in added and lost.pop(name)
    ]
    if lost:
        sides = (", ".join(f"{k} {v[:12]}" for k, v in side.items()) or "none" for side in (lost, added))
        said.append(" -> ".join(sides))
    return [f"other data: {'; '.join(said)}: equal figures are a chance, and no test is paired"]


def _not_run(evaluation: Evaluation, baseline: Evaluation) -> tuple[str, ...]:
    """Return the detectors of the baseline that nothing was asked of now."""
    names = {detector.name for detector in evaluation.detectors} | {f.detector for f in evaluation.figures}
    were = [detector.name for detector in baseline.detectors]
    were += [figure.detector for figure in baseline.figures if _is_measured(figure)]
    return tuple(name for name in dict.fromkeys(were) if name and name not in names)


def _notes(evaluation: Evaluation, baseline: Evaluation) -> tuple[str, ...]:
    old, new = baseline.provenance, evaluation.provenance
    notes = [
        f"{name} is not what it was in the baseline: its hash differs"
        for name in sorted(old.data.keys() & new.data.keys())
        if old.data[name] != new.data[name] and _is_of_a_model(name)
    ]
    notes += [
        f"the seed of {name} was {old.seeds[name]} in the baseline and is {new.seeds[name]}"
        for name in sorted(old.seeds.keys() & new.seeds.keys())
        if old.seeds[name] != new.seeds[name]
    ]
    if old.config_sha256 and new.config_sha256 and old.config_sha256 != new.config_sha256:
        notes.append("the settings are not those of the baseline")
    return tuple(notes)
