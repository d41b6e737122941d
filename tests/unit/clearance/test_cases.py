from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from screening.clearance import KeyRing, weigh
from screening.records import Adjudication, Level, Targeting, utc_string


@pytest.fixture
def look(policy, now, keys):
    def look(case, **changes):
        return weigh(case, **{"now": now, "policy": policy, "keys": keys, **changes})

    return look


@pytest.fixture
def conclude_on(now):
    def conclude_on(
        flag, code=4, basis="MEASUREMENT", instrument="RIID-1", age=timedelta(minutes=5), second=None
    ):
        return Adjudication(
            officer_ref="officer-1",
            flag_id=flag.flag_id,
            code=code,
            basis=basis,
            at=utc_string(now - age),
            instrument=instrument,
            second_officer_ref=second,
        )

    return conclude_on


@pytest.fixture
def target(now):
    def target(level="LOW", administration="CA", age=timedelta(hours=2), container_id="CSQU3054383"):
        return Targeting(
            container_id=container_id,
            level=Level(level),
            administration=administration,
            source="x",
            at=str(utc_string(now - age)),
        )

    return target


def test_an_innocent_case(make_case, look) -> None:
    seen = look(make_case())
    assert msgspec.structs.astuple(seen.inputs) == (
        "LOW", "VERIFIED", "LOW", False, None, None, None, None, "NOT_MOVED",
    )  # fmt: skip
    assert seen.reason_codes == ()


def test_nothing_known_is_nothing_known(make_case, look) -> None:
    seen = look(make_case(flags=(), targeting=(), seal_events=(), has_moved=None))
    assert msgspec.structs.astuple(seen.inputs) == (None, None, None, False, None, None, None, None, None)
    assert seen.reason_codes == ("SEAL_ABSENT", "TARGET_MISSING", "STEP_SKIPPED", "ARRIVAL_MISSING")


class TestRadiation:
    @pytest.mark.parametrize(
        ("flags", "level", "severe"),
        [
            ([("RAD_GROSS",), ("RAD_SPECTRAL",)], "LOW", False),
            ([("RAD_GROSS",), ("NEUTRON", "Q_SPEED")], "UNKNOWN", False),
            ([("RAD_GROSS", "RAD_GAMMA_NSIGMA"), ("NEUTRON",)], "HIGH", False),
            ([("RAD_GROSS",), ("NEUTRON", "RAD_NEUTRON")], "HIGH", True),
            ([("NEUTRON",)], None, False),
            ([("NEUTRON", "RAD_NEUTRON")], "HIGH", True),
            ([("XRAY",)], None, False),
        ],
    )
    def test_the_worst_flag_counts_and_gamma_is_needed(
        self, flags, level, severe, make_case, make_flag, look
    ) -> None:
        inputs = look(make_case(flags=tuple(make_flag(*flag) for flag in flags))).inputs
        assert (inputs.radiation, inputs.severe) == (level, severe)

    def test_an_old_flag_supports_nothing_and_still_accuses(self, make_case, make_flag, look) -> None:
        old = timedelta(days=2)
        assert look(make_case(flags=(make_flag("RAD_GROSS", age=old),))).inputs.radiation is None
        assert look(make_case(flags=(make_flag("RAD_GROSS", created_at=None),))).inputs.radiation is None
        high = make_flag("RAD_GROSS", "RAD_GAMMA_NSIGMA", age=old)
        assert look(make_case(flags=(high,))).inputs.radiation == "HIGH"
        assert look(make_case(flags=(high, make_flag("RAD_GROSS")))).inputs.radiation == "HIGH"

    def test_a_flag_from_the_future_is_not_low(self, make_case, make_flag, look) -> None:
        seen = look(make_case(flags=(make_flag("RAD_GROSS", age=timedelta(minutes=-6)),)))
        assert (seen.inputs.radiation, seen.reason_codes[0]) == ("UNKNOWN", "CLOCK_UNSYNC")
        soon = make_flag("RAD_GROSS", age=timedelta(minutes=-4))
        assert look(make_case(flags=(soon,))).inputs.radiation == "LOW"

    def test_one_flag_that_cannot_be_verified_leaves_the_scan_missing(
        self, make_case, make_flag, look, ops
    ) -> None:
        good = make_flag("RAD_GROSS")
        unsealed = make_flag("NEUTRON", "RAD_NEUTRON", signer=None)
        seen = look(make_case(flags=(good, unsealed)))
        assert (seen.inputs.radiation, "INPUT_CORRUPT" in seen.reason_codes) == (None, True)
        edited = msgspec.structs.replace(good, lane="2")
        assert look(make_case(flags=(edited,))).inputs.radiation is None
        assert look(make_case(), keys=KeyRing()).inputs.radiation is None
        high = make_flag("RAD_SPECTRAL", "RAD_NUCLIDE_INDUSTRIAL")
        assert look(make_case(flags=(high, unsealed))).inputs.radiation == "HIGH"

    @pytest.mark.parametrize("number", ["MWCU6059784", None])
    def test_a_flag_of_another_container_is_not_low(self, number, make_case, make_flag, look) -> None:
        seen = look(make_case(flags=(make_flag("RAD_GROSS", container_id=number),)))
        assert (seen.inputs.radiation, "ID_MISMATCH" in seen.reason_codes) == ("UNKNOWN", True)

    def test_a_case_whose_number_fails_is_not_low(self, make_case, make_flag, look) -> None:
        flag = make_flag("RAD_GROSS", container_id="CSQU3054384")
        seen = look(make_case(container_id="CSQU3054384", flags=(flag,)))
        assert (seen.inputs.radiation, "ID_CHECKDIGIT" in seen.reason_codes) == ("UNKNOWN", True)

    def test_a_flag_worse_than_its_reasons_is_taken_at_its_word(self, make_case, make_flag, look) -> None:
        stated = make_flag("RAD_GROSS", "Q_SPEED", level=Level.HIGH)
        assert look(make_case(flags=(stated,))).inputs.radiation == "HIGH"

    def test_only_a_new_analysis_of_the_same_scan_supersedes(self, make_case, make_flag, look) -> None:
        high = make_flag("RAD_GROSS", "RAD_GAMMA_NSIGMA")
        assert (
            look(make_case(flags=(high, make_flag("RAD_GROSS", supersedes=high.flag_id)))).inputs.radiation
            == "LOW"
        )
        unproven = make_flag("RAD_GROSS", supersedes=high.flag_id, signer=None)
        assert look(make_case(flags=(high, unproven))).inputs.radiation == "HIGH"
        other_scan = make_flag("RAD_GROSS", supersedes=high.flag_id, scan_id="another")
        assert look(make_case(flags=(high, other_scan))).inputs.radiation == "HIGH"
        other_kind = make_flag("RAD_SPECTRAL", supersedes=high.flag_id)
        assert look(make_case(flags=(high, other_kind))).inputs.radiation == "HIGH"


