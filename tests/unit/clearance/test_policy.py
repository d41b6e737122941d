from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import pytest

from screening.clearance import KeyRing, VerificationError, decide, default_policy, load_policy, sign_policy
from screening.clearance import policy as policy_module
from screening.clearance.policy import Policy, parse_policy
from screening.clearance.site_rules import read_as
from screening.clearance.whole_table import base_table, under_policy
from screening.errors import ConfigurationError, PolicyError
from screening.records import CaseInputs, Level, sha256_hex

TEXT = """\
id = "site"
version = "7"
max_flag_age_s = 3600
max_targeting_age_s = 7200
max_seal_reading_age_s = 1800
validity_s = 86400
"""


@pytest.fixture
def write(tmp_path):
    def write(text: str = TEXT):
        path = tmp_path / "policy.toml"
        path.write_text(text)
        return path

    return write


def test_the_default_has_a_hash_and_lowers_nothing() -> None:
    policy = default_policy()
    assert policy == default_policy()
    assert not policy.norm_low
    assert len(policy.ref.sha256) == 64


def test_a_signed_policy_loads(write, ops, keys) -> None:
    path = write()
    sign_policy(path, ops)
    policy = load_policy(path, keys)
    assert (policy.id, policy.version, policy.max_flag_age_s, policy.norm_low) == ("site", "7", 3600, False)
    assert policy.sha256 == policy.ref.sha256 == sha256_hex(path.read_bytes())


def test_a_policy_without_a_good_signature_does_not(write, ops, exercise, keys) -> None:
    path = write()
    with pytest.raises(ConfigurationError, match=r"policy\.toml\.sig"):
        load_policy(path, keys)
    sign_policy(path, ops)
    with pytest.raises(VerificationError, match=r"policy\.toml: .*not trusted"):
        load_policy(path, KeyRing([exercise.public]))
    path.write_text(TEXT + "norm_low = true\n")
    with pytest.raises(VerificationError, match="signature"):
        load_policy(path, keys)
    sign_policy(path, exercise)
    with pytest.raises(VerificationError, match="exercises only"):
        load_policy(path, keys)
    assert load_policy(path, keys, allow_exercise=True).norm_low


@pytest.mark.parametrize(
    "text",
    [
        TEXT + "unheard_of = 1\n",
        TEXT.replace("validity_s = 86400\n", ""),
        TEXT.replace("86400", "0"),
        TEXT.replace("86400", '"a day"'),
        TEXT.replace("86400", str(10**9)),
        TEXT + 'sha256 = "0"\n',
        "not toml",
    ],
)
def test_a_policy_that_says_too_much_or_too_little_is_not_signed(text, write, ops) -> None:
    with pytest.raises((ConfigurationError, PolicyError), match=r"policy\.toml"):
        sign_policy(write(text), ops)


def test_loading_runs_the_properties(write, ops, keys, monkeypatch) -> None:
    path = write()
    sign_policy(path, ops)

    def refuse() -> None:
        raise PolicyError("the decision table breaks: x")

    monkeypatch.setattr(policy_module, "check_properties", refuse)
    with pytest.raises(PolicyError, match="breaks"):
        load_policy(path, keys)
    with pytest.raises(PolicyError, match="breaks"):
        default_policy()


def load(more: str = "") -> Policy:
    return parse_policy((TEXT + more).encode(), "policy.toml")


@pytest.mark.parametrize(
    ("spoil", "failure"),
    [
        ({"is_revoked": True}, "REVOKED_KEY"),
        ({"kinds": ("riskflag/1",)}, "WRONG_KIND"),
        ({"expires": "2026-01-01T00:00:00.000Z"}, "EXPIRED_KEY"),
        ({"not_before": "2027-01-01T00:00:00.000Z"}, "NOT_YET_VALID"),
    ],
)
def test_a_key_that_may_not_sign_policies_signs_none(spoil, failure, write, ops) -> None:
    path = write()
    sign_policy(path, ops)
    ring = KeyRing([msgspec.structs.replace(ops.public, **spoil)])
    with pytest.raises(VerificationError) as caught:
        load_policy(path, ring, at=datetime(2026, 3, 1, tzinfo=UTC))
    assert caught.value.failure == failure
    good = KeyRing([msgspec.structs.replace(ops.public, kinds=("policy/1",))])
    assert load_policy(path, good, at=datetime(2026, 3, 1, tzinfo=UTC)).id == "site"


