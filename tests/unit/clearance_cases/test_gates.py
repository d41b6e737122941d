"""What a policy asks of a measurement before its LOW counts; a HIGH stays HIGH through all of it."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from screening.records import (
    AdvanceData,
    CalibrationRef,
    FlagClock,
    FlagGate,
    FlagPipeline,
    FlagQuality,
    FlagScores,
    OperatingMode,
    SecondaryInspection,
    canonical_bytes,
    sha256_hex,
)
from screening.records.findings import ModelRef

MODEL = "e" * 64
LIMIT = {"detection_limit_mbq_cs137": "0.5"}


@pytest.fixture
def weigh_one(make, join, look):
    """Level and reasons of a box with one gamma flag (and others), under a policy."""

    def weigh_one(*records, policy=None, revoked=frozenset()):
        seen = look(join(make.assessment(), *records), policy=policy or {}, revoked=revoked)
        return str(seen.inputs.radiation), seen.reason_codes

    return weigh_one


PIPELINE = FlagPipeline(
    version="0",
    kernel_isa="b",
    models=(ModelRef(name="m", sha256=MODEL, card_sha256="f" * 64),),
    config_sha256="c",
    threshold_sha256="d",
)


@pytest.mark.parametrize(
    ("changes", "asked", "revoked", "code"),
    [
        ({"calibration": CalibrationRef(state="STALE")}, {}, (), "CAL_STALE"),
        ({"calibration": CalibrationRef(state="FAILED")}, {}, (), "CAL_MISSING"),
        ({"calibration": CalibrationRef(age_s=3601)}, {"max_calibration_age_s": 3600}, (), "CAL_STALE"),
        ({"calibration": CalibrationRef(age_s=-1)}, {"max_calibration_age_s": 3600}, (), "CAL_STALE"),
        # By its own times it was two hours old at the scan, whatever age the flag states.
        (
            {"calibration": CalibrationRef(age_s=10, made_at="2026-03-01T09:40:00Z")},
            {"max_calibration_age_s": 3600},
            (),
            "CAL_STALE",
        ),
        ({"calibration": CalibrationRef(id="C7")}, {}, ("C7",), "CAL_STALE"),
        ({"background_age_s": 601}, {"max_background_age_s": 600}, (), "BKG_STALE"),
        ({"background_age_s": -601}, {"max_background_age_s": 600}, (), "BKG_STALE"),
        ({"background_age_s": None}, {"max_background_age_s": 600}, (), "BKG_MISSING"),
        ({}, {"max_clock_error_ms": 100}, (), "CLOCK_UNSYNC"),
        ({"clock": FlagClock(offset_ms=5)}, {"max_clock_error_ms": 100}, (), "CLOCK_UNSYNC"),
        (
            {"clock": FlagClock(offset_ms=-60, uncertainty_ms=50)},
            {"max_clock_error_ms": 100},
            (),
            "CLOCK_UNSYNC",
        ),
        ({}, {"max_detection_limit_mbq": "1"}, (), "Q_COVERAGE"),
        ({"scores": FlagScores(raw=LIMIT)}, {"max_detection_limit_mbq": "0.4"}, (), "Q_COVERAGE"),
        (
            {"scores": FlagScores(raw={"detection_limit_mbq_cs137": "none"})},
            {"max_detection_limit_mbq": "1"},
            (),
            "Q_COVERAGE",
        ),
        ({"pipeline": PIPELINE}, {}, (MODEL,), "MODEL_UNVERIFIED"),
        ({"pipeline": PIPELINE}, {}, ("f" * 64,), "MODEL_UNVERIFIED"),
        ({"operating_mode": OperatingMode.TEST}, {}, (), "MODE_NOT_OPS"),
    ],
)
def test_a_doubt_makes_low_unknown_and_leaves_high_high(
    changes, asked, revoked, code, make, weigh_one
) -> None:
    given = {"policy": asked, "revoked": frozenset(revoked)}
    level, codes = weigh_one(make.flag("RAD_GROSS", **changes), **given)
    assert (level, code in codes) == ("UNKNOWN", True)
    level, codes = weigh_one(make.flag("RAD_GROSS", "RAD_GAMMA_NSIGMA", **changes), **given)
    assert (level, code in codes) == ("HIGH", True)


@pytest.mark.parametrize(
    ("changes", "asked"),
    [
        ({"calibration": CalibrationRef(age_s=3600)}, {"max_calibration_age_s": 3600}),
        # Gross counts need no energy calibration, so it has no age.
        ({"calibration": CalibrationRef(id="gross counts: none needed")}, {"max_calibration_age_s": 3600}),
        ({"background_age_s": 600}, {"max_background_age_s": 600}),
        ({"clock": FlagClock(offset_ms=-50, uncertainty_ms=50)}, {"max_clock_error_ms": 100}),
        ({"scores": FlagScores(raw=LIMIT)}, {"max_detection_limit_mbq": "0.5"}),
        (
            {
                "quality": FlagQuality(
                    gates=(FlagGate(name="detection_limit_mbq_cs137", passed=True, value="0.5", limit="1"),)
                )
            },
            {"max_detection_limit_mbq": "0.5"},
        ),
        ({"pipeline": PIPELINE}, {}),
    ],
)
def test_what_keeps_to_the_policy_stays_low(changes, asked, make, weigh_one) -> None:
    assert weigh_one(make.flag("RAD_GROSS", **changes), policy=asked)[0] == "LOW"


def test_spectra_and_pictures_need_a_calibration_of_known_age(make, weigh_one, join, look) -> None:
    policy = {"max_calibration_age_s": 3600}
    spectral = make.flag("RAD_SPECTRAL", calibration=CalibrationRef(id="of the file"))
    assert weigh_one(spectral, policy=policy)[0] == "UNKNOWN"
    case = join(make.flag("RAD_GROSS"), make.flag("XRAY"))
    assert look(case, policy=policy).inputs.image == "UNKNOWN"


def test_the_gross_counts_of_a_scan_state_the_limit_of_its_spectra(make, weigh_one) -> None:
    policy = {"max_detection_limit_mbq": "1"}
    gross = make.flag("RAD_GROSS", scores=FlagScores(raw=LIMIT), scan_id="one")
    assert weigh_one(gross, make.flag("RAD_SPECTRAL", scan_id="one"), policy=policy)[0] == "LOW"
    assert weigh_one(gross, make.flag("RAD_SPECTRAL", scan_id="two"), policy=policy)[0] == "UNKNOWN"
    assert weigh_one(gross, make.flag("NEUTRON", scan_id="two"), policy=policy)[0] == "LOW"


class TestSecondaryMeasurements:
    @pytest.fixture
    def measured(self, make):
        def measured(*flags, minutes=10, concerns=(), instrument="riid 7", by="trusted"):
            record = SecondaryInspection(
                container_id=make.box,
                concerns=tuple(flag.flag_id for flag in concerns),
                method="HANDHELD",
                instrument=instrument,
                officer_ref="o1",
                at=make.at(minutes),
                flag_ids=tuple(flag.flag_id for flag in flags),
            )
            record = make.seal(record, by)
            return record, sha256_hex(canonical_bytes(record))

        return measured

    def test_its_low_never_counts_as_screening_and_its_high_raises(
        self, make, measured, weigh_one, join
    ) -> None:
        low = make.flag("RAD_SPECTRAL", minutes=12)
        record, _ = measured(low)
        assert weigh_one(low)[0] == "LOW"
        assert weigh_one(low, record)[0] == "None"
        assert join(low, record).secondary_flags == (low,)
        high = make.flag("RAD_SPECTRAL", "RAD_NUCLIDE_INDUSTRIAL", minutes=12, number=None)
        assert weigh_one(make.flag("RAD_GROSS"), high, measured(high)[0])[0] == "HIGH"

    def test_a_handheld_that_names_no_container_is_placed_by_its_record(
        self, make, measured, weigh_one
    ) -> None:
        low = make.flag("RAD_SPECTRAL", minutes=12, number=None)
        assert weigh_one(make.flag("RAD_GROSS"), low)[0] == "UNKNOWN"
        assert weigh_one(make.flag("RAD_GROSS"), low, measured(low)[0])[0] == "LOW"

    @pytest.mark.parametrize(
        ("spoil", "expected"),
        [
            ({}, "INNOCENT_MEASURED"),
            ({"instrument": "riid 8"}, "INNOCENT_PAPER"),
            ({"by": "stranger"}, "INNOCENT_PAPER"),
            ({"minutes": 3}, "INNOCENT_PAPER"),  # after the conclusion
            ({"concerns": ()}, "INNOCENT_PAPER"),
        ],
    )
    def test_a_policy_may_ask_for_the_record_of_the_measurement(
        self, spoil, expected, make, measured, join, look
    ) -> None:
        alarm = make.flag("RAD_GROSS", "RAD_GAMMA_NSIGMA")
        record, sha256 = measured(**{"concerns": (alarm,), **spoil})
        case = join(alarm, record, make.conclusion(alarm, evidence=(sha256,)))
        policy = {"needs_secondary_record": True}
        assert look(case, policy=policy).inputs.adjudication == expected
        assert look(case).inputs.adjudication == "INNOCENT_MEASURED"
        uncited = join(alarm, record, make.conclusion(alarm))
        assert look(uncited, policy=policy).inputs.adjudication == "INNOCENT_PAPER"

    def test_a_conclusion_that_cites_the_measurement_covers_its_doubts_but_not_its_alarms(
        self, make, measured, join, look
    ) -> None:
        alarm = make.flag("RAD_GROSS", "RAD_GAMMA_NSIGMA")
        for code, expected in (("RAD_NUCLIDE_NORM", "INNOCENT_MEASURED"), ("RAD_NUCLIDE_SNM", None)):
            found = make.flag("RAD_SPECTRAL", code, minutes=12)
            record, sha256 = measured(found, concerns=(alarm,))
            cited = make.conclusion(alarm, evidence=(sha256,))
            assert look(join(alarm, found, record, cited)).inputs.adjudication == expected
            assert look(join(alarm, found, record, make.conclusion(alarm))).inputs.adjudication is None


def test_a_policy_may_want_a_second_person_always(make, join, look) -> None:
    alarm = make.flag("RAD_GROSS", "RAD_GAMMA_NSIGMA")
    for second, expected in ((None, "INCONCLUSIVE"), ("o1", "INCONCLUSIVE"), ("o2", "INNOCENT_MEASURED")):
        case = join(alarm, make.conclusion(alarm, second=second))
        assert look(case, policy={"second_person": "always"}).inputs.adjudication == expected
        assert look(case).inputs.adjudication == "INNOCENT_MEASURED"


def test_a_conclusion_counts_under_a_trusted_key_and_an_illicit_one_always(make, join, look) -> None:
    alarm = make.flag("RAD_GROSS", "RAD_GAMMA_NSIGMA")
    assert look(join(alarm, make.conclusion(alarm, by="stranger"))).inputs.adjudication is None
    assert look(join(alarm, make.conclusion(alarm, 1, by="stranger"))).inputs.adjudication == "ILLICIT"


def test_an_explained_alarm_answers_for_no_box_that_was_not_screened(make, join, look) -> None:
    neutrons = make.flag("NEUTRON", "RAD_NEUTRON")
    case = join(neutrons, make.conclusion(neutrons, second="o2"))
    assert (look(case).inputs.radiation, look(case).inputs.adjudication) == ("HIGH", None)
    screened = join(neutrons, make.flag("RAD_GROSS"), make.conclusion(neutrons, second="o2"))
    assert look(screened).inputs.adjudication == "INNOCENT_MEASURED"


class TestNewIntelligence:
    def test_what_was_low_before_clears_no_more(self, make, join, look, outcome, innocent) -> None:
        case = join(*innocent, make.event("SEALED", 10), make.flag("XRAY"), make.destuffing("CLEAN", 15))
        told = frozenset({make.box})
        assert outcome(case).risk == "LOW"
        assert outcome(case, revoked=told).risk == "UNKNOWN"
        assert "TARGET_MISSING" in look(case, revoked=told).reason_codes
        assert outcome(case, revoked=frozenset({"MWCU6059784"})).risk == "LOW"

    def test_an_assessment_or_an_examination_after_it_counts(self, make, join, outcome, innocent) -> None:
        told = frozenset({make.box})
        intel_at = make.now - timedelta(minutes=30)
        held = (*innocent, make.event("SEALED", 10))
        assert outcome(join(*held, intel_at=intel_at), revoked=told).risk == "UNKNOWN"
        assessed = join(*held, make.assessment(minutes=20), intel_at=intel_at)
        assert outcome(assessed, revoked=told).risk == "LOW"
        looked = join(*held, make.flag("XRAY", minutes=20), intel_at=intel_at)
        assert outcome(looked, revoked=told).risk == "LOW"
        looked_before = join(*held, make.flag("XRAY", minutes=40), intel_at=intel_at)
        assert outcome(looked_before, revoked=told).risk == "UNKNOWN"


class TestTargeting:
    @pytest.fixture
    def declare(self, make):
        def declare(risks, administration="CA", minutes=100, by="trusted", **changes):
            made = AdvanceData(
                container_id=make.box,
                bill="B1",
                at=make.at(minutes),
                administration=administration,
                risks=[
                    {"administration": of, "level": level, "source": "s", "at": make.at(when)}
                    for of, level, when in risks
                ],
                **changes,
            )
            return make.seal(msgspec.convert(msgspec.to_builtins(made), type=AdvanceData), by)

        return declare

    def level(self, look, case, **changes):
        return look(case, **changes).inputs.targeting

    def test_two_administrations_side_by_side(self, make, join, look, declare) -> None:
        ours = make.assessment("LOW", 100, "CA")
        assert self.level(look, join(ours, declare([("US", "LOW", 90)]))) == "LOW"
        assert self.level(look, join(ours, declare([("US", "HIGH", 90)]))) == "HIGH"
        theirs = declare([("US", "HIGH", 90)], administration="US")
        assert self.level(look, join(ours, theirs)) == "HIGH"
        later = declare([("US", "LOW", 80)], administration="US", minutes=80)
        assert self.level(look, join(ours, theirs, later)) == "LOW"

    def test_nobody_takes_back_what_another_administration_said(self, make, join, look, declare) -> None:
        theirs = make.assessment("HIGH", 90, "US")
        assert self.level(look, join(theirs, declare([("US", "LOW", 10)], administration="CA"))) == "HIGH"

    def test_what_nobody_vouches_for_accuses_and_never_clears(self, make, join, look) -> None:
        assert self.level(look, join(make.assessment("LOW", by="stranger"))) is None
        ours = make.assessment("HIGH", 90)
        assert self.level(look, join(ours, make.assessment("UNKNOWN", 10, by="stranger"))) == "HIGH"
        low = make.assessment("LOW", 90)
        assert self.level(look, join(low, make.assessment("HIGH", 95, by="stranger"))) == "HIGH"

    def test_a_policy_may_ask_for_the_advance_data(self, make, join, look, declare) -> None:
        policy = {"needs_advance_data": True}
        assert self.level(look, join(make.assessment()), policy=policy) is None
        assert self.level(look, join(make.assessment(), declare([])), policy=policy) == "LOW"
        strange = declare([], by="stranger")
        assert self.level(look, join(make.assessment(), strange), policy=policy) is None
        assert self.level(look, join(make.assessment("HIGH")), policy=policy) == "HIGH"

    def test_goods_are_those_declared_last(self, join, declare) -> None:
        first = declare([], goods=[{"hs": "2501"}])
        last = declare([], minutes=50, goods=[{"hs": "690721"}])
        other = declare([], minutes=70, administration="US", goods=[{"hs": "0803"}])
        assert [goods.hs for goods in join(last, other, first).goods] == ["690721", "0803"]
