import numpy as np
from numpy.typing import NDArray

def trace_bodies(
    planes: NDArray[np.float32],
    *,
    bodies: NDArray[np.int32],
    shapes: NDArray[np.float64],
    profiles: NDArray[np.float64],
    row_z_m: NDArray[np.float64],
    column_y_m: NDArray[np.float64],
    row_pitch_m: float,
    column_pitch_m: float,
    source_distance_m: float,
    source_height_m: float,
    skew: float,
) -> None: ...
def trace_mesh(
    plane: NDArray[np.float32],
    *,
    vertices_m: NDArray[np.float64],
    triangles: NDArray[np.int32],
    density_g_cm3: float,
    n_sub: int,
    window: tuple[int, int, int, int],
    row_z_m: NDArray[np.float64],
    column_y_m: NDArray[np.float64],
    row_pitch_m: float,
    column_pitch_m: float,
    source_distance_m: float,
    source_height_m: float,
    skew: float,
) -> None: ...
