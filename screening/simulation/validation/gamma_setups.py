"""What is known or taken of each measured spectrum: source, holder, crystal, background, peaks.

The files state nuclide and live time only. What stands between source and crystal was read off the
spectra themselves where lines of one source at different energies tell it, and is fixed here; the fit
does not touch it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = [
    "BACKGROUND_SPREAD",
    "BOUNDS",
    "GERMANIUM_SPREAD",
    "PRIOR_SPREAD",
    "SETUPS",
    "SUBTRACTED_BACKGROUND",
    "WIDTHS",
    "GammaSetup",
    "kind_of",
    "range_of",
]

#: The background that the base spectra of the LaBr3 instrument had subtracted.
SUBTRACTED_BACKGROUND = "radiation/rase/VABCD_M001_Bgnd.n42"

#: Ranges the fitted parameters must stay in, and why. Gain and offset: calibrations of files are off by
#: some percent and keV (a caesium iodide's scale holds its light yield too, 14 % more at 60 keV than at
#: 662); width and its exponent: what is measured of detectors of all kinds; scatter: photons that the
#: surroundings return, over those of one endless surface beside the detector; background: live times do
#: not say how the place, or a vehicle, changes it.
BOUNDS: dict[str, tuple[float, float]] = {
    "gain": (0.92, 1.08),
    "offset_kev": (-20.0, 20.0),
    "fwhm_662": (0.0015, 0.14),
    "exponent": (0.3, 0.7),
    "scatter": (0.0, 2.0),
    "background": (0.3, 3.0),
}

#: What is expected of the walked parameters before the fit, as standard deviations about no error and the
#: start of the width (that one relative): the ranges of spectra with one peak leave gain and offset, or
#: width and exponent, to each other.
PRIOR_SPREAD: dict[str, float] = {"offset_kev": 6.0, "gain": 0.03, "fwhm_662": 0.3, "exponent": 0.05}

#: The same of the background's scale: live times tell it, as far as place and vehicle leave it.
BACKGROUND_SPREAD = 0.1

#: The same of offset, keV, and gain for germanium, whose calibrations are good to a channel or two.
GERMANIUM_SPREAD = (0.5, 5e-4)

#: FWHM at 662 keV within which an instrument of each kind must come out, relative: wider than the makers'
#: figures.
WIDTHS: dict[str, tuple[float, float]] = {
    "csi": (0.05, 0.14), "labr3": (0.022, 0.05), "hpge": (0.0015, 0.006), "nai": (0.05, 0.12),
    "czt": (0.005, 0.04),
}  # fmt: skip


class GammaSetup(NamedTuple):
    """One measured spectrum and how it is simulated.

    Attributes
    ----------
    name : str
        Name of the comparison and of its picture.
    path : str
        File below the folder of measured data.
    label : str
        Key of :data:`screening.physics.NUCLIDES`.
    response : str
        Simulated crystal, see :func:`screening.simulation.spectra.views.any_response`.
    peaks_kev : tuple of float
        Lines whose place and area are compared, keV.
    range_kev : tuple of (float, float)
        Range of the fit, keV.
    start : tuple of (float, float)
        FWHM at 662 keV and exponent where the fit begins.
    layers : tuple of (str, float)
        Source material, capsule, holder, innermost first: material and g/cm2.
    housing : tuple of (str, float)
        Housing beyond the crystal's can: material and mm.
    surface : str
        What throws photons back.
    solid_share : float
        Share of directions in which the source sees the crystal, for coincidence summing.
    background : str
        File of a separate background, "" for none, "own" for the one within the file.
    is_subtracted : bool
        The device subtracted its background, rounded, and clipped at zero.
    resolving_us : float
        Resolving time, microseconds: pile-up follows from the rate.
    total_from_kev : float
        Areas are given over the counts above this energy.
    light : float
        Share of the crystal's own light curve that the file's energy scale still holds: 1 if its calibration
        is about linear in light, 0 if it follows photon energies.
    impurities : float
        Impurities of the source over the table's.
    made_of : tuple of (str, float)
        Activities, Bq, of a source in no equilibrium when it was made; the label's own lines if empty.
    age_s : float
        Time since then, seconds.
    note : str
        What was taken, and what differs.
    """

    name: str
    path: str
    label: str
    response: str
    peaks_kev: tuple[float, ...]
    range_kev: tuple[float, float]
    start: tuple[float, float]
    layers: tuple[tuple[str, float], ...] = ()
    housing: tuple[str, float] = ("aluminium", 0.5)
    surface: str = "concrete"
    solid_share: float = 0.0
    background: str = ""
    is_subtracted: bool = False
    resolving_us: float = 1.0
    total_from_kev: float = 100.0
    light: float = 0.0
    impurities: float = 1.0
    made_of: tuple[tuple[str, float], ...] = ()
    age_s: float = 0.0
    note: str = ""


def kind_of(response_name: str) -> str:
    """Return the kind of a simulated crystal.

    Parameters
    ----------
    response_name : str
        "labr3-1.5x1.5", "csi-1cm3@near".

    Returns
    -------
    str
        Key of ``WIDTHS`` if its widths are known.
    """
    return response_name.split("-")[0]


def range_of(parameter: str, response_name: str) -> tuple[float, float]:
    """Return the range a fitted parameter must stay in.

    Parameters
    ----------
    parameter : str
        Key of ``BOUNDS``.
    response_name : str
        Simulated crystal: the width's range is that of its kind.

    Returns
    -------
    tuple of (float, float)
        Lowest and highest value.
    """
    if parameter == "fwhm_662":
        return WIDTHS.get(kind_of(response_name), BOUNDS[parameter])
    return BOUNDS[parameter]


def _csi(path: str, label: str, peaks_kev: tuple[float, ...], **more: Any) -> GammaSetup:
    """Return a setup of the 1 cm3 CsI(Tl) handheld, the source on its case.

    Its light takes microseconds to come: pulses within 8 microseconds add.
    """
    given: dict[str, Any] = {
        "light": 1.0,
        "background": "radiation/radiacode/bg.xml",
        "housing": ("aluminium", 0.0),
        "solid_share": 0.015,
        "resolving_us": 8.0,
        **more,
    }
    return GammaSetup(
        f"csi-{label}", f"radiation/radiacode/{path}", label, "csi-1cm3@near", peaks_kev,
        start=(0.09, 0.5), **given,
    )  # fmt: skip


def _labr3(file: str, label: str, peaks_kev: tuple[float, ...], **more: Any) -> GammaSetup:
    """Return a setup of the LaBr3 instrument, 1.5 x 1.5 inch by the ratio of its peaks to its continua."""
    return GammaSetup(
        f"labr3-{label}", f"radiation/rase/VABCD_M001_{file}.n42", label, "labr3-1.5x1.5", peaks_kev,
        start=(0.029, 0.5), is_subtracted=True, resolving_us=0.5, **more,
    )  # fmt: skip


_STEEL = (("steel", 3.93),)
_PHANTOM = (("polyethylene", 9.5),)
_BY_STEEL = "5 mm of steel before the source (Co-57 and Co-60 alike ask for 4 to 6 g/cm2)"
_BY_PHANTOM = "8 cm of plastic around the source, as in tests of medical nuclides"

SETUPS: tuple[GammaSetup, ...] = (
    _csi(
        "Co60_a.xml", "Co-60", (1173.2, 1332.5), range_kev=(40.0, 1600.0), layers=(("steel", 0.5),),
        note="a sealed source on the case",
    ),
    _csi(
        "Ba133_a.xml", "Ba-133", (31.0, 81.0, 356.0), range_kev=(22.0, 520.0), layers=(("aluminium", 0.3),),
        note="a sealed source on the case",
    ),
    _csi(
        "data_am241.n42", "Am-241", (59.5,), range_kev=(32.0, 140.0), total_from_kev=40.0,
        note="no line above 100 keV: the area is taken over the counts above 40 keV",
    ),
    _csi(
        "data_th232_plus_background.xml", "Th-232", (238.6, 583.2, 911.2, 2614.5), range_kev=(100.0, 2850.0),
        background="own", layers=(("tungsten", 2.0),), light=0.3, made_of=(("Th-232", 1.0), ("Th-228", 1.0)),
        age_s=9.0 * 3.15576e7,
        note="thoriated tungsten (its K x-rays, made by betas, stand at 59 keV below the range), 9 "
        "years after thorium was parted from radium, by Ac-228 over Tl-208; a calibration of its own",
    ),
    _labr3("Co60", "Co-60", (1173.2, 1332.5), range_kev=(60.0, 1500.0), layers=_STEEL, note=_BY_STEEL),
    _labr3("Co57", "Co-57", (122.1,), range_kev=(60.0, 180.0), layers=_STEEL, note=_BY_STEEL),
    _labr3(
        "Am241", "Am-241", (59.5,), range_kev=(52.0, 150.0), layers=(("steel", 2.95),), total_from_kev=52.0,
        note="3.8 mm of steel, by the lines near 100 keV; no line above 103 keV: the area is taken over "
        "the counts above 52 keV",
    ),
    _labr3(
        "I131", "I-131", (284.3, 364.5, 637.0), range_kev=(60.0, 760.0), layers=_PHANTOM, note=_BY_PHANTOM
    ),
    _labr3(
        "Ir192", "Ir-192", (316.5, 468.1, 604.4), range_kev=(60.0, 760.0),
        layers=(("tungsten", 8.0), *_STEEL),
        note="the pellet absorbs its own lines (tungsten stands for iridium), then 5 mm of steel",
    ),
    _labr3(
        "Ra226", "Ra-226", (186.2, 295.2, 351.9, 609.3, 1120.3, 1764.5), range_kev=(60.0, 2400.0),
        layers=(("steel", 6.5),), note="8 mm of steel, by the 186 keV line over the others",
    ),
    _labr3(
        "Tl201", "Tl-201", (70.8, 167.4), range_kev=(55.0, 480.0), layers=_PHANTOM, impurities=0.4,
        note=_BY_PHANTOM + "; Tl-202 by its own line at 439 keV",
    ),
    GammaSetup(
        "hpge-portal-Co-60", "radiation/interspec/passthrough.n42", "Co-60", "hpge-20", (1173.2, 1332.5),
        (60.0, 1500.0), (0.0022, 0.5), layers=(*((("lead", 58.0),) * 4), ("steel", 20.0)),
        background="radiation/interspec/background_20100317.n42",
        note="a cask: the line at 1173 keV is a quarter of that at 1332, which 19 cm of lead make; the "
        "background was taken two months later",
    ),
)  # fmt: skip
