from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest

from screening.archive import write_scan
from screening.errors import ModelError
from screening.reanalyse.report import entries_from_store, scan_products
from screening.records import (
    Action,
    FlagModality,
    Level,
    Manifest,
    Occupancy,
    RadiationMeasurements,
    Radiograph,
    ReasonCode,
    Scan,
    ScanIdentity,
    ScreeningReport,
    ScreeningResult,
)
from screening.stores import ResultStore

ALARM = (ReasonCode.RAD_GAMMA_NSIGMA, Level.HIGH, "over")


def scan(scan_id, container_id, *, minute=0):
    return Scan(
        identity=ScanIdentity(
            scan_id=scan_id, site="Harbour", lane="1", container_id=container_id,
            t_start_utc=datetime(2026, 1, 1, 8, minute, tzinfo=UTC),
            manifest=Manifest(is_declared_empty=True) if minute == 5 else None,
        ),
        payload=Occupancy(
            kind="occupancy",
            interval_s=np.full(3, 0.5),
            t_s=np.arange(3) * 0.5,
            panel_ids=("A", "B"),
            gamma_counts=np.array([[5, 5], [10, 20], [-1, 4]]),
        ),
    )  # fmt: skip


@pytest.fixture
def site(tmp_path, builders):
    """A store and an archive of three scans: two of one container, one of nobody."""
    store = ResultStore(tmp_path / "store.sqlite")
    for scan_id, container_id, minute, level in (
        ("s1", "CSQU3054383", 0, Level.LOW),
        ("s2", "CSQU3054383", 5, Level.HIGH),
        ("s3", None, 3, Level.LOW),
    ):
        made = scan(scan_id, container_id, minute=minute)
        reasons = (ALARM,) if level is Level.HIGH else ()
        flag = builders["flag"](scan_id, FlagModality.RAD_GROSS, level, reasons)
        store.record(scan=made, flags=[flag])
        write_scan(tmp_path / "archive" / f"{scan_id}.h5", made, products={"background_cps": np.array([9.0])})
    decision = builders["decision"]("CSQU3054383", Level.HIGH, Action.HOLD)
    store.record(decision=msgspec.structs.replace(decision, signature="x"))
    yield store, tmp_path / "archive"
    store.close()


@pytest.fixture(autouse=True)
def _archive_folder(tmp_path):
    (tmp_path / "archive").mkdir()


class Pipeline:
    """Answers as told; stands in for the real one."""

    def __init__(self, flags=(), error=None):
        self.flags, self.error, self.n_abandoned = flags, error, 0

    def screen(self, scan):
        if self.error is not None:
            raise self.error
        return ScreeningResult(
            scan_id=scan.identity.scan_id,
            modality="radiation",
            level=Level.LOW,
            flags=tuple(self.flags),
            measurements=RadiationMeasurements(detection_limit_mbq_cs137=0.5),
        )

    def abandon(self):
        self.n_abandoned += 1


def test_scans_of_a_container_come_together_the_worst_container_first(site):
    first, second = entries_from_store(*site)
    assert (first.container_id, second.container_id) == ("CSQU3054383", None)
    assert [shown.scan_id for shown in first.scans] == ["s1", "s2"]
    assert first.decision.action is Action.HOLD
    assert first.manifest == Manifest(is_declared_empty=True)
    assert (first.level, second.level) == (Level.HIGH, Level.LOW)


def test_of_one_level_what_is_held_comes_first_and_then_the_earlier(site, builders):
    store, _ = site
    alarm = builders["flag"]
    for number, (container_id, minute, action) in enumerate(
        [
            ("MSKU1234565", 1, Action.REFER_SECONDARY_RAD),
            ("MWCU6059784", 2, Action.HOLD),
            ("TGHU7599330", 0, Action.REFER_DESTUFF),
        ]
    ):
        made = scan(f"t{number}", container_id, minute=minute)
        flag = alarm(f"t{number}", FlagModality.RAD_GROSS, Level.HIGH, (ALARM,))
        decision = builders["decision"](container_id, Level.HIGH, action)
        store.record(scan=made, flags=[flag])
        store.record(decision=msgspec.structs.replace(decision, signature="x"))
    names = [entry.container_id for entry in entries_from_store(*site)]
    assert names == ["CSQU3054383", "MWCU6059784", "TGHU7599330", "MSKU1234565", None]


