"""What is asked of a detector under test. Only a name and an answer are required."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Literal, Protocol, get_args, runtime_checkable

from screening.records import Scan

from .answer import DetectorAnswer

__all__ = ["CAPABILITIES", "Capability", "DetectorUnderTest", "SeriesDetector", "capabilities_of"]

Capability = Literal[
    "radiation",
    "radiograph",
    "alarm",
    "nuclides",
    "confidences",
    "loaded",
    "dense",
    "shielded",
    "threat",
    "candidates",
    "mass",
]

#: What a detector may say of itself under the name ``capabilities``: the modalities it serves and the
#: questions it answers.
CAPABILITIES: frozenset[str] = frozenset(get_args(Capability))


@runtime_checkable
class DetectorUnderTest(Protocol):
    """A detector.

    Entry points of the group ``screening.detectors`` name a class (or function) that takes the
    :class:`screening.config.Settings` and returns one.

    Besides the name it may have these attributes, all of them optional: ``version`` (str; a changed
    version makes stored answers be made again), ``text`` (str; one line of what it does), ``tier``
    ("blind", "informed", "oracle", "reference"), ``models`` (dict of str to str: the sha256 of each model
    it uses), and ``capabilities`` (a set of :data:`CAPABILITIES`).
    """

    name: str

    def answer(self, scan: Scan) -> DetectorAnswer | None:
        """Return what it says of a scan.

        Parameters
        ----------
        scan : Scan
            One scan.

        Returns
        -------
        DetectorAnswer or None
            None for a modality it does not serve: such scans are counted and not scored.
        """
        ...


@runtime_checkable
class SeriesDetector(Protocol):
    """A detector of sources in a stream of spectra, as the weak-source bench tests them.

    It sees spectra and live times of one energy axis, learns from background alone, and gives one score
    for each interval, from what was measured up to that interval.
    """

    name: str

    def fit(self, *args: Any, **kwargs: Any) -> Any:
        """Learn from background runs.

        Parameters
        ----------
        *args, **kwargs
            As the weak-source bench hands them over.

        Returns
        -------
        object
            What it learned, or itself.
        """
        ...

    def score(self, *args: Any, **kwargs: Any) -> Any:
        """Return one score an interval.

        Parameters
        ----------
        *args, **kwargs
            As the weak-source bench hands them over.

        Returns
        -------
        ndarray
            One number an interval; higher is more alarming.
        """
        ...


def capabilities_of(detector: Any) -> frozenset[str] | None:
    """Return what a detector says it can do.

    Parameters
    ----------
    detector : object
        Any detector.

    Returns
    -------
    frozenset of str or None
        None where it does not say: then it is asked everything.
    """
    stated = getattr(detector, "capabilities", None)
    if not isinstance(stated, Collection) or isinstance(stated, str):
        return None
    return frozenset(str(item) for item in stated)
