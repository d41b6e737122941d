"""Pictures that are well exposed and yet no measurement of what passed: never LOW."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest

from screening.radiography import RadiographAnalyser
from screening.radiography.consistency import find_frozen
from screening.records import Analysis, PixelState, Radiograph, ReasonCode, Scan
from screening.simulation.radiographs import RadiographRecipe, simulate_radiograph

RECIPE = RadiographRecipe(kind="loaded", cargo="textiles", scanner="dual", carrier="rail", scale=4.0)


def scan_of(**fields: Any) -> Scan:
    return simulate_radiograph(msgspec.structs.replace(RECIPE, **fields), 3)[0]


def changed(scan: Scan, **changes: Any) -> Scan:
    return msgspec.structs.replace(scan, payload=msgspec.structs.replace(scan.payload, **changes))


def payload(scan: Scan) -> Radiograph:
    assert isinstance(scan.payload, Radiograph)
    return scan.payload


def failed(analysis: Analysis) -> dict[str, ReasonCode]:
    (assessment,) = analysis.assessments
    return {gate.name: gate.code for gate in assessment.gates if not gate.passed}


def analysed(scan: Scan) -> Analysis:
    return RadiographAnalyser().analyse(scan)


@pytest.mark.parametrize("scanner", ["dual", "single", "linac-9", "vacis-co", "vacis-cs"])
@pytest.mark.parametrize("kind", ["loaded", "empty", "shielded"])
def test_nothing_is_frozen_in_a_healthy_picture(scanner: str, kind: Any) -> None:
    for seed in range(4):
        scan, _ = simulate_radiograph(RadiographRecipe(kind=kind, scanner=scanner, scale=3.0), seed)
        about = payload(scan)
        for k in range(len(about.energies)):
            assert not find_frozen(about.plane(k), saturation=about.saturation).any()


@pytest.mark.parametrize("scanner", ["dual", "single", "linac-9", "vacis-co"])
def test_a_frozen_part_is_neither_seen_nor_passed(scanner: str) -> None:
    scan = scan_of(scanner=scanner)
    raw = payload(scan).raw.copy()
    n_column = raw.shape[1]
    part = slice(n_column // 3, 2 * n_column // 3)
    raw[:, part] = raw[:, part.start : part.start + 1]
    analysis = analysed(changed(scan, raw=raw))
    assert failed(analysis)["frozen_pixels"] is ReasonCode.Q_DETECTOR_DEAD
    state = analysis.products["mask"][: int(0.9 * raw.shape[0]), part.start + 1 : part.stop]
    assert ((state & int(PixelState.unseen())) != 0).all()
    assert analysis.products["hiding"][:, part].any()


def test_frozen_modules_and_rows_are_found_at_their_place() -> None:
    rng = np.random.default_rng(1)
    raw = rng.normal(30000.0, 300.0, (160, 400)).astype(np.uint16)
    assert not find_frozen(raw, saturation=65535).any()
    raw[16:48, 100:150] = raw[16:48, 100:101]
    raw[80] = 1234
    raw[80, 7] = 0
    frozen = find_frozen(raw, saturation=65535)
    expected = np.zeros_like(frozen)
    expected[16:48, 101:150] = True
    expected[80] = True
    np.testing.assert_array_equal(frozen, expected)


def test_zeros_and_saturated_readings_may_repeat() -> None:
    rng = np.random.default_rng(2)
    raw = rng.normal(30000.0, 300.0, (160, 400)).astype(np.uint16)
    raw[:, 100:200] = 0
    raw[:, 300:] = 65535
    assert not find_frozen(raw, saturation=65535).any()


def test_a_frozen_row_is_dead() -> None:
    scan = scan_of()
    raw = payload(scan).raw.copy()
    raw[40:60] = 20000
    assert failed(analysed(changed(scan, raw=raw)))["dead_rows"] is ReasonCode.Q_DETECTOR_DEAD


def test_one_energy_copied_from_the_other_is_no_second_reading() -> None:
    scan = scan_of()
    raw = payload(scan).raw.copy()
    raw[:, :, 1] = raw[:, :, 0]
    assert failed(analysed(changed(scan, raw=raw)))["equal_energies"] is ReasonCode.Q_DETECTOR_DEAD


@pytest.mark.parametrize(
    "doctor",
    [
        lambda counts: counts * 0,
        lambda counts: counts * np.float32(np.nan),
        lambda counts: -counts,
        lambda counts: counts * np.where(np.arange(counts.shape[0]) % 3 > 0, 1.0, 0.3)[:, None],
        lambda counts: counts * np.array([1.0, 0.0]),
    ],
    ids=["zero", "nan", "negative", "jumps", "one-energy-zero"],
)
def test_a_reference_that_cannot_be_right_fails(doctor: Callable[[Any], Any]) -> None:
    scan = scan_of()
    reference = payload(scan).reference
    assert reference is not None
    broken = changed(scan, reference=doctor(reference).astype(np.float32))
    assert failed(analysed(broken))["reference"] is ReasonCode.Q_DETECTOR_DEAD


@pytest.mark.parametrize(
    "doctor",
    [
        lambda ids: ids * 3,
        lambda ids: ids * 0,
        lambda ids: ids[::-1].copy(),
        lambda ids: np.random.default_rng(0).permutation(ids),
        lambda ids: ids + np.where(np.arange(ids.size) > ids.size // 2, 40, 0),
        lambda ids: ids - (np.arange(ids.size) > ids.size // 2),
    ],
    ids=["x3", "constant", "backwards", "shuffled", "gap", "repeat"],
)
def test_line_numbers_that_do_not_count_the_columns_fail(doctor: Callable[[Any], Any]) -> None:
    scan = scan_of()
    broken = changed(scan, line_ids=doctor(payload(scan).line_ids))
    assert failed(analysed(broken))["line_ids"] is ReasonCode.Q_LINES_LOST


@pytest.mark.parametrize(
    "doctor",
    [
        lambda times: times * 0.0,
        lambda times: times[::-1].copy(),
        lambda times: times + np.where(np.arange(times.size) > times.size // 2, 5.0, 0.0),
    ],
    ids=["constant", "backwards", "pause"],
)
def test_line_times_that_stand_still_or_leap_fail(doctor: Callable[[Any], Any]) -> None:
    scan = scan_of()
    broken = changed(scan, line_time_s=doctor(payload(scan).line_time_s))
    assert failed(analysed(broken))["line_times"] is ReasonCode.Q_LINES_LOST


def test_lost_lines_that_are_told_fail_by_their_number_only() -> None:
    assert "line_ids" not in failed(analysed(scan_of(lines_lost=0.05)))
    assert "line_times" not in failed(analysed(scan_of(lines_lost=0.05)))


@pytest.mark.parametrize("factor", [0.1, 0.5, 2.0, 10.0])
def test_a_pitch_that_makes_no_container_fails(factor: float) -> None:
    scan = scan_of()
    pitch = payload(scan).pitch_mm
    assert pitch is not None
    broken = changed(scan, pitch_mm=(pitch[0] * factor, pitch[1] * factor))
    assert ReasonCode.Q_COVERAGE in failed(analysed(broken)).values()


@pytest.mark.parametrize("length", ["20", "40", "45", "2x20"])
@pytest.mark.parametrize("is_high_cube", [False, True])
def test_every_usual_container_has_a_size_that_passes(length: Any, is_high_cube: bool) -> None:
    assert failed(analysed(scan_of(length=length, is_high_cube=is_high_cube))) == {}


def test_a_middle_that_was_cut_out_leaves_a_length_no_container_has() -> None:
    scan = scan_of(length="40")
    about = payload(scan)
    n_column = about.raw.shape[1]
    kept = np.r_[0 : n_column // 3, 2 * n_column // 3 : n_column]
    cut = changed(
        scan,
        raw=about.raw[:, kept],
        reference=None,
        line_ids=None,
        line_time_s=None,
        is_lost=None,
    )
    assert failed(analysed(cut)) == {"hull_size": ReasonCode.Q_COVERAGE}
