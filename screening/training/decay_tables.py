"""Generate ``tables/decay.npz`` and ``tables/cascades.csv`` of :mod:`screening.physics`.

Run time never loads this module. Sources: half-lives, decay branches and masses from `radioactivedecay`
(MIT; ICRP Publication 107, with AME2020 and NUBASE2020 masses); photon lines and beta branches of each
nuclide from `actigamma` (Apache-2.0; JEFF-3.1.1 and ENDF/B decay sublibraries); coincident cascades from
the level schemes of `paceENSDF` (ENSDF, public data of the National Nuclear Data Center).
"""

from __future__ import annotations

import contextlib
import csv
import io
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "CASCADE_NUCLIDES",
    "Scheme",
    "Transition",
    "cascades_of_scheme",
    "decay_arrays",
    "write_decay_tables",
]

#: Weakest line kept, photons per decay, and lowest energy kept, keV.
MIN_INTENSITY = 1e-8
MIN_ENERGY_KEV = 1.0

#: Above the K edges of all elements listed, keV.
HIGHEST_X_RAY_KEV = 150.0

#: Nuclides whose decays emit several photons at once and that are met close to a detector.
CASCADE_NUCLIDES = (
    "Ac-228", "Ag-108m", "Ag-110m", "Al-26", "As-76", "Au-198", "Ba-133", "Ba-140", "Bi-207", "Bi-212",
    "Bi-214", "Br-82", "Ce-139", "Co-56", "Co-57", "Co-58", "Co-60", "Cs-134", "Cs-136", "Eu-152", "Eu-154",
    "Eu-155", "Fe-59", "Ga-67", "Ga-68", "Gd-153", "Hf-181", "Ho-166m", "I-123", "I-124", "I-131", "I-133",
    "In-111", "Ir-192", "La-138", "La-140", "Lu-176", "Lu-177", "Mo-99", "Na-22", "Na-24", "Nb-94", "Np-239",
    "Pa-233", "Pb-214", "Rb-82", "Ru-103", "Sb-124", "Sb-125", "Sc-44", "Sc-46", "Se-75", "Sm-153", "Sr-91",
    "Ta-182", "Tb-160", "Tl-208", "U-235", "V-48", "Xe-127", "Y-86", "Y-88", "Yb-169", "Zn-65", "Zr-89",
)  # fmt: skip

#: Cascades kept: those with at least this share of decays, and at most so many a nuclide.
MIN_CASCADE = 2e-4
MAX_CASCADES = 150

#: A level that lives longer than a spectrometer's pulse breaks the cascade, s.
LONGEST_LEVEL_S = 1e-6

#: Long-lived levels of daughters, keV, that the level schemes do not say are (NUBASE2020): Y-89m 15.7 s,
#: Ba-136m 0.31 s.
LONG_LEVELS_KEV = {"Zr-89": (909.0,), "Cs-136": (2030.5,)}


def write_decay_tables(out_dir: Path) -> list[Path]:
    """Write the decay and cascade tables.

    Parameters
    ----------
    out_dir : Path
        Folder of the tables.

    Returns
    -------
    list of Path
        The files written.
    """
    decay = out_dir / "decay.npz"
    np.savez_compressed(decay, **decay_arrays())  # type: ignore[arg-type]
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("name", "probability", "energies_kev"))
    for name, scheme in _schemes().items():
        for probability, energies in cascades_of_scheme(scheme):
            rows.writerow((name, f"{probability:.4g}", " ".join(f"{e:.2f}" for e in energies)))
    cascades = out_dir / "cascades.csv"
    cascades.write_text(text.getvalue(), encoding="utf-8")
    return [decay, cascades]


