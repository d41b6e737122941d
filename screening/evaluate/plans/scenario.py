"""What every scenario of a test plan has."""

from __future__ import annotations

import msgspec

from .checks import check_confidence, check_name, check_share
from .sweeping import Values

__all__ = ["Scenario"]


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """What every scenario has.

    Attributes
    ----------
    name : str
        Unique in the plan.
    trials : int or None
        How many, of each point of a sweep.
    required : float or None
        Least probability of the event.
    maximum : float or None
        Largest probability of the event: for false alarms.
    maximum_unknown : float or None
        Largest share of UNKNOWN answers; when omitted it is printed and not judged.
    confidence : float or None
        Of each one-sided bound; the plan's when omitted.
    limit : str or None
        Of a sweep: the value at which `required` is reached must be at most this (at least, of what makes
        it harder).
    remarks : str
        Why these numbers.
    """

    name: str
    trials: int | None = None
    required: float | None = None
    maximum: float | None = None
    maximum_unknown: float | None = None
    confidence: float | None = None
    limit: str | None = None
    remarks: str = ""

    def __post_init__(self) -> None:
        check_name("name", self.name)
        if self.trials is not None and not 1 <= self.trials <= 1_000_000:
            raise ValueError(f"trials: 1 to 1000000 are allowed, got {self.trials}")
        for name in ("required", "maximum", "maximum_unknown"):
            value = getattr(self, name)
            if value is not None:
                check_share(name, value)
        if self.confidence is not None:
            check_confidence(self.confidence)

    def swept(self) -> list[tuple[str, Values | None, bool]]:
        """Return the fields that may hold a list.

        Returns
        -------
        list of (str, str or list of str or None, bool)
            Name, value, and whether larger values are easier to detect.
        """
        return []
