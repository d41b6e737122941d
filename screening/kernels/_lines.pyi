import numpy as np
from numpy.typing import NDArray

from .results import LineCorrection

def isa_level() -> int: ...
def correct_lines(
    raw: NDArray[np.uint16],
    *,
    dark: NDArray[np.float32],
    air: NDArray[np.float32],
    reference: NDArray[np.float32] | None,
    row_mask: NDArray[np.uint8] | None,
    column_mask: NDArray[np.uint8] | None,
    electronic_sigma: float,
    gain: float,
    saturation: int,
    out: LineCorrection,
) -> LineCorrection: ...