def decay_arrays() -> dict[str, NDArray[Any]]:
    """Return the chain, line and beta arrays of every nuclide of ICRP 107.

    Returns
    -------
    dict of str to ndarray
        ``name``, ``half_life_s``, ``atomic_mass`` (n_nuclide,); ``parent``, ``daughter``, ``branching``
        (n_branch,), indices into the nuclides, daughters that are stable left out; ``line_of``,
        ``line_kev``, ``line_intensity`` (n_line,); ``beta_of``, ``beta_kev`` (endpoints),
        ``beta_intensity`` (n_beta,).
    """
    import actigamma
    import radioactivedecay

    database = actigamma.Decay2012Database()
    names = [str(name) for name in radioactivedecay.DEFAULTDATA.nuclides]
    nuclides = [radioactivedecay.Nuclide(name) for name in names]
    radioactive = [k for k, item in enumerate(nuclides) if np.isfinite(item.half_life("s"))]
    index = {names[k]: position for position, k in enumerate(radioactive)}
    branches = [
        (index[item.nuclide], index[str(child)], float(share))
        for item in (nuclides[k] for k in radioactive)
        for child, share in zip(item.progeny(), item.branching_fractions(), strict=True)
        if str(child) in index
    ]
    lines: list[tuple[int, float, float]] = []
    betas: list[tuple[int, float, float]] = []
    for name, position in index.items():
        key = name.replace("-", "")
        if key not in database:
            continue
        for kind, rows in (("gamma", lines), ("x-ray", lines), ("beta", betas)):
            if kind not in database.gettypes(key) or not database.haslines(key, kind):
                continue
            energies = np.asarray(database.getenergies(key, kind)) / 1e3
            shares = np.asarray(database.getintensities(key, kind))
            keep = (energies >= MIN_ENERGY_KEV) & (shares >= MIN_INTENSITY)
            rows += [
                (position, float(e), float(i)) for e, i in zip(energies[keep], shares[keep], strict=True)
            ]
    lines.sort()
    betas.sort()
    used = [names[k] for k in radioactive]
    return {
        "name": np.array(used, dtype="S8"),
        "half_life_s": np.array([nuclides[k].half_life("s") for k in radioactive]),
        "atomic_mass": np.array([nuclides[k].atomic_mass for k in radioactive]),
        "parent": np.array([row[0] for row in branches], dtype=np.int16),
        "daughter": np.array([row[1] for row in branches], dtype=np.int16),
        "branching": np.array([row[2] for row in branches]),
        "line_of": np.array([row[0] for row in lines], dtype=np.int16),
        "line_kev": np.array([row[1] for row in lines], dtype=np.float32),
        "line_intensity": np.array([row[2] for row in lines], dtype=np.float32),
        "beta_of": np.array([row[0] for row in betas], dtype=np.int16),
        "beta_kev": np.array([row[1] for row in betas], dtype=np.float32),
        "beta_intensity": np.array([row[2] for row in betas], dtype=np.float32),
    }


class Transition(NamedTuple):
    """A transition between two levels.

    Attributes
    ----------
    final : int
        Level it leads to.
    energy_kev : float
        Photon energy.
    photons : float
        Photons per decay.
    alpha, alpha_k : float
        Conversion coefficients, total and of the K shell.
    """

    final: int
    energy_kev: float
    photons: float
    alpha: float
    alpha_k: float

    @property
    def total(self) -> float:
        """The transitions per decay, conversion included."""
        return self.photons * (1.0 + self.alpha)


class Scheme(NamedTuple):
    """A decay scheme.

    Attributes
    ----------
    levels : list of list of Transition
        For each level of the daughter, ground state first.
    is_long : list of bool
        Whether a level lives so long that what follows is another pulse.
    positron, k_capture : list of float
        Positrons, and captures from the K shell, per decay that feed each level.
    k_kev, k_yield : float
        Mean energy of the daughter's K x-rays, and photons per K vacancy.
    """

    levels: list[list[Transition]]
    is_long: list[bool]
    positron: list[float]
    k_capture: list[float]
    k_kev: float
    k_yield: float


def cascades_of_scheme(scheme: Scheme) -> list[tuple[float, tuple[float, ...]]]:
    """Return photons that leave one decay together.

    A level is fed by the decay with what its transitions carry away beyond what comes from above. The
    paths down are walked: each transition emits its photon, or is converted and may emit a K x-ray;
    capture may emit a K x-ray, and a positron two photons of 511 keV.

    Parameters
    ----------
    scheme : Scheme
        The decay scheme.

    Returns
    -------
    list of (probability, energies)
        Sets of at least two photons, keV descending, with their share of decays, strongest first.
    """
    carried = [sum(t.total for t in level) for level in scheme.levels]
    arriving = [0.0] * len(carried)
    for transitions in scheme.levels:
        for transition in transitions:
            arriving[transition.final] += transition.total
    found: dict[tuple[float, ...], float] = {}

    def _finish(probability: float, seen: tuple[float, ...]) -> None:
        if len(seen) > 1:
            key = tuple(sorted(seen, reverse=True))
            found[key] = found.get(key, 0.0) + probability

    def _walk(level: int, probability: float, seen: tuple[float, ...], *, is_start: bool) -> None:
        if probability < 0.1 * MIN_CASCADE:
            return
        if not carried[level]:
            _finish(probability, seen)
            return
        if scheme.is_long[level] and (seen or not is_start):
            _finish(probability, seen)
            # what a long-lived level emits afterwards is a cascade of its own
            _walk(level, probability, (), is_start=True)
            return
        for transition in scheme.levels[level]:
            share = probability * transition.total / carried[level]
            photon = share / (1.0 + transition.alpha)
            k_x_ray = photon * transition.alpha_k * scheme.k_yield
            _walk(transition.final, photon, (*seen, transition.energy_kev), is_start=False)
            _walk(transition.final, k_x_ray, (*seen, scheme.k_kev), is_start=False)
            _walk(transition.final, share - photon - k_x_ray, seen, is_start=False)

    for level, total in enumerate(carried):
        # the ground state is fed with what reaches no level above it
        direct = max(total - arriving[level], 0.0) if level else 1.0
        positron = min(scheme.positron[level], direct)
        k_x_ray = min(scheme.k_capture[level] * scheme.k_yield, direct - positron)
        _walk(level, positron, (511.0, 511.0), is_start=True)
        _walk(level, k_x_ray, (scheme.k_kev,), is_start=True)
        if level:
            _walk(level, direct - positron - k_x_ray, (), is_start=True)
    ranked = sorted(((p, e) for e, p in found.items() if p >= MIN_CASCADE), key=lambda row: (-row[0], row[1]))
    return ranked[:MAX_CASCADES]


