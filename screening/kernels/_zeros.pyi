import numpy as np
from numpy.typing import NDArray

def classify_zeros(
    raw: NDArray[np.uint16], state: NDArray[np.uint8], *, electronic_sigma: float, floor_counts: float
) -> NDArray[np.uint8]: ...
