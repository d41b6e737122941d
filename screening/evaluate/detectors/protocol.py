"""What is asked of a detector under test. Only a name and an answer are required."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Literal, Protocol, get_args, runtime_checkable

from screening.records import Scan

from .answer import DetectorAnswer

__all__ = ["CAPABILITIES", "Capability", "DetectorUnderTest", "capabilities_of"]

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
