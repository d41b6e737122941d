"""Made-up containers that exercise every part of a report; nothing here is measured."""

from __future__ import annotations

import numpy as np
import pytest

from screening.reanalyse.report import Entry, ReportedScan
from screening.records import (
    Action,
    CalibrationRef,
    CaseInputs,
    Category,
    ClearanceDecision,
    Consignment,
    ContainerBox,
    CountMeasurement,
    Device,
    FlagClock,
    FlagModality,
    FlagPipeline,
    FlagQuality,
    FlagScores,
    ImageQuality,
    ImageRegion,
    InputRef,
    Level,
    ModelRef,
    NuclideMeasurement,
    OperatingMode,
    PixelState,
    PolicyRef,
    RadiationMeasurements,
    RadiographMeasurements,
    Reason,
    ReasonCode,
    RegionKind,
    RiskFlag,
    SealState,
    Subject,
    Targeting,
    Validity,
    sha256_hex,
)


def make_flag(scan_id, modality, level, reasons=(), *, raw=None, version="1.0"):
    return RiskFlag(
        flag_id=sha256_hex(f"{scan_id}{modality}{level}{reasons}{version}".encode()),
        scan_id=scan_id,
        site="Harbour",
        lane="1",
        device=Device(make="Acme", model="P-1"),
        operating_mode=OperatingMode.EXERCISE,
        subject=Subject(),
        modality=modality,
        level=level,
        is_severe=False,
        reasons=tuple(Reason(code=code, level=own, text=text) for code, own, text in reasons),
        scores=FlagScores(raw=raw or {}),
        quality=FlagQuality(),
        calibration=CalibrationRef(),
        background_age_s=60,
        clock=FlagClock(),
        pipeline=FlagPipeline(
            version=version,
            kernel_isa="baseline",
            models=(ModelRef(name="nuclides", sha256="a" * 64, card_sha256="b" * 64),),
            config_sha256="c" * 64,
            threshold_sha256="d" * 64,
        ),
        inputs=(InputRef(kind="scan", uri=f"{scan_id}.h5", n_bytes=10, sha256=sha256_hex(scan_id.encode())),),
    )


def make_decision(container_id, risk, action, codes=(), *, seal="VERIFIED", radiation=Level.LOW, image=None):
    return ClearanceDecision(
        decision_id=sha256_hex(f"{container_id}{risk}{action}".encode()),
        consignment=Consignment(container_id=container_id),
        stage="DEPARTURE",
        risk=risk,
        action=action,
        reason_codes=tuple(codes),
        inputs=CaseInputs(targeting=Level.LOW, seal=seal, radiation=radiation, image=image),
        policy=PolicyRef(id="reference", version="1", sha256="e" * 64),
        required_steps=(),
        flags=(),
        seal=SealState(id="SEAL-0042"),
        validity=Validity(not_before="2026-01-01T00:00:00Z", expires="2026-01-02T00:00:00Z"),
        is_exercise=True,
        decided_at="2026-01-01T08:00:00.000Z",
        administration="Administration A",
        key_id="exercise-1",
    )


def radiation_scan(scan_id, *, seed=0, nuclide=None, strength=0.0):
    rng = np.random.default_rng(seed)
    t_s = np.arange(0, 12, 0.2)
    background = 950.0
    peak = strength * np.exp(-(((t_s - 6.0) / 1.4) ** 2))
    rate = rng.poisson((background * (1 - 0.08 * np.exp(-(((t_s - 6) / 3) ** 2))) + peak) * 0.2) / 0.2
    edges = np.linspace(0, 3000, 1025)
    energy = 0.5 * (edges[1:] + edges[:-1])
    shape = np.exp(-energy / 420) * (energy > 35) + 0.012 * np.exp(-(((energy - 1461) / 35) ** 2))
    continuum = 11_000 * shape / shape.sum()
    lines = {
        "Co-60": [(1173, 1.0), (1332, 0.9)],
        "Cs-137": [(662, 1.0)],
        "K-40": [(1461, 1.0)],
        "Tc-99m": [(140, 1.0)],
    }
    component = np.zeros_like(energy)
    for line, intensity in lines.get(nuclide, []):
        sigma = 0.035 * np.sqrt(662 * line)
        component += 5 * intensity * np.exp(-0.5 * ((energy - line) / sigma) ** 2)
        component += 0.6 * intensity * (energy < line - 220) * (energy > 35)
    component *= 1.1 * strength / max(component.sum(), 1.0)
    spectrum = rng.poisson(continuum + component).astype(float)
    products = {
        "t_s": t_s,
        "rate_cps": rate,
        "background_cps": np.array(background),
        "threshold_cps": np.array(background + 6 * np.sqrt(background)),
        "energy_edges_kev": edges,
        "spectrum": spectrum,
        "background_spectrum": continuum,
        "neutron_t_s": np.arange(0, 12, 1.0),
        "neutron_cps": rng.poisson(2.0, 12).astype(float),
    }
    if nuclide:
        products[f"component/{nuclide}"] = component
    alarm = strength > 200
    categories = {
        "Co-60": (Category.INDUSTRIAL,),
        "Cs-137": (Category.INDUSTRIAL,),
        "K-40": (Category.NORM,),
        "Tc-99m": (Category.MEDICAL,),
    }
    named = (
        (
            NuclideMeasurement(
                nuclide=nuclide, categories=categories[nuclide], confidence=0.98, net_counts=5 * strength
            ),
        )
        if nuclide
        else ()
    )
    return {
        "products": products,
        "measurements": RadiationMeasurements(
            nuclides=named,
            gamma=CountMeasurement(
                background_cps=background,
                max_cps=float(rate.max()),
                max_nsigma=strength / 31 + 2.1,
                alarm=alarm,
            ),
            neutron=CountMeasurement(background_cps=2.0, max_cps=4.0, max_nsigma=1.4, alarm=False),
            detection_limit_mbq_cs137=0.83,
            resolution_662_percent=7.4,
        ),
    }