def _schemes() -> dict[str, Scheme]:
    """Return the level scheme of each nuclide with cascades, its strongest decay mode."""
    import actigamma
    import paceENSDF

    database = actigamma.Decay2012Database()
    with contextlib.redirect_stdout(io.StringIO()):
        records = paceENSDF.ENSDF().load_ensdf()
    found: dict[str, Scheme] = {}
    for name in CASCADE_NUCLIDES:
        element, mass = name.split("-")
        wanted = f"{element}{mass.rstrip('m')}"
        mode = "alphaDecay" if name == "U-235" else "beta"
        mine = [
            record
            for record in records
            if record["parentID"] == wanted
            and (record["decayMode"] == "alphaDecay") == (mode == "alphaDecay")
            and bool(record["parentDecay"][0]["parentDecayLevelEnergy"]) == mass.endswith("m")
        ]
        if not mine:
            raise ValueError(f"no level scheme of {name} in ENSDF")
        k_kev = _k_x_ray_kev(database, name.replace("-", ""))
        schemes = [_scheme(record, k_kev, LONG_LEVELS_KEV.get(name, ())) for record in mine]
        found[name] = max(schemes, key=_n_photon)
    return found


def _n_photon(scheme: Scheme) -> float:
    return sum(transition.photons for level in scheme.levels for transition in level)


def _k_x_ray_kev(database: Any, key: str) -> float:
    """Return the mean energy of a nuclide's K x-rays, 0 where none is listed."""
    if "x-ray" not in database.gettypes(key) or not database.haslines(key, "x-ray"):
        return 0.0
    energies = np.asarray(database.getenergies(key, "x-ray")) / 1e3
    shares = np.asarray(database.getintensities(key, "x-ray"))
    # some positron emitters list their 511 keV here
    energies = np.where(energies < HIGHEST_X_RAY_KEV, energies, 0.0)
    is_k = (energies > 0.75 * energies.max()) & (energies > MIN_ENERGY_KEV)
    return float(np.average(energies[is_k], weights=shares[is_k])) if is_k.any() else 0.0


def _scheme(record: dict[str, Any], k_kev: float, long_kev: tuple[float, ...]) -> Scheme:
    factors = record["decaySchemeNormalization"][0]["normalizationRecord"][0]
    photons = (
        0.01 * (factors["multiplerPhotonIntensity"] or 0.0) * (factors["multiplerBranchingRatio"] or 1.0)
    )
    leptons = (
        0.01 * (factors["multiplerLeptonIntensity"] or 1.0) * (factors["multiplerBranchingRatio"] or 1.0)
    )
    levels, is_long, positron, k_capture = [], [], [], []
    for level in record["levelScheme"]:
        rows = []
        for gamma in level["gammaDecay"]:
            if gamma["levelIndexFinal"] is None or not gamma["gammaEnergy"] or not gamma["gammaIntensity"]:
                continue
            shells = (gamma.get("calculatedAtomicShellConversionCoefficients") or [{}])[0]
            alpha = float(gamma["calculatedTotalInternalConversionCoefficient"] or 0.0)
            alpha_k = float(shells.get("calculatedInternalConversionCoefficientAtomicShellK") or 0.0)
            rows.append(
                Transition(
                    int(gamma["levelIndexFinal"]),
                    float(gamma["gammaEnergy"]),
                    float(gamma["gammaIntensity"]) * photons,
                    alpha,
                    min(alpha_k, alpha),
                )
            )
        levels.append(rows)
        lives = [item["halfLifeConverted"] for item in level["isomerDecay"]]
        is_isomer = any(abs(float(level["levelEnergy"]) - kev) < 1.0 for kev in long_kev)
        is_long.append(is_isomer or any(life > LONGEST_LEVEL_S for life in lives))
        branches = level.get("betaPlusDecay") or []
        positron.append(sum(float(b.get("betaPlusIntensity") or 0.0) for b in branches) * leptons)
        k_capture.append(sum(_k_captures(branch) for branch in branches) * leptons)
    # Fluorescence yield of the K shell, Z^4 / (Z^4 + 1.12e6): Burhop's form (The Auger Effect, 1952) with the
    # constant that gives the yields of Bambynek et al., Rev. Mod. Phys. 44 (1972) 716, to a few per cent.
    z4 = float(record["daughterAtomicNumber"]) ** 4
    k_yield = z4 / (z4 + 1.12e6) if k_kev > 0.0 else 0.0
    return Scheme(levels, is_long, positron, k_capture, k_kev, k_yield)


def _k_captures(branch: dict[str, Any]) -> float:
    shells = (branch.get("calculatedAtomicShellElectronCaptureFractions") or [{}])[0]
    share = float(shells.get("calculatedElectronCaptureFractionAtomicShellK") or 0.0)
    # the fraction is of all decays of the branch, positrons included
    total = (
        branch.get("totalElectronCaptureBetaPlusIntensity") or branch.get("electronCaptureIntensity") or 0.0
    )
    return share * float(total)
