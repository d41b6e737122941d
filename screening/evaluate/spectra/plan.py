"""What the identification bench simulates: sources, counts, backgrounds, detectors, and from which seeds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import numpy as np

__all__ = [
    "BENCH_VERSION",
    "CLASSES",
    "FULL",
    "KINDS",
    "NOT_SIMULATED",
    "SHORT",
    "BenchPlan",
    "Level",
    "ParentPlan",
    "class_of",
    "parent_plans",
    "parent_seeds",
]

#: Changes whenever the same seed would give other spectra; part of the identity of a run.
#: 2: separate backgrounds have the scale of the background they stand for; 1 had half of them too weak.
BENCH_VERSION = "2"

#: First word of every seed of the bench: no stream of training begins with it.
_WORD = 0x5C0FE1D

#: Sources by class of truth. A label stands in its most severe category.
CLASSES: dict[str, tuple[str, ...]] = {
    "norm": ("Ra-226", "Th-232"),
    "medical": ("Tc-99m", "I-131", "Tl-201", "Ga-67", "In-111", "Lu-177", "F-18"),
    "industrial": ("Cs-137", "Co-60", "Co-57", "Ba-133", "Am-241", "Ir-192", "Se-75", "Eu-152"),
    "nuclear": ("DU", "LEU"),
    "snm": ("HEU", "WGPu", "RGPu", "U-233", "Np-237"),
    "mixture": ("Cs-137+Co-60", "HEU+Tc-99m", "WGPu+Cs-137", "HEU+Ra-226"),
}

#: Classes of detector; :data:`NOT_SIMULATED` are those that were wanted and that no simulated crystal is of.
KINDS: tuple[str, ...] = ("hpge", "czt", "labr3", "nai", "csi")
NOT_SIMULATED: tuple[str, ...] = ("cebr3",)


class Level(NamedTuple):
    """Net counts, and net over background counts, both from 50 to 3,000 keV; a background has no ratio."""

    net_counts: float
    signal_to_background: float | None

    @property
    def text(self) -> str:
        """For people, and the key of a stratum."""
        if self.signal_to_background is None:
            return f"{self.net_counts:g} counts"
        return f"{self.net_counts:g} net counts, S/B {self.signal_to_background:g}"


class ParentPlan(NamedTuple):
    """One instrument at one place with one source: what the draws at all levels share.

    Attributes
    ----------
    number : int
        Within the bench; its seed follows from it.
    kind : str
        Class of detector.
    truth : tuple of str
        Labels present; empty for a background.
    truth_class : str
        Key of :data:`CLASSES`, or "background".
    has_background : bool
        A background measured apart comes along.
    levels : tuple of Level
        What is drawn, in this order.
    """

    number: int
    kind: str
    truth: tuple[str, ...]
    truth_class: str
    has_background: bool
    levels: tuple[Level, ...]

    @property
    def name(self) -> str:
        """What draws share, as figures count it."""
        return f"parent-{self.number:05d}"


class BenchPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much is simulated.

    Attributes
    ----------
    kinds : tuple of str
        Classes of detector.
    labels : dict of str to tuple of str
        Sources by class of truth; "+" joins those of a mixture.
    net_counts, signal_to_background : tuple of float
        Every pair is a level.
    n_round : int
        Instruments for each label and class of detector, one a round; every second parent of a round brings
        a background along, the other half in the next.
    background_counts : tuple of float
        Levels of spectra without a source.
    n_background : int
        Instruments without a source for each class of detector and round.
    n_null : int
        Draws of each parent's background on which the oracle's threshold is set.
    n_card : int or None
        How many trials of each part of the model card's test are made again; None: all.
    n_draw : int
        Samples of each measured spectrum, counts and ratio.
    """

    kinds: tuple[str, ...] = KINDS
    labels: dict[str, tuple[str, ...]] = msgspec.field(default_factory=lambda: dict(CLASSES))
    net_counts: tuple[float, ...] = (300.0, 1000.0, 3000.0, 10_000.0)
    signal_to_background: tuple[float, ...] = (0.3, 3.0)
    n_round: int = 2
    background_counts: tuple[float, ...] = (300.0, 1000.0, 3000.0, 10_000.0)
    n_background: int = 10
    n_null: int = 16
    n_card: int | None = None
    n_draw: int = 6


FULL = BenchPlan()
SHORT = BenchPlan(
    kinds=("labr3", "nai"),
    labels={"medical": ("I-131",), "industrial": ("Cs-137", "Co-60"), "snm": ("HEU",)},
    net_counts=(1000.0, 10_000.0),
    signal_to_background=(1.0,),
    n_round=2,
    background_counts=(1000.0,),
    n_background=2,
    n_card=4,
    n_draw=1,
)


def parent_plans(plan: BenchPlan) -> Iterator[ParentPlan]:
    """Yield the parents of a plan.

    Parameters
    ----------
    plan : BenchPlan
        How much.

    Yields
    ------
    ParentPlan
        Round by round, so that a run that was cut short is a smaller bench; in each sources first, then
        backgrounds, numbered in this order.
    """
    levels = tuple(Level(net, ratio) for net in plan.net_counts for ratio in plan.signal_to_background)
    empty = tuple(Level(counts, None) for counts in plan.background_counts)
    # Sorted: a plan that went through a file must number its parents alike.
    labels = [
        (truth_class, label) for truth_class in sorted(plan.labels) for label in plan.labels[truth_class]
    ]
    number = 0
    for turn in range(plan.n_round):
        for place, (truth_class, label) in enumerate(labels):
            for k, kind in enumerate(plan.kinds):
                is_with = (turn + place + k) % 2 == 0
                yield ParentPlan(number, kind, tuple(label.split("+")), truth_class, is_with, levels)
                number += 1
        for kind in plan.kinds:
            for copy in range(plan.n_background):
                yield ParentPlan(number, kind, (), "background", copy % 2 == 0, empty)
                number += 1


def parent_seeds(seed: int, number: int) -> np.random.SeedSequence:
    """Return the stream of one parent.

    Parameters
    ----------
    seed : int
        Of the bench, 0 or more.
    number : int
        Of the parent.

    Returns
    -------
    numpy.random.SeedSequence
        Of its own entropy: no other parent, and nothing of training, shares it.
    """
    return np.random.SeedSequence([_WORD, seed, number])


def class_of(truth: tuple[str, ...]) -> str:
    """Return the class that a truth is reported under.

    Parameters
    ----------
    truth : tuple of str
        Labels present.

    Returns
    -------
    str
        "background", "mixture", or the most severe category of the one label.
    """
    from screening.evaluate.identification import load_correspondence, severity

    if not truth:
        return "background"
    if len(truth) > 1:
        return "mixture"
    return ("norm", "medical", "industrial", "nuclear", "snm")[severity(truth[0], load_correspondence())]
