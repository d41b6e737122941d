import numpy as np
from numpy.typing import NDArray

def rebin(
    counts: NDArray[np.float64], edges_in: NDArray[np.float64], edges_out: NDArray[np.float64]
) -> NDArray[np.float64]: ...