def test_a_signature_file_is_parsed_strictly(write, ops, keys) -> None:
    path = write()
    beside = sign_policy(path, ops)
    whole = beside.read_bytes()
    for spoiled in (b"", b"{}", whole[:-1] + b',"more":1}', whole[:-1] + b',"key_id":"x"}', b"\xff"):
        beside.write_bytes(spoiled)
        with pytest.raises(VerificationError, match=r"policy\.toml\.sig") as caught:
            load_policy(path, keys)
        assert caught.value.failure == "MALFORMED"


def test_a_file_that_is_not_there_is_named(tmp_path, ops, keys) -> None:
    for what in (lambda path: load_policy(path, keys), lambda path: sign_policy(path, ops)):
        with pytest.raises(ConfigurationError, match=r"absent\.toml: No such file"):
            what(tmp_path / "absent.toml")


def test_what_is_not_set_is_the_safe_way_round() -> None:
    policy = load()
    assert policy.required_steps == ("TARGETING", "SEAL", "RADIATION")
    assert policy.void_on == ("SEAL_BROKEN", "ROUTE_DEVIATION", "NEW_INTEL", "MODEL_REVOKED", "CAL_REVOKED")
    assert (policy.second_person, policy.max_revocation_list_age_s) == ("severe", 7 * 86400)
    assert (policy.needs_secondary_record, policy.needs_advance_data) == (False, False)
    assert policy.equivalent_policies == ()
    assert not policy.changes_the_table
    assert policy.max_detection_limit_mbq is policy.max_calibration_age_s is policy.max_clock_error_ms is None


def test_every_setting_is_taken() -> None:
    policy = load("""
max_calibration_age_s = 86400
max_background_age_s = 600
max_clock_error_ms = 500
max_detection_limit_mbq = "0.25"
min_ocr_confidence = "1"
required_steps = ["RADIATION", "SEAL", "TARGETING", "DESTUFF"]
void_on = []
second_person = "always"
needs_secondary_record = true
needs_advance_data = true
max_revocation_list_age_s = 3600
equivalent_policies = ["%s"]
[reads.severe]
false = true
[[rules]]
when = { severe = [true], transit = ["MISSING"] }
risk = "HIGH"
action = "HOLD"
name = "severe and not arrived"
""" % ("a" * 64))  # fmt: skip
    assert (policy.max_background_age_s, policy.max_detection_limit_mbq) == (600, "0.25")
    assert (policy.void_on, policy.equivalent_policies) == ((), ("a" * 64,))
    outcome = policy.decide(CaseInputs(severe=True))
    assert outcome == (Level.HIGH, "HOLD", "severe and not arrived")


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ("second_persn = 'always'", "unknown field `second_persn`"),
        ("second_person = 'never'", "second_person"),
        ("void_on = ['RAIN']", "void_on"),
        ("void_on = ['NEW_INTEL', 'NEW_INTEL']", "'void_on' names something twice"),
        ("required_steps = ['TARGETING', 'SEAL', 'RADIATION', 'PRAYER']", "PRAYER"),
        ("required_steps = ['SEAL', 'SEAL', 'TARGETING']", "'required_steps' names something twice"),
        ("max_background_age_s = 0", "max_background_age_s"),
        ("max_background_age_s = 1.5", "max_background_age_s"),
        ("max_clock_error_ms = 3600001", "max_clock_error_ms"),
        ("max_detection_limit_mbq = 1.5", "max_detection_limit_mbq"),
        ("max_detection_limit_mbq = '1e3'", "max_detection_limit_mbq"),
        ("max_detection_limit_mbq = '0.0'", "above 0"),
        ("max_detection_limit_mbq = 'none'", "max_detection_limit_mbq"),
        ("min_ocr_confidence = '1.1'", "from 0 to 1"),
        ("min_ocr_confidence = '-1'", "min_ocr_confidence"),
        ("equivalent_policies = ['abc']", "equivalent_policies"),
        ("needs_advance_data = 1", "needs_advance_data"),
        ("reads = 3", "reads"),
        ("[reads.weather]\nFINE = 'LOW'", "unknown input 'weather'; there are targeting, seal"),
        ("[reads.image]\nFOGGY = 'HIGH'", "'FOGGY' is no value of 'image'"),
        ("[reads.image]\nUNKNOWN = 'high'", "'high' is no value of 'image'; there are LOW"),
        ("[reads.image]\nUNKNOWN = true", "'true' is no value of 'image'"),
        ("[reads.image]\nUNKNOWN = 1", "reads"),
        ("[[rules]]\nwhen = {}\nrisk = 'HIGH'\naction = 'HOLD'", "at least one condition"),
        ("[[rules]]\nrisk = 'HIGH'\naction = 'HOLD'", "missing required field `when`"),
        ("[[rules]]\nwhen = { seal = [] }\nrisk = 'HIGH'\naction = 'HOLD'", "'when.seal' names no value"),
        ("[[rules]]\nwhen = { seals = ['BROKEN'] }\nrisk = 'HIGH'\naction = 'HOLD'", "unknown input 'seals'"),
        ("[[rules]]\nwhen = { seal = ['SO'] }\nrisk = 'HIGH'\naction = 'HOLD'", "'SO' is no value of 'seal'"),
        ("[[rules]]\nwhen = { seal = 'BROKEN' }\nrisk = 'HIGH'\naction = 'HOLD'", "when"),
        ("[[rules]]\nwhen = { seal = ['BROKEN'] }\nrisk = 'BAD'\naction = 'HOLD'", "'BAD'"),
        ("[[rules]]\nwhen = { seal = ['BROKEN'] }\nrisk = 'HIGH'\naction = 'RELEASE'", "'RELEASE'"),
        ("[[rules]]\nwhen = { seal = ['BROKEN'] }\nrisk = 'HIGH'\naction = 'HOLD'\nunless = 1", "`unless`"),
        ("#" + "x" * (1 << 18), "more than 262144 bytes"),
        ("deep = " + "[" * 100_000, "policy.toml"),
    ],
)  # fmt: skip
def test_a_policy_that_is_not_understood_is_refused(more, complaint) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(complaint)) as caught:
        load(more)
    assert str(caught.value).startswith("policy.toml: ")


