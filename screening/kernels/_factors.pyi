import numpy as np
from numpy.typing import NDArray

def fit_factors(
    spectra: NDArray[np.float32],
    basis: NDArray[np.float32],
    start: NDArray[np.float64],
    *,
    templates: NDArray[np.float32] | None,
    gate: float,
    tolerance: float,
    max_steps: int,
) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.int32], NDArray[np.float32]]: ...
def log_ratios(
    counts: NDArray[np.uint16],
    background: NDArray[np.float32],
    templates: NDArray[np.float32],
    levels: NDArray[np.float32],
) -> NDArray[np.float32]: ...
