from __future__ import annotations

import pytest

from screening.clearance import KeyRing, VerificationError, default_policy, load_policy, sign_policy
from screening.clearance import policy as policy_module
from screening.errors import ConfigurationError, PolicyError
from screening.records import sha256_hex

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
