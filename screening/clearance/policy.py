"""What one administration's policy sets: how old evidence may be, and how long a decision holds.

The decision table itself is no matter of policy. A policy file is taken only with a detached
signature of a trusted key, and only while the table holds its properties.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated

import msgspec

from screening.errors import ConfigurationError, PolicyError
from screening.records import PolicyRef, parse_strict, sha256_hex

from .keys import KeyRing, Signer, VerificationError
from .properties import check_properties
from .signatures import verify_content

__all__ = ["Policy", "default_policy", "load_policy", "sign_policy"]

_SCHEMA = "policy/1"
_Seconds = Annotated[int, msgspec.Meta(gt=0, le=366 * 86400)]

#: In force where a site has set nothing: a day for measurements, three for targeting.
_DEFAULT = b"""\
id = "default"
version = "1"
max_flag_age_s = 86400
max_targeting_age_s = 259200
max_seal_reading_age_s = 86400
validity_s = 259200
norm_low = false
"""


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A policy as loaded.

    Attributes
    ----------
    id, version : str
        Its name.
    max_flag_age_s : int
        Age at which a flag no longer counts as evidence for LOW, seconds.
    max_targeting_age_s : int
        The same for a targeting assessment.
    max_seal_reading_age_s : int
        The same for the last reading of a seal.
    validity_s : int
        How long a decision holds, seconds.
    norm_low : bool
        Whether an alarm explained by NORM alone may count as LOW; see docs/clearance.md for what else
        it takes.
    sha256 : str
        Hash of the file's bytes.
    """

    id: str
    version: str
    max_flag_age_s: _Seconds
    max_targeting_age_s: _Seconds
    max_seal_reading_age_s: _Seconds
    validity_s: _Seconds
    norm_low: bool = False
    sha256: str = ""

    @property
    def ref(self) -> PolicyRef:
        """How a decision names the policy.

        Returns
        -------
        PolicyRef
            Name, version and hash.
        """
        return PolicyRef(id=self.id, version=self.version, sha256=self.sha256)


class _Signature(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    key_id: str
    signature: str


def default_policy() -> Policy:
    """Return the policy in force where a site has set none.

    Returns
    -------
    Policy
        The default, from its own TOML text, so that it has a hash like any other.

    Raises
    ------
    PolicyError
        If the decision table breaks a property.
    """
    return _policy(_DEFAULT, "default policy")


def load_policy(path: Path, keys: KeyRing, *, allow_exercise: bool = False) -> Policy:
    """Return the policy of a signed file.

    Parameters
    ----------
    path : Path
        TOML; its signature stands beside it with the suffix ``.sig``.
    keys : KeyRing
        The keys trusted to sign policies.
    allow_exercise : bool
        Whether an exercise key counts.

    Returns
    -------
    Policy
        The policy.

    Raises
    ------
    ConfigurationError
        If a file cannot be read, or a setting is unknown, missing or out of range.
    VerificationError
        If the signature does not hold.
    PolicyError
        If the decision table breaks a property.
    """
    beside = path.with_name(path.name + ".sig")
    try:
        data, signed = path.read_bytes(), beside.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{Path(error.filename).name}: {error.strerror}", value=str(path)) from None
    mark = parse_strict(signed, _Signature)
    try:
        verify_content(_SCHEMA, data, mark.key_id, mark.signature, keys, allow_exercise=allow_exercise)
    except VerificationError as error:
        raise VerificationError(f"{path.name}: {error}", error.failure, value=error.value) from None
    return _policy(data, path.name)


def sign_policy(path: Path, signer: Signer) -> Path:
    """Write the detached signature of a policy file.

    Parameters
    ----------
    path : Path
        The policy; it must load.
    signer : Signer
        The key.

    Returns
    -------
    Path
        The signature file.

    Raises
    ------
    ConfigurationError
        If a setting is unknown, missing or out of range.
    PolicyError
        If the decision table breaks a property.
    """
    data = path.read_bytes()
    _policy(data, path.name)
    mark = _Signature(key_id=signer.key_id, signature=signer.sign(_SCHEMA, data))
    beside = path.with_name(path.name + ".sig")
    beside.write_bytes(msgspec.json.encode(mark))
    return beside


def _policy(data: bytes, name: str) -> Policy:
    try:
        settings = tomllib.loads(data.decode("utf-8"))
        if "sha256" in settings:
            raise PolicyError(f"{name}: sha256 is computed, not set", value=settings["sha256"])
        policy = msgspec.convert({**settings, "sha256": sha256_hex(data)}, type=Policy)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigurationError(f"{name}: {error}", value=name) from None
    check_properties()
    return policy
