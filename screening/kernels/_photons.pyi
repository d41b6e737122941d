import numpy as np
from numpy.typing import NDArray

def transport_photons(
    table: NDArray[np.float32],
    binding: NDArray[np.float64],
    form: NDArray[np.float64],
    line_kev: NDArray[np.float64],
    line_cum: NDArray[np.float64],
    bounds: NDArray[np.float64],
    material: NDArray[np.int32],
    shape: int,
    source: int,
    crystal: int,
    distance: float,
    energy: float,
    edges: NDArray[np.float64],
    n_history: int,
    seed: int,
) -> tuple[
    NDArray[np.int64],
    NDArray[np.int64],
    NDArray[np.float64],
    int,
    int,
    int,
    float,
    float,
    float,
    float,
]: ...