class TestImage:
    @pytest.mark.parametrize(
        ("codes", "expected"),
        [
            ((), "LOW"),
            (("IMG_ANOMALY",), "UNKNOWN"),
            (("IMG_SHIELDED",), "SHIELDED"),
            (("IMG_DENSE",), "HIGH"),
            (("IMG_DENSE", "IMG_SHIELDED"), "HIGH"),
            (("IMG_SHIELDED", "Q_LINES_LOST"), "SHIELDED"),
        ],
    )
    def test_states(self, codes, expected, make_case, make_flag, look) -> None:
        case = make_case(flags=(make_flag("RAD_GROSS"), make_flag("XRAY", *codes)))
        assert look(case).inputs.image == expected

    def test_an_image_nobody_can_verify_is_not_a_missing_one(self, make_case, make_flag, look) -> None:
        """Else taking the signature off a HIGH image would clear the container."""
        case = make_case(flags=(make_flag("RAD_GROSS"), make_flag("XRAY", "IMG_THREAT", signer=None)))
        assert look(case).inputs.image == "UNKNOWN"

    def test_an_old_image(self, make_case, make_flag, look) -> None:
        old = timedelta(days=2)
        gross = make_flag("RAD_GROSS")
        assert look(make_case(flags=(gross, make_flag("XRAY", age=old)))).inputs.image is None
        assert look(make_case(flags=(gross, make_flag("XRAY", "IMG_THREAT", age=old)))).inputs.image == "HIGH"


class TestTargeting:
    def test_administrations_score_independently_and_the_worst_counts(self, make_case, target, look) -> None:
        case = make_case(targeting=(target("LOW"), target("HIGH", "US")))
        assert look(case).inputs.targeting == "HIGH"

    def test_the_latest_of_one_administration_replaces_its_earlier(self, make_case, target, look) -> None:
        earlier, later = target("HIGH", age=timedelta(hours=3)), target("LOW")
        assert look(make_case(targeting=(later, earlier))).inputs.targeting == "LOW"
        assert look(make_case(targeting=(target("LOW"), target("UNKNOWN")))).inputs.targeting == "UNKNOWN"

    def test_age_identity_and_future(self, make_case, target, look) -> None:
        old = timedelta(days=4)
        for record in (
            target(age=old),
            target(container_id="MWCU6059784"),
            target(age=timedelta(hours=-1)),
            msgspec.structs.replace(target(), at="yesterday"),
        ):
            seen = look(make_case(targeting=(record,)))
            assert (seen.inputs.targeting, "TARGET_MISSING" in seen.reason_codes) == (None, True)
        assert look(make_case(targeting=(target("HIGH", age=old),))).inputs.targeting == "HIGH"

    def test_a_targeting_flag_joins(self, make_case, make_flag, look) -> None:
        flags = (make_flag("RAD_GROSS"), make_flag("TARGETING", "ID_MISMATCH"))
        assert look(make_case(flags=flags)).inputs.targeting == "UNKNOWN"