def radiograph_scan(*, seed=0, kind="mixed"):
    rng = np.random.default_rng(seed)
    n_row, n_column = 480, 1500
    depth = np.zeros((n_row, n_column))
    row, column = np.mgrid[:n_row, :n_column]
    hull = (row >= 70) & (row < 350) & (column >= 120) & (column < 1380)
    depth[hull] += 3.2
    depth[(row >= 70) & (row < 82) & (column >= 120) & (column < 1380)] += 9
    depth[(row >= 334) & (row < 352) & (column >= 120) & (column < 1380)] += 22
    depth[hull & (column % 28 < 9)] += 1.1
    depth[hull & ((column < 134) | (column >= 1366))] += 12
    for centre in (240, 330, 1180, 1270):
        wheel = np.hypot(row - 410, column - centre)
        depth[wheel < 42] += 60 * np.sqrt(np.clip(1 - (wheel[wheel < 42] / 42) ** 2, 0, None))
    depth[(row >= 352) & (row < 368) & (column >= 100) & (column < 1400)] += 38
    regions = []
    if kind != "empty":
        for pallet in range(9):
            left = 160 + pallet * 134
            top = 140 + int(rng.integers(0, 60))
            cells = rng.uniform(8, 30, size=((334 - top) // 22 + 1, 6))
            for i in range(cells.shape[0]):
                for j in range(6):
                    r0, c0 = top + 22 * i, left + 19 * j
                    depth[r0 : min(r0 + 20, 334), c0 : c0 + 17] += cells[i, j]
    if kind in ("dense", "shielded"):
        radius = 21 if kind == "dense" else 48
        at = np.hypot(row - 268, column - 830)
        depth[at < radius] += (115 if kind == "dense" else 240) * np.sqrt(
            np.clip(1 - (at[at < radius] / radius) ** 2, 0, None)
        )
        regions.append(
            ImageRegion(
                kind=RegionKind.DENSE if kind == "dense" else RegionKind.OPAQUE,
                row0=268 - radius,
                col0=830 - radius,
                row1=268 + radius,
                col1=830 + radius,
                score=0.97,
                areal_density_g_cm2=134.0 if kind == "dense" else 178.0,
                is_lower_bound=kind != "dense",
            )
        )
    clean = 0.0008 + np.exp(-0.05 * depth)
    transmission = np.clip(clean + rng.normal(0, 0.0004 + 0.012 * np.sqrt(clean)), 3e-4, None).astype(
        np.float32
    )
    mask = np.zeros((n_row, n_column), dtype=np.uint8)
    mask[[37, 391], :] = int(PixelState.DEAD_ROW)
    lost = 46 if kind == "lost" else 0
    if lost:
        mask[:, 610:640] = int(PixelState.LOST_LINE)
        mask[:, 702:718] = int(PixelState.LOST_LINE)
    density = (-np.log(transmission) / 0.05).astype(np.float32)
    density[mask != 0] = np.nan
    return {
        "products": {"transmission": transmission, "mask": mask, "areal_density_g_cm2": density},
        "measurements": RadiographMeasurements(
            shape=(n_row, n_column),
            containers=(ContainerBox(row0=70, col0=120, row1=352, col1=1380, complete=True),),
            opaque_fraction=0.021 if kind == "shielded" else 0.0004,
            hideable_fraction=0.017 if kind == "shielded" else 0.0,
            empty_probability=0.999 if kind == "empty" else 0.0002,
            cargo_mass_kg=None if kind == "lost" else 14230.0 if kind != "empty" else 0.0,
            regions=tuple(regions),
            quality=ImageQuality(
                air_sigma=0.013,
                dead_rows=(37, 391),
                lost_lines=lost,
                saturated_fraction=0.0,
                masked_fraction=0.004,
            ),
        ),
    }


def make_entry(container_id, portal, image, risk, action, codes=(), **options):
    scans = []
    for i, (spec, modality) in enumerate(((portal, "radiation"), (image, "radiograph"))):
        if spec is None:
            continue
        made, level, reasons = spec
        scan_id = f"0190-{container_id}-{i}"
        flag_modality = FlagModality.RAD_SPECTRAL if modality == "radiation" else FlagModality.XRAY
        flags = [make_flag(scan_id, flag_modality, level, reasons)]
        if modality == "radiation":
            flags.append(make_flag(scan_id, FlagModality.NEUTRON, Level.LOW))
        scans.append(
            ReportedScan(
                scan_id=scan_id,
                modality=modality,
                level=level,
                flags=tuple(flags),
                place="Harbour · lane 1",
                taken_at=f"2026-01-01T07:{10 + i}:00.000Z",
                device="Acme P-1" if modality == "radiation" else "Acme V-2",
                path=f"{scan_id}.h5",
                **made,
            )
        )
    targeting = Targeting(
        container_id=container_id,
        level=options.pop("targeting", Level.LOW),
        administration="Administration A",
        source="advance data",
        at="2026-01-01T00:00:00Z",
    )
    decision = make_decision(container_id, risk, action, codes, **options)
    return Entry(container_id=container_id, scans=tuple(scans), decision=decision, targeting=(targeting,))


def make_entries():
    unknown, high, low = Level.UNKNOWN, Level.HIGH, Level.LOW
    industrial = (
        (ReasonCode.RAD_NUCLIDE_INDUSTRIAL, high, "Co-60 named with 12,400 net counts (industrial)"),
        (ReasonCode.RAD_GAMMA_NSIGMA, high, "gamma counts 82 sigma above background, threshold 6"),
    )
    norm = (
        (ReasonCode.RAD_GAMMA_NSIGMA, unknown, "gamma counts 20 sigma above background, threshold 6"),
        (ReasonCode.RAD_NUCLIDE_NORM, unknown, "K-40 alone explains the alarm"),
    )
    medical = (
        (ReasonCode.RAD_GAMMA_NSIGMA, unknown, "gamma counts 51 sigma above background, threshold 6"),
        (ReasonCode.RAD_NUCLIDE_MEDICAL, unknown, "Tc-99m alone explains the alarm"),
    )
    dense = ((ReasonCode.IMG_DENSE, high, "dense object of 134 g/cm2 steel-equivalent, 42 px across"),)
    shielded = ((ReasonCode.IMG_SHIELDED, unknown, "a 10 cm threat could hide in 1.7 % of the hull"),)
    lost = ((ReasonCode.Q_LINES_LOST, unknown, "46 lines lost, limit 15"),)
    quiet = (radiation_scan("q"), low, ())
    return [
        make_entry(
            "CSQU3054383",
            (radiation_scan("a", seed=1, nuclide="Co-60", strength=2500), high, industrial),
            None,
            high,
            Action.REFER_SECONDARY_RAD,
            [c for c, _, _ in industrial],
            radiation=high,
        ),
        make_entry(
            "MWCU6059784",
            quiet,
            (radiograph_scan(kind="dense"), high, dense),
            high,
            Action.REFER_DESTUFF,
            [ReasonCode.IMG_DENSE],
            targeting=unknown,
        ),
        make_entry(
            "TGHU7599330",
            quiet,
            (radiograph_scan(kind="shielded", seed=2), unknown, shielded),
            unknown,
            Action.REFER_DESTUFF,
            [ReasonCode.IMG_SHIELDED],
            targeting=high,
        ),
        make_entry(
            "MSKU1234565",
            (radiation_scan("b", seed=2, nuclide="K-40", strength=560), unknown, norm),
            None,
            unknown,
            Action.REFER_SECONDARY_RAD,
            [c for c, _, _ in norm],
            radiation=unknown,
        ),
        make_entry(
            "HLXU2008419",
            (radiation_scan("c", seed=3, nuclide="Tc-99m", strength=1500), unknown, medical),
            None,
            unknown,
            Action.REFER_SECONDARY_RAD,
            [c for c, _, _ in medical],
            radiation=unknown,
        ),
        make_entry(
            "TEXU3071470",
            quiet,
            (radiograph_scan(kind="lost", seed=4), unknown, lost),
            unknown,
            Action.REFER_DESTUFF,
            [ReasonCode.Q_LINES_LOST],
            targeting=unknown,
        ),
        make_entry(
            "BMOU4242420",
            quiet,
            (radiograph_scan(kind="empty", seed=5), low, ()),
            low,
            Action.CLEARED_FOR_DEPARTURE,
        ),
        make_entry(
            "SUDU5123450",
            quiet,
            (radiograph_scan(kind="mixed", seed=6), low, ()),
            low,
            Action.CLEARED_FOR_DEPARTURE,
            targeting=unknown,
        ),
        make_entry(
            "CMAU8000009", (radiation_scan("d", seed=8), low, ()), None, low, Action.CLEARED_FOR_DEPARTURE
        ),
    ]


@pytest.fixture(scope="session")
def entries():
    return make_entries()


@pytest.fixture(scope="session")
def builders():
    """The functions of this file, for tests that make their own containers."""
    return {"entry": make_entry, "flag": make_flag, "decision": make_decision, "radiation": radiation_scan}
