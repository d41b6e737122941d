from __future__ import annotations

import itertools

import pytest

from screening.records import Level, Reason, ReasonCode
from screening.risk import LEVEL_OF_CODE, MODE_CODES, level_of

HIGH = {
    "RAD_GAMMA_NSIGMA", "RAD_SPECTRAL_ANOMALY", "RAD_NEUTRON", "RAD_NUCLIDE_SNM", "RAD_NUCLIDE_INDUSTRIAL",
    "IMG_THREAT", "IMG_DENSE", "IMG_PERSON", "SEAL_BROKEN", "DEVICE_TAMPER",
}  # fmt: skip
ADVISORY = {"IMG_MANIFEST_MISMATCH"}


def a_reason(code: ReasonCode) -> Reason:
    return Reason(code=code, level=LEVEL_OF_CODE[code], text="x")


def test_every_code_has_its_level() -> None:
    assert set(LEVEL_OF_CODE) == set(ReasonCode)
    for code, level in LEVEL_OF_CODE.items():
        expected = Level.HIGH if code in HIGH else None if code in ADVISORY else Level.UNKNOWN
        assert level is expected, code


def test_no_code_is_low() -> None:
    assert Level.LOW not in LEVEL_OF_CODE.values()


def test_the_table_cannot_be_edited() -> None:
    with pytest.raises(TypeError):
        LEVEL_OF_CODE[ReasonCode.TIMEOUT] = Level.LOW  # type: ignore[index]


def test_two_codes_together() -> None:
    for one, other in itertools.combinations(ReasonCode, 2):
        level = level_of([a_reason(one), a_reason(other)])
        if ReasonCode.INPUT_CORRUPT in (one, other):
            assert level is Level.UNKNOWN
        elif one in HIGH or other in HIGH:
            assert level is Level.HIGH
        else:
            assert level is Level.UNKNOWN


def test_reasons_are_set_aside_only_as_named() -> None:
    mode = [a_reason(code) for code in sorted(MODE_CODES)]
    assert level_of(mode) is Level.UNKNOWN
    assert level_of(mode, set_aside=MODE_CODES) is Level.LOW
    assert level_of([*mode, a_reason(ReasonCode.Q_SPEED)], set_aside=MODE_CODES) is Level.UNKNOWN
    assert level_of([*mode, a_reason(ReasonCode.RAD_NEUTRON)], set_aside=MODE_CODES) is Level.HIGH