@pytest.mark.parametrize(
    ("step", "complaint", "example"),
    [
        ("TARGETING", "targeting that is not LOW is resolved", '"targeting":null'),
        ("SEAL", "LOW needs a verified seal", '"seal":null'),
        ("RADIATION", "LOW needs radiation screening", '"radiation":null'),
    ],
)
def test_a_step_that_the_table_rests_on_cannot_be_left_out(step, complaint, example) -> None:
    steps = [name for name in ("TARGETING", "SEAL", "RADIATION", "IMAGE") if name != step]
    if step == "TARGETING":
        steps.remove("IMAGE")
    with pytest.raises(PolicyError) as caught:
        load(f"required_steps = {steps}")
    found = [str(broken) for broken in caught.value.value if complaint in broken.name]
    assert found
    assert example in found[0]


def test_a_step_left_out_counts_as_done_where_it_is_missing_or_read_as_missing() -> None:
    seal = read_as({"seal": {"UNVERIFIED": "MISSING"}}, ("TARGETING", "RADIATION"))
    assert seal == {"seal": {"UNVERIFIED": "VERIFIED", None: "VERIFIED"}}
    assert read_as({}, ("TARGETING", "SEAL", "RADIATION")) == {}


GOOD = CaseInputs(targeting=Level.LOW, seal="VERIFIED", radiation=Level.LOW, transit="NOT_MOVED")


class TestRequiredSteps:
    def under(self, *steps: str, **changes: object):
        policy = load(f"required_steps = {['TARGETING', 'SEAL', 'RADIATION', *steps]}")
        return policy.decide(msgspec.structs.replace(GOOD, **changes))

    def test_an_image_of_every_box(self) -> None:
        assert decide(GOOD).risk == "LOW"
        assert self.under("IMAGE") == (Level.UNKNOWN, "REFER_NII", "the site requires IMAGE")
        assert self.under("IMAGE", image="LOW").action == "CLEARED_FOR_DEPARTURE"
        assert self.under("IMAGE", destuff="CLEAN").action == "CLEARED_FOR_DEPARTURE"

    def test_it_is_asked_for_before_a_new_seal(self) -> None:
        assert self.under("IMAGE", seal="UNVERIFIED").action == "REFER_NII"
        assert self.under("IMAGE", seal="UNVERIFIED", image="LOW").action == "RESEAL"

    def test_every_box_opened(self) -> None:
        assert self.under("DESTUFF", image="LOW").action == "REFER_DESTUFF"
        assert self.under("DESTUFF", destuff="CLEAN").action == "CLEARED_FOR_DEPARTURE"

    def test_every_alarm_measured(self) -> None:
        alarm = {"radiation": Level.HIGH, "image": "LOW"}
        assert self.under(adjudication="INNOCENT_PAPER", **alarm).risk == "LOW"
        assert self.under("SECONDARY_RAD").risk == "LOW"
        on_paper = self.under("SECONDARY_RAD", adjudication="INNOCENT_PAPER", **alarm)
        assert on_paper[:2] == (Level.UNKNOWN, "REFER_SECONDARY_RAD")
        assert self.under("SECONDARY_RAD", adjudication="INNOCENT_MEASURED", **alarm).risk == "LOW"

    def test_an_arrival_is_asked_of_a_box_that_moved_anyway(self) -> None:
        assert self.under("ARRIVAL") == decide(GOOD)
        assert self.under("ARRIVAL", transit="GAP") == decide(msgspec.structs.replace(GOOD, transit="GAP"))

    def test_all_of_them_are_asked_for_in_turn(self) -> None:
        steps, alarm = ("DESTUFF", "IMAGE", "SECONDARY_RAD"), {"radiation": Level.HIGH, "image": "LOW"}
        assert self.under(*steps, adjudication="INNOCENT_PAPER", **alarm).action == "REFER_SECONDARY_RAD"
        assert self.under(*steps).action == "REFER_NII"
        assert self.under(*steps, image="LOW").action == "REFER_DESTUFF"
        whole = under_policy(base_table(), reads={}, rules=(), required_steps=steps)
        alone = [under_policy(base_table(), reads={}, rules=(), required_steps=(step,)) for step in steps]
        is_asked = [(one.action != base_table().action) for one in alone]
        for one, asked, earlier in zip(alone, is_asked, (is_asked[1] | is_asked[2], is_asked[2], False),
                                       strict=True):  # fmt: skip
            first = asked & ~np.asarray(earlier)
            assert first.any()
            assert (whole.action[first] == one.action[first]).all()

    def test_they_take_nothing_from_bad_news(self) -> None:
        assert self.under("IMAGE", "DESTUFF", seal="BROKEN")[:2] == (Level.HIGH, "HOLD")


