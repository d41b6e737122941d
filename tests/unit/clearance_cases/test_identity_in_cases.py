"""A scan whose number is in doubt counts for nobody, and casts its doubt on everybody it may be of."""

from __future__ import annotations

import msgspec
import pytest

from screening.clearance import case_key, near_numbers
from screening.records import IdentityRuling, Subject

OTHER = "MWCU6059784"


@pytest.fixture
def rule(make):
    def rule(scan_id: str, container_id: str, by: str = "trusted") -> IdentityRuling:
        made = IdentityRuling(
            scan_id=scan_id,
            container_id=container_id,
            officer_ref="o1",
            at=make.at(1),
            basis="read again by eye",
        )
        return make.seal(made, by)

    return rule


@pytest.fixture
def low_sure(make, innocent):
    return (*innocent, make.event("SEALED", 10))


class TestKeys:
    @pytest.mark.parametrize(
        ("subject", "is_apart"),
        [
            (Subject(container_id="CSQU3054383", id_source="OCR", ocr_confidence="0.99"), False),
            (Subject(container_id="csqu 305438 3", id_source="OCR", ocr_confidence="0.99"), False),
            (Subject(container_id=None), True),
            (Subject(container_id="CSQU3054384", id_source="OCR", ocr_confidence="0.99"), True),
            (
                Subject(
                    container_id="CSQU3054383", id_source="OCR", ocr_confidence="0.99", check_digit_ok=False
                ),
                True,
            ),
            (Subject(container_id="CSQU3054383", id_source="OCR", ocr_confidence="0.79"), True),
            (Subject(container_id="CSQU3054383", id_source="OCR"), True),
            (Subject(container_id="CSQU3054383", id_source="OCR", ocr_confidence="sure"), True),
            (Subject(container_id="CSQU3054383"), True),
            (Subject(container_id=OTHER, id_source="OCR", ocr_confidence="0.99"), True),  # not declared
            (Subject(container_id=OTHER, id_source="RFID"), True),
            (Subject(container_id=OTHER, id_source="MANUAL"), False),
            (Subject(container_id="CSQU3054383", id_source="RFID"), False),
        ],
    )
    def test_of_a_flag(self, subject, is_apart, make) -> None:
        flag = make.flag("RAD_GROSS", subject=subject)
        key = case_key(flag, declared={"CSQU3054383"}.__contains__, min_ocr_confidence="0.8")
        number = (subject.container_id or "").replace(" ", "").upper()
        assert key == (f"scan:{flag.scan_id}" if is_apart else number)

    def test_every_flag_of_a_scan_shares_its_key(self, make) -> None:
        flags = [
            make.flag(kind, scan_id="one", subject=Subject()) for kind in ("RAD_GROSS", "NEUTRON", "XRAY")
        ]
        assert {case_key(flag) for flag in flags} == {"scan:one"}

    def test_without_a_manifest_a_valid_number_is_enough(self, make) -> None:
        assert case_key(make.flag("XRAY", number=OTHER)) == OTHER

    def test_of_other_records(self, make) -> None:
        assert case_key(make.event("SEALED", 5), declared=lambda _: False) == make.box
        assert case_key(make.assessment()) == make.box


class TestNearNumbers:
    DECLARED = ("CSQU3054383", "CSQU3054833", "CSQU3054388", OTHER, "CSQU3045383")

    @pytest.mark.parametrize(
        ("read", "near"),
        [
            ("CSQU3054383", ("CSQU3045383", "CSQU3054383", "CSQU3054388", "CSQU3054833")),
            ("C5QU3054383", ("CSQU3054383",)),
            ("CSQU3O54383", ("CSQU3054383",)),
            ("SCQU3054383", ("CSQU3054383",)),
            ("csqu 305438 3", ("CSQU3045383", "CSQU3054383", "CSQU3054388", "CSQU3054833")),
            ("CSQU305438", ()),
            ("TTNU1234567", ()),
            ("", ()),
        ],
    )
    def test_one_wrong_character_or_one_swap(self, read, near) -> None:
        assert near_numbers(read, self.DECLARED) == near
        assert near_numbers(read, reversed(self.DECLARED)) == near