class TestAdjudication:
    @pytest.mark.parametrize(
        ("code", "measured", "on_paper"),
        [
            (1, "ILLICIT", "ILLICIT"),
            (2, "ILLICIT", "ILLICIT"),
            (3, "INNOCENT_MEASURED", "INNOCENT_PAPER"),
            (4, "INNOCENT_MEASURED", "INNOCENT_PAPER"),
            (5, "INNOCENT_MEASURED", "INNOCENT_PAPER"),
            (6, "INCONCLUSIVE", "INCONCLUSIVE"),
            (7, "INNOCENT_MEASURED", "INCONCLUSIVE"),
            (8, "INNOCENT_MEASURED", "INCONCLUSIVE"),
            (9, "INCONCLUSIVE", "INCONCLUSIVE"),
            (10, "ILLICIT", "ILLICIT"),
            (11, "INCONCLUSIVE", "INCONCLUSIVE"),
            (0, "INCONCLUSIVE", "INCONCLUSIVE"),
            (12, "INCONCLUSIVE", "INCONCLUSIVE"),
        ],
    )
    def test_oscar_codes(self, code, measured, on_paper, make_case, make_flag, conclude_on, look) -> None:
        flag = make_flag("RAD_GROSS", "RAD_GAMMA_NSIGMA")
        for basis, expected in (("MEASUREMENT", measured), ("PAPER", on_paper)):
            case = make_case(flags=(flag,), adjudications=(conclude_on(flag, code, basis),))
            assert look(case).inputs.adjudication == expected

    def test_a_measurement_names_its_instrument(self, make_case, make_flag, conclude_on, look) -> None:
        flag = make_flag("RAD_GROSS", "RAD_GAMMA_NSIGMA")
        concluded = conclude_on(flag, instrument=None)
        assert (
            look(make_case(flags=(flag,), adjudications=(concluded,))).inputs.adjudication == "INNOCENT_PAPER"
        )

    @pytest.mark.parametrize(
        "flags",
        [
            [("RAD_GROSS",), ("NEUTRON", "RAD_NEUTRON")],
            [("RAD_SPECTRAL", "RAD_NUCLIDE_SNM")],
            [("RAD_GROSS", "RAD_GAMMA_NSIGMA"), ("XRAY", "IMG_SHIELDED")],
            [("RAD_GROSS", "RAD_GAMMA_NSIGMA"), ("XRAY", "IMG_SHIELDED", "IMG_DENSE")],
        ],
    )
    @pytest.mark.parametrize(
        ("basis", "second", "expected"),
        [
            ("PAPER", "officer-2", "INCONCLUSIVE"),
            ("MEASUREMENT", None, "INCONCLUSIVE"),
            ("MEASUREMENT", "officer-1", "INCONCLUSIVE"),
            ("MEASUREMENT", "officer-2", "INNOCENT_MEASURED"),
        ],
    )
    def test_severe_or_hidden_takes_a_measurement_and_a_second_person(
        self, flags, basis, second, expected, make_case, make_flag, conclude_on, look
    ) -> None:
        made = tuple(make_flag(*flag) for flag in flags)
        concluded = tuple(
            conclude_on(flag, basis=basis, second=second) for flag in made if flag.level == "HIGH"
        )
        assert look(make_case(flags=made, adjudications=concluded)).inputs.adjudication == expected

    def test_behind_a_picture_nobody_can_verify_paper_is_not_enough(
        self, make_case, make_flag, conclude_on, look
    ) -> None:
        alarm = make_flag("RAD_GROSS", "RAD_GAMMA_NSIGMA")
        for signer, expected in ((None, "INCONCLUSIVE"), ("lane", "INNOCENT_PAPER")):
            picture = make_flag("XRAY", "IMG_ANOMALY", **({"signer": None} if signer is None else {}))
            case = make_case(flags=(alarm, picture), adjudications=(conclude_on(alarm, basis="PAPER"),))
            assert look(case).inputs.adjudication == expected

    def test_every_alarm_needs_its_own(self, make_case, make_flag, conclude_on, look) -> None:
        gross, spectral = (
            make_flag("RAD_GROSS", "RAD_GAMMA_NSIGMA"),
            make_flag("RAD_SPECTRAL", "RAD_NUCLIDE_NORM"),
        )
        case = make_case(flags=(gross, spectral), adjudications=(conclude_on(gross),))
        assert look(case).inputs.adjudication is None
        both = (conclude_on(gross), conclude_on(spectral, basis="PAPER"))
        assert (
            look(make_case(flags=(gross, spectral), adjudications=both)).inputs.adjudication
            == "INNOCENT_PAPER"
        )

    def test_the_latest_counts_but_illicit_stays(self, make_case, make_flag, conclude_on, look) -> None:
        flag = make_flag("RAD_GROSS", "RAD_GAMMA_NSIGMA")
        first = conclude_on(flag, 11, age=timedelta(minutes=8))
        later = conclude_on(flag, 4)
        assert (
            look(make_case(flags=(flag,), adjudications=(later, first))).inputs.adjudication
            == "INNOCENT_MEASURED"
        )
        illicit = conclude_on(flag, 1, age=timedelta(minutes=9))
        assert look(make_case(flags=(flag,), adjudications=(later, illicit))).inputs.adjudication == "ILLICIT"

    def test_a_conclusion_before_its_flag_or_in_the_future_is_none(
        self, make_case, make_flag, conclude_on, look
    ) -> None:
        flag = make_flag("RAD_GROSS", "RAD_GAMMA_NSIGMA")
        for age in (timedelta(hours=1), timedelta(minutes=-6)):
            case = make_case(flags=(flag,), adjudications=(conclude_on(flag, age=age),))
            assert look(case).inputs.adjudication is None

    def test_there_is_nothing_to_adjudicate_on_low(self, make_case, make_flag, conclude_on, look) -> None:
        flag = make_flag("RAD_GROSS")
        assert look(make_case(flags=(flag,), adjudications=(conclude_on(flag),))).inputs.adjudication is None


