import numpy as np
from numpy.typing import NDArray

def parse_counts(
    text: bytes,
    n_channel: int | None,
    *,
    counted_zeroes: bool,
    out: NDArray[np.uint32] | None = None,
    is_zeroed: bool = False,
) -> NDArray[np.uint32]: ...
