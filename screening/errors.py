"""The errors of the package: a small closed family, each carrying the value that offended.

Every error has a one-line message fit for a user, and a reason code (see
:class:`screening.records.ReasonCode`) under which a scan that met it is reported as UNKNOWN.
"""

from __future__ import annotations

__all__ = [
    "ConfigurationError",
    "FormatError",
    "IntegrityError",
    "ModelError",
    "ModelUnverifiedError",
    "PolicyError",
    "ResourceLimitError",
    "ScreeningError",
    "StoreError",
    "UnrecognisedFormatError",
]


class ScreeningError(Exception):
    """Base of every error raised on purpose by this package.

    Parameters
    ----------
    message : str
        One line that names what was wrong, for a person.
    value : object, optional
        The value that offended.

    Attributes
    ----------
    value : object
        The value that offended, or None.
    reason : str
        Reason code under which the scan is reported UNKNOWN.
    """

    reason = "INPUT_CORRUPT"

    def __init__(self, message: str, *, value: object = None) -> None:
        super().__init__(message)
        self.value = value


class FormatError(ScreeningError):
    """Bytes of a recognised format that break its rules."""


class UnrecognisedFormatError(FormatError):
    """Bytes that no reader recognises; the message names the readers tried."""


class ResourceLimitError(FormatError):
    """An input that exceeds a size, depth, memory or time limit."""


class IntegrityError(ScreeningError):
    """Bytes whose hash or signature is not what was promised."""


class ModelError(ScreeningError):
    """A model that is missing, unverified or failed to answer."""

    reason = "MODEL_ERROR"


class ConfigurationError(ScreeningError):
    """A setting that is unknown, missing or out of range."""

    reason = "MODEL_ERROR"


class PolicyError(ScreeningError):
    """A clearance policy that breaks a property of the decision table."""

    reason = "STEP_SKIPPED"


class StoreError(ScreeningError):
    """A result store, spool or archive that cannot be written or read."""


class ModelUnverifiedError(ModelError):
    """A model whose bytes are not what its card promises, or that the site does not allow."""

    reason = "MODEL_UNVERIFIED"
