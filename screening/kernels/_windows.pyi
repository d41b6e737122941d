import numpy as np
from numpy.typing import NDArray

from .results import CountWindows

def count_windows(
    counts: NDArray[np.int64], background: NDArray[np.float64], *, window: int, n_sigma: float
) -> CountWindows: ...
