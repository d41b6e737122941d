"""The ceiling: an observer who knows the mean background, the source's spectrum and the shape of its pass."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from screening.kernels import log_ratios

from .scene import INTERVAL_S

__all__ = ["Oracle", "oracle_for"]

#: Shares of the closest approach at which logarithms are taken; between them they are interpolated.
_NODES = np.array([0.08, 0.35, 0.7, 1.0])

#: Standard deviations at which the source stands for which the ratio is taken: near what is just detected.
_DESIGN = 7.0


class Oracle(NamedTuple):
    """The likelihood ratio of a pass at a fixed activity.

    ln L(t0) = sum over the pass of n ln(1 + A p s / b) - A p s, with p the profile about t0, s the spectrum
    at the closest approach and b the true mean background. By Neyman and Pearson no other detector does
    better at that activity, on a background that is known; near it next to none does.

    Attributes
    ----------
    templates : ndarray of shape (n_source, n_bin), float32
        A s: expected counts of an interval at the closest approach.
    profile : ndarray of shape (2 n + 1,), float64
        p.
    """

    templates: NDArray[np.float32]
    profile: NDArray[np.float64]

    @property
    def lead_s(self) -> float:
        """Length of the series that a score rests on, seconds."""
        return INTERVAL_S * self.profile.size

    def score_each(
        self,
        counts: NDArray[np.uint16],
        background: NDArray[np.float32],
        which: NDArray[np.int64] | None = None,
    ) -> NDArray[np.float64]:
        """Give each interval a score for each source.

        Parameters
        ----------
        counts : ndarray of shape (n_interval, n_bin), uint16
            One series.
        background : ndarray of shape (n_interval, n_bin), float32
            Its mean without a source.
        which : ndarray of shape (n_chosen,), int64, optional
            Sources; all when omitted.

        Returns
        -------
        ndarray of shape (n_chosen, n_interval), float64
            Of a pass that ends with the interval; -inf before a whole pass.
        """
        rows = self.templates if which is None else self.templates[which]
        found = np.full((len(rows), counts.shape[0]), -np.inf)
        length = self.profile.size
        if counts.shape[0] < length or len(rows) == 0:
            return found
        parts = log_ratios(counts, background, np.ascontiguousarray(rows), _NODES.astype(np.float32))
        weights = _lagrange(self.profile)
        total = rows.sum(axis=1, dtype=np.float64) * self.profile.sum()
        for k in range(len(rows)):
            value = np.zeros(counts.shape[0] - length + 1)
            for node in range(_NODES.size):
                value += np.correlate(parts[:, k, node].astype(np.float64), weights[node], mode="valid")
            found[k, length - 1 :] = value - total[k]
        return found


def oracle_for(
    templates: NDArray[np.float64], profile: NDArray[np.float64], background: NDArray[np.float64]
) -> tuple[Oracle, NDArray[np.float64]]:
    """Return an oracle for activities that are just detected on a usual background.

    Parameters
    ----------
    templates : ndarray of shape (n_source, n_bin), float64
        Expected counts of an interval at the closest approach, a unit of activity.
    profile : ndarray of shape (2 n + 1,), float64
        Shape of a pass.
    background : ndarray of shape (n_bin,), float64
        Usual background of an interval.

    Returns
    -------
    oracle : Oracle
        The oracle.
    activity : ndarray of shape (n_source,), float64
        Those activities: where the matched filter of counts against known background stands at 7 sigma, which
        is about what one false alarm in 8 h and a probability of 0.95 take.
    """
    information = (templates**2 / np.maximum(background, 1e-9)).sum(axis=1) * (profile**2).sum()
    # With the counts of the source itself a narrow line may need more: at least ten counts in a pass.
    counted = templates.sum(axis=1) * profile.sum()
    activity = np.maximum(
        _DESIGN / np.sqrt(np.maximum(information, 1e-300)), 10.0 / np.maximum(counted, 1e-300)
    )
    return Oracle((templates * activity[:, np.newaxis]).astype(np.float32), profile), activity


def _lagrange(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weights of the nodes, (n_node, n), for a smooth function that is 0 at 0."""
    nodes = np.concatenate([[0.0], _NODES])
    weights = np.ones((_NODES.size, p.size))
    for i in range(1, nodes.size):
        for j in range(nodes.size):
            if i != j:
                weights[i - 1] *= (p - nodes[j]) / (nodes[i] - nodes[j])
    return weights
