"""What a test plan may hold. Strict: a key that is not named here is refused."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from .checks import check_confidence, check_name
from .image_scenarios import ImageScenario, IndicatorScenario, MeasuredScenario
from .portal_scenarios import BenignScenario, SourceScenario
from .scenario import Scenario

__all__ = ["AnyScenario", "Plan", "PlanHeader"]


class PlanHeader(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table ``[plan]``.

    Attributes
    ----------
    name, version : str
        Of the plan.
    remarks : str
        What it is, and what it does not claim.
    confidence : float
        Of every scenario that names none.
    detectors : list of str
        Who is tested where the command names nobody.
    """

    name: str
    version: str
    remarks: str = ""
    confidence: float = 0.95
    detectors: tuple[str, ...] = ("pipeline",)

    def __post_init__(self) -> None:
        check_name("name", self.name)
        check_confidence(self.confidence)
        if not self.detectors:
            raise ValueError("detectors: at least one is needed")


AnyScenario: TypeAlias = (
    SourceScenario | BenignScenario | ImageScenario | IndicatorScenario | MeasuredScenario
)


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A test plan.

    Attributes
    ----------
    plan : PlanHeader
        Name, version, remarks.
    scenario : list of scenarios
        In the order of the file.
    """

    plan: PlanHeader
    scenario: list[AnyScenario]

    def __post_init__(self) -> None:
        if not self.scenario:
            raise ValueError("a plan needs at least one [[scenario]]")

    def confidence_of(self, scenario: Scenario) -> float:
        """Return the confidence of a scenario's bounds.

        Parameters
        ----------
        scenario : Scenario
            One of the plan's.

        Returns
        -------
        float
            Its own, or the plan's.
        """
        return self.plan.confidence if scenario.confidence is None else scenario.confidence
