"""K lines of the elements that detectors and shields are made of.

Energies, relative intensities and fluorescence yields from Elam, Ravel and Sieber, Radiation Physics and
Chemistry 63 (2002) 121, as tabulated in XrayDB (public domain). Lines of nearly one energy are taken
together: alpha 2 with alpha 3, beta 1 with beta 3 and 5, beta 2 with beta 4, at their mean energy.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["K_LINES", "KLines"]


class KLines(NamedTuple):
    """What an element sends out after a vacancy in the K shell.

    Attributes
    ----------
    edge_kev : float
        Binding energy of the K shell, keV.
    fluorescence : float
        Share of vacancies that send out a K line.
    line_kev : tuple of float, length 4
        Alpha 1, alpha 2, beta 1, beta 2, keV.
    share : tuple of float, length 4
        Share of each among them.
    """

    edge_kev: float
    fluorescence: float
    line_kev: tuple[float, float, float, float]
    share: tuple[float, float, float, float]


#: By element symbol.
K_LINES: dict[str, KLines] = {
    "Zn": KLines(9.659, 0.469, (8.637, 8.614, 9.57, 0.0), (0.576, 0.2947, 0.1293, 0.0)),
    "Ge": KLines(11.103, 0.523, (9.886, 9.855, 10.981, 0.0), (0.5739, 0.2949, 0.1312, 0.0)),
    "Br": KLines(13.474, 0.598, (11.924, 11.878, 13.29, 13.471), (0.5665, 0.2929, 0.133, 0.0076)),
    "Cd": KLines(26.711, 0.836, (23.173, 22.984, 26.083, 26.648), (0.5411, 0.2882, 0.1417, 0.029)),
    "Te": KLines(31.814, 0.883, (27.473, 27.201, 30.978, 31.711), (0.5357, 0.2883, 0.1446, 0.0314)),
    "I": KLines(33.169, 0.893, (28.612, 28.316, 32.277, 33.047), (0.5339, 0.288, 0.1452, 0.0329)),
    "Cs": KLines(35.985, 0.912, (30.973, 30.625, 34.961, 35.814), (0.5301, 0.2876, 0.1464, 0.0359)),
    "La": KLines(38.925, 0.928, (33.442, 33.033, 37.772, 38.72), (0.5265, 0.2872, 0.1475, 0.0388)),
    "W": KLines(69.525, 0.983, (59.318, 57.981, 67.151, 69.038), (0.5006, 0.2879, 0.1678, 0.0437)),
    "Pb": KLines(88.005, 0.978, (74.97, 72.804, 84.784, 87.249), (0.4878, 0.2897, 0.1718, 0.0507)),
}
