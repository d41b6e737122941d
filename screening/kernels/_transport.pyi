import numpy as np
from numpy.typing import NDArray

def transmit(
    planes: NDArray[np.float32],
    *,
    mu_cm2_g: NDArray[np.float64],
    weight: NDArray[np.float64],
    out: NDArray[np.float32],
) -> None: ...