class TestDoubtfulScans:
    @pytest.mark.parametrize(
        ("codes", "risk"),
        [((), "UNKNOWN"), (("Q_SPEED",), "UNKNOWN"), (("RAD_GAMMA_NSIGMA",), "HIGH")],
    )
    def test_every_candidate_is_in_doubt(self, codes, risk, make, low_sure, join, look, outcome) -> None:
        doubtful = make.flag("RAD_GROSS", *codes, minutes=8, number="CSQU3054388")
        case = join(*low_sure, apart=[doubtful])
        assert case.doubtful_scans == (doubtful,)
        assert outcome(join(*low_sure)).risk == "LOW"
        assert outcome(case).risk == risk
        assert "ID_MISMATCH" in look(case).reason_codes

    def test_it_never_counts_as_screening(self, make, join, look) -> None:
        held = (make.assessment(), make.event("SEALED", 10))
        case = join(*held, apart=[make.flag("RAD_GROSS", number=None)])
        assert look(case).inputs.radiation is None

    def test_a_ruling_gives_the_scan_to_one_and_frees_the_other(
        self, make, low_sure, rule, join, outcome
    ) -> None:
        doubtful = make.flag("RAD_GROSS", "RAD_GAMMA_NSIGMA", minutes=8, number="CSQU3054388")
        mine, theirs = rule(doubtful.scan_id, make.box), rule(doubtful.scan_id, OTHER)
        case = join(*low_sure, mine, apart=[doubtful])
        assert (case.flags[-1], case.doubtful_scans, case.rulings) == (doubtful, (), (mine,))
        assert outcome(case).risk == "HIGH"
        freed = join(*low_sure, apart=[doubtful, theirs])
        assert (freed.doubtful_scans, outcome(freed).risk) == ((), "LOW")

    def test_a_low_scan_that_was_ruled_on_is_screening(self, make, rule, join, look) -> None:
        doubtful = make.flag("RAD_GROSS", number=None)
        case = join(make.assessment(), rule(doubtful.scan_id, make.box), apart=[doubtful])
        assert look(case).inputs.radiation == "LOW"

    def test_a_ruling_under_no_trusted_key_rules_nothing(self, make, low_sure, rule, join, look) -> None:
        doubtful = make.flag("RAD_GROSS", minutes=8, number=None)
        for container_id in (make.box, OTHER):
            case = join(*low_sure, apart=[doubtful, rule(doubtful.scan_id, container_id, by="stranger")])
            assert case.doubtful_scans == (doubtful,)
        case = join(rule(doubtful.scan_id, make.box), apart=[doubtful])
        assert "ID_MISMATCH" not in look(case).reason_codes
        distrusted = look(case, is_trusted=lambda record: record.schema == "riskflag/1")
        assert "ID_MISMATCH" in distrusted.reason_codes

    def test_where_officers_disagree_the_doubt_stays(self, make, low_sure, rule, join, outcome) -> None:
        doubtful = make.flag("RAD_GROSS", minutes=8, number=None)
        both = [doubtful, rule(doubtful.scan_id, make.box), rule(doubtful.scan_id, OTHER)]
        case = join(*low_sure, apart=both)
        assert (case.doubtful_scans, outcome(case).risk) == ((doubtful,), "UNKNOWN")

    def test_its_own_number_read_with_little_confidence_is_a_doubt(self, make, low_sure, join) -> None:
        unsure = make.flag("XRAY", minutes=8)
        assert join(*low_sure, unsure, apart=[unsure]).doubtful_scans == (unsure,)


def test_a_policys_confidence_holds_for_whatever_reached_the_case(make, join, look) -> None:
    sure = Subject(container_id=make.box, id_source="OCR", ocr_confidence="0.9")
    case = join(make.flag("RAD_GROSS", subject=sure))
    assert look(case, policy={"min_ocr_confidence": "0.9"}).inputs.radiation == "LOW"
    assert look(case, policy={"min_ocr_confidence": "0.95"}).inputs.radiation == "UNKNOWN"


def test_records_of_another_container_are_passed_over(make, join) -> None:
    strange = msgspec.structs.replace(make.event("TAMPER", 5), container_id=OTHER)
    assert join(make.event("SEALED", 10), strange).seal_events == (make.event("SEALED", 10),)
