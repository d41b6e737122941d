"""What the test "real or simulated" found."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

__all__ = ["FeatureFinding", "GroupFinding", "NetworkFinding", "PatchPlace", "TwoSampleResult"]


class PatchPlace(NamedTuple):
    """Where a patch was cut: the picture and its upper left pixel."""

    picture: str
    row: int
    column: int


class FeatureFinding(NamedTuple):
    """What one figure of a patch separates.

    Attributes
    ----------
    name, group, text : str
        The figure.
    auroc : float
        Probability that a patch of the second set has the larger value, within a stratum; 0.5: no use.
    low, high : float or None
        95 % interval, bootstrap over parents; None with fewer than 5 in a set.
    median_first, median_second : float
        Medians of the sets.
    """

    name: str
    group: str
    text: str
    auroc: float
    low: float | None
    high: float | None
    median_first: float
    median_second: float


class GroupFinding(NamedTuple):
    """AUROC of a classifier that sees the figures of one group alone."""

    group: str
    auroc: float


class NetworkFinding(NamedTuple):
    """AUROC of a convolutional network on the patches, with its interval."""

    auroc: float
    low: float | None
    high: float | None


class TwoSampleResult(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Whether two sets of pictures can be told apart, and by what.

    Attributes
    ----------
    auroc : float
        Of boosted trees on the figures of patches, cross-validated by parent; 0.5: cannot be told apart.
    low, high : float or None
        95 % interval: bootstrap over parents, widened to `chance_sigma`; None with fewer than 5 in a set.
    chance_sigma : float or None
        Spread of the AUROC about 0.5 with the labels of parents shuffled; None if that was not asked for.
    n_pictures, n_parents : tuple of int
        Of the first and the second set.
    n_energies : int
        Energies compared.
    n_patches : dict of str to int
        Patches of each set by stratum; both have equally many.
    left_out : tuple of str
        Strata that only one set has enough of.
    auroc_by_stratum : dict of str to float
        The same classifier, judged on one stratum.
    features : tuple of FeatureFinding
        Figures, the most telling first.
    groups : tuple of GroupFinding
        Groups of figures, the most telling first.
    network : NetworkFinding or None
        Of the network, where it was asked for.
    frequency : tuple of float
        Cycles per pixel.
    log_power : tuple of tuple of float
        Mean log10 power of -ln T of each set at these frequencies.
    most_telling : tuple of tuple of PatchPlace
        Patches of the first set that look least like the second, and the reverse.
    pictures_of_most_telling : ndarray of shape (2, n, 64, 64), float32
        -ln T of these patches.
    seed : int
        Seed of everything random.
    """

    auroc: float
    low: float | None
    high: float | None
    chance_sigma: float | None
    n_pictures: tuple[int, int]
    n_parents: tuple[int, int]
    n_energies: int
    n_patches: dict[str, int]
    left_out: tuple[str, ...]
    auroc_by_stratum: dict[str, float]
    features: tuple[FeatureFinding, ...]
    groups: tuple[GroupFinding, ...]
    network: NetworkFinding | None
    frequency: tuple[float, ...]
    log_power: tuple[tuple[float, ...], ...]
    most_telling: tuple[tuple[PatchPlace, ...], ...]
    pictures_of_most_telling: NDArray[np.float32]
    seed: int

    def to_plain(self) -> dict[str, Any]:
        """Return everything but the pictures as plain values, for JSON.

        Returns
        -------
        dict
            Named fields throughout.
        """
        plain: dict[str, Any] = {}
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if name in ("features", "groups"):
                value = [item._asdict() for item in value]
            elif name == "network" and value is not None:
                value = value._asdict()
            elif name == "most_telling":
                value = [[place._asdict() for place in side] for side in value]
            elif name == "pictures_of_most_telling":
                continue
            plain[name] = value
        return plain

    def table(self, n_feature: int = 8) -> str:
        """Return the result as lines of text.

        Parameters
        ----------
        n_feature : int
            How many figures are named.

        Returns
        -------
        str
            For a person.
        """
        lines = [
            f"AUROC {self.auroc:.3f}{_interval(self.low, self.high)}, {self.n_pictures[0]} against "
            f"{self.n_pictures[1]} pictures, {sum(self.n_patches.values())} patches of each"
        ]
        if self.network is not None:
            network = self.network
            lines.append(f"network {network.auroc:.3f}{_interval(network.low, network.high)}")
        lines.append(
            "by depth: " + ", ".join(f"{name} {value:.2f}" for name, value in self.auroc_by_stratum.items())
        )
        if self.left_out:
            lines.append("not compared, too few in one set: " + ", ".join(self.left_out))
        lines.append("by group: " + ", ".join(f"{group.group} {group.auroc:.2f}" for group in self.groups))
        lines.append("most telling figures (share of pairs in which the second set has the larger one):")
        lines += [
            f"  {f.name:<20} {f.auroc:.3f}{_interval(f.low, f.high)}  {f.median_first:.4g} against "
            f"{f.median_second:.4g}: {f.text}"
            for f in self.features[:n_feature]
        ]
        return "\n".join(lines)


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f" [{low:.3f}, {high:.3f}]"
