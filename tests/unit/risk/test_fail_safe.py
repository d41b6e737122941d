"""Whatever an analysis says: another doubt never lowers a level, and LOW has no doubt at all."""

from __future__ import annotations

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from screening.records import (
    Assessment,
    ClockState,
    Finding,
    FlagModality,
    Gate,
    Level,
    OperatingMode,
    ReasonCode,
    ScanNote,
)
from screening.risk import LEVEL_OF_CODE, assess

codes = st.sampled_from(list(ReasonCode))
findings = st.builds(
    Finding, code=codes, text=st.just("x"), is_explained=st.booleans(), is_severe=st.booleans()
)
gates = st.builds(
    Gate, name=st.just("g"), passed=st.booleans(), value=st.just("1"), limit=st.just("2"), code=codes
)
notes = st.builds(ScanNote, text=st.just("n"), reason=st.none() | codes)
modes = st.sampled_from([OperatingMode.OPS, OperatingMode.OPS, OperatingMode.EXERCISE, OperatingMode.TEST])
quick = settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@quick
@given(
    found=st.lists(findings, max_size=3),
    applied=st.lists(gates, max_size=2),
    noted=st.lists(notes, max_size=2),
    mode=modes,
    is_synchronised=st.sampled_from([True, None, False]),
    extra=findings,
)
def test_doubts_add_up(
    found, applied, noted, mode, is_synchronised, extra, make_occupancy, make_radiation, provenance
) -> None:
    identity = {"operating_mode": mode, "clock": ClockState(is_synchronised=is_synchronised)}
    scan = make_occupancy(identity=identity, notes=tuple(noted))
    analysis = make_radiation(*found, gates=tuple(applied))
    (flag,) = assess(scan, analysis, provenance)
    doubts = (
        any(LEVEL_OF_CODE[finding.code] for finding in found)
        or not applied
        or any(not gate.passed for gate in applied)
        or any(note.reason is not None for note in noted)
        or mode is not OperatingMode.OPS
        or is_synchronised is False
    )
    assert (flag.level is Level.LOW) == (not doubts)

    # A nuclide may explain the alarm before it, and corrupt bytes leave nothing known: all else adds up.
    (more,) = assess(scan, make_radiation(*found, extra, gates=tuple(applied)), provenance)
    explains = extra.code in (ReasonCode.RAD_NUCLIDE_NORM, ReasonCode.RAD_NUCLIDE_MEDICAL)
    if extra.code is not ReasonCode.INPUT_CORRUPT and not explains:
        assert more.level.rank >= flag.level.rank
    else:
        assert more.level.rank >= min(flag.level.rank, Level.UNKNOWN.rank)


@quick
@given(found=st.lists(findings, max_size=3), other=st.lists(findings, max_size=3))
def test_assessments_share_explanations_and_nothing_else(
    found, other, make_occupancy, make_radiation, provenance
) -> None:
    analysis = make_radiation(*found)
    beside = Assessment(modality=FlagModality.RAD_SPECTRAL, findings=tuple(other))
    both = msgspec.structs.replace(analysis, assessments=(*analysis.assessments, beside))
    alone, (together, _) = (
        assess(make_occupancy(), analysis, provenance)[0],
        assess(make_occupancy(), both, provenance),
    )
    assert [r.code for r in together.reasons] == [r.code for r in alone.reasons]
    if together.level is not alone.level:
        assert any(finding.is_explained for finding in found)
        assert {together.level, alone.level} == {Level.HIGH, Level.UNKNOWN}