def test_a_reading_counts_for_the_table_and_not_for_the_rules() -> None:
    policy = load("""
[reads.image]
UNKNOWN = "HIGH"
[[rules]]
when = { image = ["HIGH"], targeting = ["HIGH"] }
risk = "HIGH"
action = "HOLD"
""")
    unclear = msgspec.structs.replace(GOOD, image="UNKNOWN", targeting=Level.HIGH)
    assert decide(unclear)[:2] == (Level.UNKNOWN, "REFER_DESTUFF")
    assert policy.decide(unclear)[:2] == (Level.HIGH, "REFER_DESTUFF")
    shown = msgspec.structs.replace(unclear, image="HIGH")
    assert policy.decide(shown) == (Level.HIGH, "HOLD", "rule 1 of the site")


def test_the_first_rule_that_fits_answers() -> None:
    rule = "[[rules]]\nwhen = {{ destuff = ['MISSING'], image = ['HIGH'] }}\nrisk = 'HIGH'\naction = '{}'\n"
    policy = load(rule.format("HOLD") + rule.format("REFER_DESTUFF"))
    assert policy.decide(msgspec.structs.replace(GOOD, image="HIGH")).rule == "rule 1 of the site"


def test_two_policies_in_one_process_know_nothing_of_each_other() -> None:
    strict = load("required_steps = ['TARGETING', 'SEAL', 'RADIATION', 'IMAGE']")
    plain = load()
    for _ in range(2):
        assert strict.decide(GOOD).action == "REFER_NII"
        assert plain.decide(GOOD).action == "CLEARED_FOR_DEPARTURE"
    assert strict.ref != plain.ref


def test_the_example_of_the_document_loads(repository: Path) -> None:
    text = (repository / "docs" / "policy.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"<!-- policy: example -->\n```toml\n(.+?)```", text, re.DOTALL)
    policy = parse_policy(example.encode(), "docs/policy.md")
    measured = {"radiation": Level.HIGH, "image": "LOW", "adjudication": "INNOCENT_MEASURED"}
    assert policy.decide(msgspec.structs.replace(GOOD, **measured)).action == "CLEARED_FOR_DEPARTURE"
    on_paper = {**measured, "adjudication": "INNOCENT_PAPER"}
    assert policy.decide(msgspec.structs.replace(GOOD, **on_paper)).action == "REFER_SECONDARY_RAD"
    suspicious = {"targeting": Level.HIGH, "image": "LOW"}
    assert decide(msgspec.structs.replace(GOOD, **suspicious)).risk == "LOW"
    opened = policy.decide(msgspec.structs.replace(GOOD, **suspicious))
    assert opened == (Level.UNKNOWN, "REFER_DESTUFF", "high targeting is opened")


def test_the_document_names_every_setting(repository: Path) -> None:
    lines = (repository / "docs" / "policy.md").read_text(encoding="utf-8").splitlines()
    table = "\n".join(line.split("|")[1] for line in lines if line.startswith("| `"))
    settings = {field.name for field in msgspec.structs.fields(Policy)} - {"sha256"}
    assert {name for name in settings if f"`{name}`" not in table} == set()