class TestNorm:
    STATED = {"is_spread": "true", "is_snm_below_limit": "true"}  # noqa: RUF012

    @pytest.fixture
    def norm_case(self, make_case, make_flag):
        def make(params=self.STATED, image=(), neutron=("NEUTRON",), more=(), age=timedelta(minutes=10)):
            flags = (
                make_flag("RAD_GROSS", "RAD_GAMMA_NSIGMA", explained=True, age=age),
                make_flag("RAD_SPECTRAL", "RAD_NUCLIDE_NORM", *more, params=params),
                *((make_flag(*neutron),) if neutron else ()),
                *((make_flag("XRAY", *image),) if image is not None else ()),
            )
            return make_case(flags=flags)

        return make

    def test_the_default_policy_leaves_it_unknown(self, norm_case, look) -> None:
        assert look(norm_case()).inputs.radiation == "UNKNOWN"

    def test_a_site_may_call_it_low(self, norm_case, look, policy) -> None:
        lenient = msgspec.structs.replace(policy, norm_low=True)
        assert look(norm_case(), policy=lenient).inputs.radiation == "LOW"

    @pytest.mark.parametrize(
        "spoil",
        [
            {"params": {}},
            {"params": {"is_spread": "true"}},
            {"params": {"is_spread": "false", "is_snm_below_limit": "true"}},
            {"image": None},
            {"image": ("IMG_SHIELDED",)},
            {"image": ("IMG_ANOMALY",)},
            {"neutron": None},
            {"neutron": ("NEUTRON", "BKG_STALE")},
            {"more": ("RAD_NUCLIDE_MEDICAL",)},
            {"more": ("MODEL_OOD",)},
            {"age": timedelta(days=2)},
        ],
    )
    def test_but_only_if_everything_was_stated(self, spoil, norm_case, look, policy) -> None:
        lenient = msgspec.structs.replace(policy, norm_low=True)
        assert look(norm_case(**spoil), policy=lenient).inputs.radiation != "LOW"


def test_the_reasons_are_those_that_count_in_the_order_of_the_vocabulary(make_case, make_flag, look) -> None:
    flags = (
        make_flag("XRAY", "Q_LINES_LOST", "IMG_MANIFEST_MISMATCH", "IMG_DENSE"),
        make_flag("RAD_GROSS", "BKG_STALE"),
    )
    assert look(make_case(flags=flags)).reason_codes == ("IMG_DENSE", "Q_LINES_LOST", "BKG_STALE")
