"""What one administration's policy sets, and the decision table as that policy applies it.

The table itself is no matter of policy: it is the floor. A policy may ask for more and read doubt as
danger, never for less. Its file is taken only with a detached signature of a trusted key, and only
while the table under it holds all its properties over every combination of inputs.
"""

from __future__ import annotations

import tomllib
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from screening.errors import ConfigurationError, IntegrityError, PolicyError
from screening.records import CaseInputs, PolicyRef, parse_strict, sha256_hex

from .keys import KeyRing, Signer, VerificationError
from .properties import check_properties, check_under_policy, keeps_to_the_floor
from .signatures import verify_content
from .site_rules import NEEDED, SiteRule, StepName, decide_under, read_as, value_of, withheld
from .table import Outcome, decide

__all__ = [
    "Policy",
    "VoidEvent",
    "default_policy",
    "load_policy",
    "parse_policy",
    "read_policy",
    "sign_policy",
]

VoidEvent = Literal["SEAL_BROKEN", "ROUTE_DEVIATION", "NEW_INTEL", "MODEL_REVOKED", "CAL_REVOKED"]

_SCHEMA = "policy/1"
_MAX_BYTES = 1 << 18
_Seconds = Annotated[int, msgspec.Meta(gt=0, le=366 * 86400)]
_Milliseconds = Annotated[int, msgspec.Meta(gt=0, le=3_600_000)]
_Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
_Decimal = Annotated[str, msgspec.Meta(pattern=r"^(0|[1-9][0-9]{0,8})(\.[0-9]{1,9})?$")]

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
    max_calibration_age_s, max_background_age_s : int or None
        Age of a flag's calibration and background from which its LOW is UNKNOWN, seconds; None leaves
        it at what the lane was set to.
    max_clock_error_ms : int or None
        The same for what the lane's clock may be off, milliseconds.
    max_detection_limit_mbq : str or None
        The same for the detection limit behind a radiation LOW, MBq of Cs-137, a decimal string.
    min_ocr_confidence : str or None
        Confidence below which a container number read by a camera is in doubt, a decimal string from
        0 to 1.
    required_steps : tuple of str
        What has to be done of every container. TARGETING, SEAL and RADIATION are what the table rests on.
    void_on : tuple of str
        What voids a decision before it expires.
    second_person : {"severe", "always"}
        Which conclusions on an alarm take a second person: those on severe ones and behind a hiding
        place, or all.
    needs_secondary_record : bool
        Whether a conclusion by measurement counts only with the sealed record of that measurement.
    needs_advance_data : bool
        Whether a targeting result counts only with the advance data it rests on.
    arrival_window_s : int or None
        How long after its decision a container that was cleared for departure may be on its way without a
        journey that says it, seconds; None: until that decision expires.
    max_revocation_list_age_s : int
        Age from which a revocation list no longer tells that nothing was revoked, seconds.
    equivalent_policies : tuple of str
        Hashes of other administrations' policies that this one takes for equivalent.
    reads : dict of str to dict of str to str or bool
        For an input of the table, the values it reads as others ("MISSING": not there).
    rules : tuple of SiteRule
        The site's own rules, tried before the table.
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
    max_calibration_age_s: _Seconds | None = None
    max_background_age_s: _Seconds | None = None
    max_clock_error_ms: _Milliseconds | None = None
    max_detection_limit_mbq: _Decimal | None = None
    min_ocr_confidence: _Decimal | None = None
    required_steps: tuple[StepName, ...] = ("TARGETING", "SEAL", "RADIATION")
    void_on: tuple[VoidEvent, ...] = (
        "SEAL_BROKEN",
        "ROUTE_DEVIATION",
        "NEW_INTEL",
        "MODEL_REVOKED",
        "CAL_REVOKED",
    )
    second_person: Literal["severe", "always"] = "severe"
    needs_secondary_record: bool = False
    needs_advance_data: bool = False
    arrival_window_s: _Seconds | None = None
    max_revocation_list_age_s: _Seconds = 7 * 86400
    equivalent_policies: tuple[_Sha256, ...] = ()
    reads: dict[str, dict[str, str | bool]] = {}
    rules: tuple[SiteRule, ...] = ()
    sha256: str = ""

    def __post_init__(self) -> None:
        for name in ("required_steps", "void_on", "equivalent_policies"):
            values = getattr(self, name)
            if len(set(values)) != len(values):
                raise ValueError(f"'{name}' names something twice")
        for name, changes in self.reads.items():
            for word, other in changes.items():
                try:
                    value_of(name, word), value_of(name, other)
                except ValueError as error:
                    raise ValueError(f"'reads': {error}") from None
        limit, confidence = self.max_detection_limit_mbq, self.min_ocr_confidence
        if limit is not None and Decimal(limit) == 0:
            raise ValueError("'max_detection_limit_mbq' must be above 0")
        if confidence is not None and Decimal(confidence) > 1:
            raise ValueError("'min_ocr_confidence' is a number from 0 to 1")

    @property
    def ref(self) -> PolicyRef:
        """How a decision names the policy.

        Returns
        -------
        PolicyRef
            Name, version and hash.
        """
        return PolicyRef(id=self.id, version=self.version, sha256=self.sha256)

    @property
    def changes_the_table(self) -> bool:
        """Whether the table may answer otherwise under this policy than alone.

        Returns
        -------
        bool
            False where only ages, thresholds and terms are set.
        """
        is_complete = frozenset(NEEDED) <= frozenset(self.required_steps)
        return bool(self.reads or self.rules or withheld(self.required_steps)) or not is_complete

    def decide(self, inputs: CaseInputs) -> Outcome:
        """Return what follows from a container's evidence under this policy.

        Parameters
        ----------
        inputs : CaseInputs
            The evidence of the current seal epoch.

        Returns
        -------
        Outcome
            Risk, action, and the rule that matched. Never below the table: a policy that was loaded
            has been checked for that, and one that was not answers as the table where it would be.
        """
        if not self.changes_the_table:
            return decide(inputs)
        outcome = decide_under(
            inputs,
            reads=read_as(self.reads, self.required_steps),
            rules=self.rules,
            required_steps=self.required_steps,
        )
        return outcome if keeps_to_the_floor(inputs, outcome[:2]) else decide(inputs)


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
    return parse_policy(_DEFAULT, "default policy")