def test_products_come_from_the_archive_and_the_scan_itself(site):
    shown = entries_from_store(*site)[0].scans[0]
    assert shown.products["background_cps"].tolist() == [9.0]
    assert shown.products["rate_cps"][:2].tolist() == [20.0, 60.0]
    assert np.isnan(shown.products["rate_cps"][2])  # a panel sent nothing: not a low rate
    assert shown.place == "Harbour · 1"


def test_a_scan_that_is_not_in_the_archive_is_still_reported(site):
    store, archive = site
    (archive / "s2.h5").unlink()
    shown = entries_from_store(store, archive)[0].scans[1]
    assert shown.level is Level.HIGH
    assert shown.flags
    assert shown.notes[-1].startswith("not in the archive:")


def test_measurements_come_from_reports(site):
    body = {"nuclides": [], "gamma": None, "neutron": None, "detection_limit_mbq_cs137": 0.7}
    report = ScreeningReport(
        path="s1",
        scan_id="s1",
        modality="radiation",
        level=Level.LOW,
        flags=(),
        elapsed_ms=0,
        measurements=body,
    )
    first, second = entries_from_store(*site, reports={"s1": report})[0].scans
    assert first.measurements == RadiationMeasurements(detection_limit_mbq_cs137=0.7)
    assert second.measurements is None


@pytest.mark.parametrize(("text", "limit"), [(None, 0.7), ("{", None), ('{"schema": "other"}', None)])
def test_measurements_come_from_the_report_beside_the_archive(site, text, limit):
    store, archive = site
    body = {"detection_limit_mbq_cs137": 0.7}
    report = ScreeningReport(
        path="s1",
        scan_id="s1",
        modality="radiation",
        level=Level.LOW,
        flags=(),
        elapsed_ms=0,
        measurements=body,
    )
    beside = msgspec.json.encode(report) if text is None else text.encode()
    (archive / "s1.json").write_bytes(beside)
    shown = entries_from_store(store, archive)[0].scans[0]
    assert (shown.measurements.detection_limit_mbq_cs137 if shown.measurements else None) == limit
    assert shown.flags


def test_measurements_come_from_another_analysis_and_a_difference_is_told(site):
    store, archive = site
    shown = entries_from_store(store, archive, pipeline=Pipeline(store.flags_of_scan("s1")))[0].scans
    assert shown[0].measurements.detection_limit_mbq_cs137 == 0.5
    assert shown[0].notes == ()
    assert "other flags" in shown[1].notes[0]
    assert shown[1].level is Level.HIGH  # the stored flags are what is shown


def test_an_analysis_that_fails_leaves_the_stored_answer(site):
    pipeline = Pipeline(error=ModelError("no model"))
    shown = entries_from_store(*site, pipeline=pipeline)[0].scans[1]
    assert shown.level is Level.HIGH
    assert shown.notes == ("could not be analysed again: no model",)
    assert pipeline.n_abandoned == 3


def test_a_radiograph_hands_on_its_pitch():
    identity = ScanIdentity(scan_id="s")
    raw = np.zeros((2, 3, 1), dtype=np.uint16)
    with_pitch = Scan(identity=identity, payload=Radiograph(raw=raw, energies=("6MV",), pitch_mm=(4.0, 5.0)))
    assert scan_products(with_pitch)["pitch_mm"].tolist() == [4.0, 5.0]
    assert scan_products(Scan(identity=identity, payload=Radiograph(raw=raw, energies=("6MV",)))) == {}
