"""The parts of a simulated background, each with its absolute rate, beside a measured LaBr3 background."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize, nnls

from screening.physics import FwhmLaw
from screening.simulation.spectra.channels import channel_counts
from screening.simulation.spectra.crystal import Crystal, Deposits, deposits_of
from screening.simulation.spectra.intrinsic import intrinsic_deposits
from screening.simulation.spectra.medium import flux_in_medium
from screening.simulation.spectra.photons import through
from screening.simulation.validation.gamma_fit import read_measured
from screening.simulation.validation.gamma_setups import SUBTRACTED_BACKGROUND


def _parts() -> dict[str, Deposits]:
    """Counts a second of 1 Bq/g in even ground below, and of the crystal's own lanthanum."""
    crystal = Crystal("labr3-1.5x1.5", "labr3-1.5x1.5", 0.0).around()
    parts = {}
    for label in ("K-40", "Ra-226", "Th-232"):
        flux = flux_in_medium(label, "soil").scaled(0.5 * crystal.face_area_cm2)
        parts[label] = deposits_of(crystal, through(flux, "aluminium", 0.3))
    parts["La-138"] = intrinsic_deposits(crystal, 0.0, 0.34)
    return parts


@pytest.mark.shared
def test_a_measured_background_is_ground_and_lanthanum_at_plausible_rates(shared_data) -> None:
    measured = read_measured(shared_data / SUBTRACTED_BACKGROUND)
    edges = measured.edges_kev
    centre = 0.5 * (edges[1:] + edges[:-1])
    # Below lie discriminator and soft scatter; above, the alphas of actinium, which fit nothing simple.
    chosen = (centre > 150.0) & (centre < 1550.0)
    sigma = np.sqrt(measured.variance + (0.03 * measured.counts) ** 2)[chosen]
    parts = _parts()

    def fitted(p: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        true = (edges - p[0]) / p[1]
        shapes = [channel_counts(part, true, FwhmLaw(p[2], 0.5, 1.5)) for part in parts.values()]
        design = np.stack(shapes, axis=1)[chosen] * measured.live_time_s
        scale, residual = nnls(design / sigma[:, None], measured.counts[chosen] / sigma)
        return design, scale, residual

    start = np.array([4.0, 0.994, 0.029])
    simplex = start + np.array([[0, 0, 0], [4.0, 0, 0], [0, -0.004, 0], [0, 0, 0.003]])
    found = minimize(
        lambda p: fitted(p)[2],
        start,
        method="Nelder-Mead",
        options={"maxiter": 60, "initial_simplex": simplex},
    )
    design, scale, _ = fitted(found.x)
    found_bq = dict(zip(parts, scale, strict=True))
    # Soils hold 0.14 to 0.85 Bq/g of potassium, 0.017 to 0.06 of radium, 0.011 to 0.064 of thorium (UNSCEAR
    # 2000); buildings reach further.
    assert 0.1 < found_bq["K-40"] < 1.0
    assert 0.01 < found_bq["Ra-226"] < 0.1
    assert 0.01 < found_bq["Th-232"] < 0.1
    # The activity of natural lanthanum is known: what is found is the crystal's volume over 43 cm3.
    assert 0.6 < found_bq["La-138"] < 1.2
    model = design @ scale
    for low in range(150, 1550, 100):
        window = (centre[chosen] > low) & (centre[chosen] < low + 100)
        ratio = model[window].sum() / measured.counts[chosen][window].sum()
        assert abs(ratio - 1.0) < 0.20, (low, ratio)