def parse_policy(data: bytes, name: str = "policy") -> Policy:
    """Return the policy of a text, checked but whoever wrote it.

    Parameters
    ----------
    data : bytes
        TOML.
    name : str
        How messages name it.

    Returns
    -------
    Policy
        The policy. Nobody vouches for it: a site decides only under a policy from `load_policy`.

    Raises
    ------
    ConfigurationError
        If a setting is unknown, missing or out of range.
    PolicyError
        If the decision table under it breaks a property.
    """
    if len(data) > _MAX_BYTES:
        raise ConfigurationError(f"{name}: more than {_MAX_BYTES} bytes", value=len(data))
    try:
        settings = tomllib.loads(data.decode("utf-8"))
        if "sha256" in settings:
            raise PolicyError(f"{name}: sha256 is computed, not set", value=settings["sha256"])
        policy = msgspec.convert({**settings, "sha256": sha256_hex(data)}, type=Policy)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError, RecursionError) as error:
        raise ConfigurationError(f"{name}: {error}", value=name) from None
    check_properties()
    if policy.changes_the_table:
        check_under_policy(
            reads=read_as(policy.reads, policy.required_steps),
            rules=policy.rules,
            required_steps=policy.required_steps,
            name=name,
        )
    return policy


def read_policy(path: Path) -> Policy:
    """Return the policy of a file, checked but whoever wrote it; see `parse_policy`.

    Parameters
    ----------
    path : Path
        TOML.

    Returns
    -------
    Policy
        The policy.

    Raises
    ------
    ConfigurationError
        If the file cannot be read, or a setting is unknown, missing or out of range.
    PolicyError
        If the decision table under it breaks a property.
    """
    return parse_policy(_read(path), path.name)


def load_policy(
    path: Path, keys: KeyRing, *, allow_exercise: bool = False, at: datetime | None = None
) -> Policy:
    """Return the policy of a signed file.

    Parameters
    ----------
    path : Path
        TOML; its signature stands beside it with the suffix ``.sig``.
    keys : KeyRing
        The keys trusted to sign policies.
    allow_exercise : bool
        Whether an exercise key counts.
    at : datetime or None
        Time at which the key has to be valid, aware; None leaves its validity unchecked. The signature
        tells no time of its own.

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
        If the decision table under it breaks a property.
    """
    data, signed = _read(path), _read(_beside(path))
    try:
        mark = parse_strict(signed, _Signature)
    except IntegrityError as error:
        raise VerificationError(f"{_beside(path).name}: {error}", "MALFORMED", value=error.value) from None
    try:
        verify_content(_SCHEMA, data, mark.key_id, mark.signature, keys, allow_exercise=allow_exercise, at=at)
    except VerificationError as error:
        raise VerificationError(f"{path.name}: {error}", error.failure, value=error.value) from None
    return parse_policy(data, path.name)


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
        If the file cannot be read, or a setting is unknown, missing or out of range.
    PolicyError
        If the decision table under it breaks a property.
    """
    data = _read(path)
    parse_policy(data, path.name)
    mark = _Signature(key_id=signer.key_id, signature=signer.sign(_SCHEMA, data))
    beside = _beside(path)
    beside.write_bytes(msgspec.json.encode(mark))
    return beside


def _beside(path: Path) -> Path:
    return path.with_name(path.name + ".sig")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path.name}: {error.strerror}", value=str(path)) from None
