"""One frozen settings model from one TOML file; unknown keys are refused.

Components never read settings: :mod:`screening.assembly` hands them plain arguments.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import msgspec

from screening.errors import ConfigurationError
from screening.radiation import RadiationSettings
from screening.radiography import RadiographySettings
from screening.records import sha256_hex

__all__ = ["ModelSettings", "Settings", "load_settings", "settings_sha256"]


class ModelSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which models may speak.

    Attributes
    ----------
    folder : str or None
        Folder of model folders; None: the installed ones.
    allowed : tuple of str or None
        sha256 of each model the site allows; None: every model whose card verifies.
    """

    folder: str | None = None
    allowed: tuple[str, ...] | None = None


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of a site.

    Attributes
    ----------
    radiation : RadiationSettings
        Portal analysis.
    radiography : RadiographySettings
        Image analysis.
    models : ModelSettings
        Models.
    acquire : dict
        The ``[acquire]`` table, read by the live service alone.
    clearance : dict
        The ``[clearance]`` table, read by the desk alone.
    """

    radiation: RadiationSettings = RadiationSettings()
    radiography: RadiographySettings = RadiographySettings()
    models: ModelSettings = ModelSettings()
    acquire: dict[str, Any] = {}
    clearance: dict[str, Any] = {}


def load_settings(path: Path | None) -> Settings:
    """Read settings.

    Parameters
    ----------
    path : Path or None
        A TOML file; None: the defaults.

    Returns
    -------
    Settings
        The settings.

    Raises
    ------
    ConfigurationError
        If the file cannot be read, is no TOML, or has an unknown key or a value of a wrong type.
    """
    if path is None:
        return Settings()
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Settings)
    except OSError as error:
        raise ConfigurationError(f"{path.name}: cannot be read ({error.strerror})", value=path.name) from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError, ValueError) as error:
        raise ConfigurationError(f"{path.name}: {error}", value=path.name) from None


def settings_sha256(settings: Settings) -> str:
    """Return the hash of what in the settings can change a flag.

    Parameters
    ----------
    settings : Settings
        The settings.

    Returns
    -------
    str
        sha256 over radiation, radiography and models (without the folder, which is only a place).
    """
    body = [settings.radiation, settings.radiography, settings.models.allowed]
    return sha256_hex(msgspec.json.encode(body, order="deterministic"))
