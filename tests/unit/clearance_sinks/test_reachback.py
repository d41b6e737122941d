"""The package for a spectroscopist: complete, the same each time, and without what is not theirs."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import UTC, datetime

import numpy as np
import pytest

from screening.clearance.sinks.reachback import questions_about, reachback_package
from screening.clearance.sinks.sample_messages import sample_decision, sample_flag
from screening.errors import ConfigurationError
from screening.formats.n42 import read_n42
from screening.formats.n42_results import read_results
from screening.records import (
    Action,
    AdvanceData,
    AdvanceRisk,
    Background,
    FlagModality,
    Goods,
    Level,
    Occupancy,
    OperatingMode,
    Party,
    Radiograph,
    Reason,
    ReasonCode,
    Scan,
    ScanIdentity,
    canonical_bytes,
    sha256_hex,
)

CONTAINER = "CSQU3054383"
AT = "2026-03-01T12:00:00Z"
PNG = b"\x89PNG\r\n\x1a\n" + b"picture"
ALARM = sample_flag(
    FlagModality.RAD_SPECTRAL,
    (Reason(code=ReasonCode.RAD_NUCLIDE_SNM, level=Level.HIGH, text="HEU", params={"nuclide": "HEU"}),),
    labels={"HEU": "0.9"},
)
ADVANCE = AdvanceData(
    container_id=CONTAINER,
    bill="SECRET-BILL-17",
    at=AT,
    administration="SECRET-OFFICE",
    origin="CNSHA",
    parties=(Party(role="SHIPPER", hmac_sha256="5" * 64),),
    goods=(Goods(hs="6907", description="tiles\nhidden line", weight_kg=21000),),
    risks=(AdvanceRisk(administration="SECRET-OFFICE", level=Level.HIGH, source="SECRET-INTEL", at=AT),),
)


@pytest.fixture(scope="module")
def scan() -> Scan:
    rng = np.random.default_rng(3)
    edges = np.vstack([np.linspace(0.0, 3000.0, 65)])
    spectra = rng.poisson(3.0, (5, 1, 64)).astype(np.uint32)
    return Scan(
        identity=ScanIdentity(
            scan_id="scan-RAD", container_id=CONTAINER, t_start_utc=datetime(2026, 3, 1, 11, 58, tzinfo=UTC)
        ),
        payload=Occupancy(
            kind="occupancy",
            interval_s=np.full(5, 0.2),
            t_s=np.arange(5) / 5.0,
            panel_ids=("A",),
            gamma_counts=spectra.sum(axis=2).astype(np.int64),
            live_time_s=np.full((5, 1), 0.19),
            spectra=spectra,
            energy_edges_kev=edges,
            background=Background(
                gamma_cps=np.array([190.0]),
                live_time_s=60.0,
                spectra=rng.poisson(180.0, (1, 64)).astype(np.float64),
                energy_edges_kev=edges,
            ),
        ),
    )


def packed(scan, **changes):
    arguments = {
        "scans": [scan],
        "flags": [ALARM],
        "asked_at": AT,
        "pictures": {"lane 2/../view.png": PNG},
        "advance": ADVANCE,
        "decision": sample_decision(Level.HIGH, Action.HOLD, (ALARM,)),
        "questions": ["Is it shielded?"],
    }
    arguments.update(changes)
    return reachback_package(CONTAINER, **arguments)


def opened(data):
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        return {name: file.read(name) for name in file.namelist()}


def test_everything_is_in_it_and_the_index_says_so(scan):
    files = opened(packed(scan))
    index = json.loads(files.pop("index.json"))
    assert index["container_id"] == CONTAINER
    assert {name: entry["sha256"] for name, entry in index["files"].items()} == {
        name: sha256_hex(data) for name, data in files.items()
    }
    assert sorted(files) == [
        "QUESTIONS.txt",
        "decision.json",
        f"flags/{ALARM.flag_id}.json",
        "goods.json",
        "pictures/lane-2-..-view.png",
        "spectra/1-scan-RAD.n42",
    ]
    assert files[f"flags/{ALARM.flag_id}.json"] == canonical_bytes(ALARM)


def test_spectra_have_their_background_and_calibration_and_what_was_found(scan):
    document = opened(packed(scan))["spectra/1-scan-RAD.n42"]
    (back,) = read_n42(document, name="x")
    np.testing.assert_array_equal(back.payload.spectra, scan.payload.spectra)
    np.testing.assert_array_equal(back.payload.background.spectra, scan.payload.background.spectra)
    np.testing.assert_allclose(back.payload.energy_edges_kev, scan.payload.energy_edges_kev)
    (result,) = read_results(document, name="x")
    assert [(nuclide.name, nuclide.confidence) for nuclide in result.nuclides] == [("HEU", 0.9)]


def test_the_same_input_gives_the_same_bytes_in_any_order(scan):
    other = sample_flag(FlagModality.NEUTRON)
    assert packed(scan, flags=[ALARM, other]) == packed(scan, flags=[other, ALARM])


def test_the_questions_follow_from_the_reasons(scan):
    text = opened(packed(scan))["QUESTIONS.txt"].decode()
    assert "1. Is special nuclear material present, and of which kind?" in text
    assert "3. Is it shielded?" in text
    assert "  HS 6907 tiles hidden line" in text
    assert "EXERCISE" not in text
    assert len(questions_about([])) == 1


def test_nothing_that_is_not_theirs_is_in_it(scan):
    data = packed(scan)
    for secret in (b"SECRET", b"5" * 64, b"private_key", b"hmac"):
        assert secret not in data


def test_an_exercise_says_so(scan):
    drill = sample_flag(
        FlagModality.RAD_GROSS,
        (Reason(code=ReasonCode.EXERCISE, level=Level.UNKNOWN, text="drill"),),
        mode=OperatingMode.EXERCISE,
    )
    files = opened(packed(scan, flags=[drill], decision=None))
    assert files["QUESTIONS.txt"].startswith(b"EXERCISE: never valid for cargo")
    assert json.loads(files["index.json"])["is_exercise"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"pictures": {"a.png": b"GIF89a"}}, "no PNG"),
        ({"pictures": {"a/b.png": PNG, "a-b.png": PNG}}, "two files"),
        ({"flags": [sample_flag(FlagModality.NEUTRON, container_id="MWCU6059784")]}, "about one container"),
        ({"decision": sample_decision(Level.HIGH, Action.HOLD, container_id="MWCU6059784")}, "about one"),
    ],
)
def test_what_does_not_belong_is_refused(scan, changes, why):
    with pytest.raises(ConfigurationError, match=why):
        packed(scan, **changes)


def test_a_radiograph_goes_as_its_picture(scan):
    payload = Radiograph(raw=np.ones((8, 8, 1), dtype=np.uint16), energies=("6MV",))
    with pytest.raises(ConfigurationError, match="send its picture"):
        packed(scan, scans=[Scan(identity=ScanIdentity(scan_id="x"), payload=payload)])
