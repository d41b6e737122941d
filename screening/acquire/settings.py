"""Settings of the live service: plain arguments, read from the ``[acquire]`` table of a site's file.

The process that reads sockets reads this table alone: the analysis settings of the same file would
bring the analysis packages with them, and those belong to the children.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from screening.errors import ConfigurationError
from screening.records import OperatingMode

__all__ = ["SILENCE_S", "AcquireSettings", "LaneSettings", "read_acquire_settings"]

#: Silence that no live instrument keeps: between the heartbeats of a lane, or inside a scan.
SILENCE_S = 30.0

DECISIONS = "decisions"
_PLACES = (
    "spool", "archive", "store", "events", "decisions", "key_file", "policy", "cases", "clearance_token_file",
    "clearance_ca_file",
)  # fmt: skip

Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=86400)]
Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]{1,64}$")]


class LaneSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One instrument of one lane.

    Attributes
    ----------
    name : str
        Name of the instrument's lane, unique in the site.
    kind : {"rpm", "n42", "linestream"}
        What it speaks: portal lines, framed N42 documents, framed image lines.
    port : int
        Port of the instrument, which is the server.
    host : str
        Its address.
    identity_port : int or None
        Port of the lane's identity feed; None: its scans have no container.
    identity_host : str or None
        Address of that feed; None: the instrument's.
    make, model : str or None
        The instrument, as the site names it.
    idle_timeout_s : float or None
        Silence after which the connection is taken for dead, seconds; None: what suits the kind,
        see `idle_limit_s`.
    scan_limit_s : float
        Length beyond which a scan is ended, incomplete: an occupancy that is stuck never ends.
    resend_wait_s : float
        How long to wait, after a broken connection, for a scanner to send its scan again.
    """

    name: Name
    kind: Literal["rpm", "n42", "linestream"]
    port: Port
    host: str = "127.0.0.1"
    identity_port: Port | None = None
    identity_host: str | None = None
    make: str | None = None
    model: str | None = None
    idle_timeout_s: Seconds | None = None
    scan_limit_s: Seconds = 600.0
    resend_wait_s: Seconds = 30.0

    @property
    def modality(self) -> Literal["radiation", "radiograph"]:
        """Which analysis the instrument's scans ask for."""
        return "radiograph" if self.kind == "linestream" else "radiation"

    @property
    def idle_limit_s(self) -> float | None:
        """Silence between scans after which the connection is taken for dead; None: any is allowed.

        Image scanners send heartbeats and portals their background every few seconds. What sends
        documents says nothing at all while there is no traffic.
        """
        if self.idle_timeout_s is not None:
            return self.idle_timeout_s
        return None if self.kind == "n42" else SILENCE_S


class AcquireSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The live service of one acquisition PC.

    Attributes
    ----------
    site : str
        Name of the site.
    lanes : tuple of LaneSettings
        Its instruments.
    spool, archive, store : str
        Folders of the spool and the archive, file of the result store; relative to the settings' file.
    events : str or None
        File that the service's events are appended to, one JSON object a line; None: none.
    decisions : str or None
        Folder for signed decisions as files; ``decisions`` unless the table names another, None
        without a key: nothing is decided then.
    mode : OperatingMode
        Only Ops can clear cargo.
    key_file : str or None
        Signing key; None: flags stay unsealed, and nothing is decided on them.
    clearance_url : str or None
        Clearance service of the site, where the flags of several PCs meet; None: decide in this process.
    clearance_token_file : str or None
        File with the bearer token for that service.
    clearance_ca_file : str or None
        Certificates that service's own is verified with; None: those of the system.
    cases : str
        File of the cases and the ledger, where this process decides.
    administration : str
        Who decides.
    trusted_keys : tuple of str
        Files of public keys whose statements count beside the site's own.
    policy : str or None
        Signed policy file; None: the default policy.
    required : tuple of str
        Lanes a container must have passed before its case is decided; empty: all of them.
    case_deadline_s : float
        How long it waits after its last scan; then it is decided on what there is.
    n_worker : int
        Analysis children.
    analysis_deadline_s : float
        Time one scan's analysis may take; then its child is ended and the scan is UNKNOWN, TIMEOUT.
    start_deadline_s : float
        Time a child may take to start.
    queue_limit : int
        Scans waiting for analysis beyond which the lanes stop reading.
    scan_limit_bytes : int
        Size beyond which a scan is ended, incomplete.
    """

    site: Name
    lanes: tuple[LaneSettings, ...]
    spool: str = "spool"
    archive: str = "archive"
    store: str = "results.sqlite"
    events: str | None = "events.jsonl"
    decisions: str | None = None
    mode: OperatingMode = OperatingMode.OPS
    key_file: str | None = None
    clearance_url: str | None = None
    clearance_token_file: str | None = None
    clearance_ca_file: str | None = None
    cases: str = "cases.sqlite"
    administration: str = "site"
    trusted_keys: tuple[str, ...] = ()
    policy: str | None = None
    required: tuple[str, ...] = ()
    case_deadline_s: Seconds = 900.0
    n_worker: Annotated[int, msgspec.Meta(ge=1, le=64)] = 1
    analysis_deadline_s: Seconds = 30.0
    start_deadline_s: Seconds = 60.0
    queue_limit: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 256
    scan_limit_bytes: Annotated[int, msgspec.Meta(ge=1 << 20)] = 512 << 20

    def __post_init__(self) -> None:
        names = [lane.name for lane in self.lanes]
        if not names or len(set(names)) != len(names):
            raise ValueError(f"lanes need names, each once, got {names}")
        if self.clearance_url is not None and self.key_file is None:
            raise ValueError("clearance_url needs a key_file: the service takes sealed flags alone")
        if strangers := set(self.required) - set(names):
            raise ValueError(f"required names no lane of the site: {', '.join(sorted(strangers))}")


def read_acquire_settings(path: Path) -> tuple[AcquireSettings, str]:
    """Read the ``[acquire]`` table of a site's settings.

    Parameters
    ----------
    path : Path
        The TOML file; relative paths in the table are taken from its folder.

    Returns
    -------
    settings : AcquireSettings
        The table, with absolute paths.
    text : str
        The whole file, as the analysis children are given it.

    Raises
    ------
    ConfigurationError
        If the file cannot be read, or the table is missing, has an unknown key or a wrong value.
    """
    try:
        text = path.read_text(encoding="utf-8")
        table: Any = tomllib.loads(text).get("acquire")
        if table is None:
            raise ConfigurationError(f"{path.name}: there is no [acquire] table", value=path.name)
        settings = msgspec.convert(table, AcquireSettings)
    except OSError as error:
        raise ConfigurationError(f"{path.name}: cannot be read ({error.strerror})", value=path.name) from None
    except ValueError as error:  # of which TOML, Unicode and validation errors are kinds
        raise ConfigurationError(f"{path.name}: {error}", value=path.name) from None
    if settings.key_file is not None and settings.decisions is None:
        settings = msgspec.structs.replace(settings, decisions=DECISIONS)
    folder = path.resolve().parent
    given = {name: getattr(settings, name) for name in _PLACES}
    absolute = {name: str(folder / value) for name, value in given.items() if value is not None}
    keys = tuple(str(folder / name) for name in settings.trusted_keys)
    return msgspec.structs.replace(settings, trusted_keys=keys, **absolute), text
