"""Settings of a site's clearance: plain arguments, read from the ``[clearance]`` table of its file.

Nothing here opens a database or a socket: `screening.clearance.opening` and the service do.
"""

from __future__ import annotations

import tomllib
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from screening.errors import ConfigurationError

__all__ = [
    "ClearanceSettings",
    "HttpSettings",
    "LimitSettings",
    "SinkSettings",
    "TokenScope",
    "TokenSettings",
    "is_loopback",
    "read_clearance_settings",
]

TokenScope = Literal["read", "officer", "admin", "send"]
Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=366 * 86400)]
Count = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]

_POSTGRESQL = ("postgresql:", "postgresql+psycopg:", "postgres:")
_PLACES = ("key_file", "policy", "heads")
_LISTS_OF_PLACES = ("trusted_keys", "revocations")


def is_loopback(host: str) -> bool:
    """Tell whether an address is reached from the same machine alone.

    Parameters
    ----------
    host : str
        Address, or ``localhost``; any other name may mean anything and is none.

    Returns
    -------
    bool
        True for loopback.
    """
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class TokenSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A bearer token, by its hash: the settings never hold the token itself.

    Attributes
    ----------
    name : str
        Whose it is; limits are counted under it, and logs name it.
    sha256 : str
        sha256 of the token's bytes, hexadecimal. A token is 32 random bytes or more: nothing slower
        than one hash stands between it and a guess.
    scopes : tuple of {"read", "officer", "admin", "send"}
        What it may do. ``officer`` and ``admin`` may read, too; ``send`` may only post records.
    expires : str or None
        End of its validity, RFC 3339 with a zone; None for no end.
    """

    name: Name
    sha256: Sha256
    scopes: tuple[TokenScope, ...]
    expires: str | None = None

    def __post_init__(self) -> None:
        if not self.scopes:
            raise ValueError(f"token {self.name} has no scope")
        if self.expires is not None and datetime.fromisoformat(self.expires).tzinfo is None:
            raise ValueError(f"token {self.name}: expires needs a zone, got {self.expires!r}")


class LimitSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one client may ask of the service.

    Attributes
    ----------
    body_bytes : int
        Size of a body beyond which it is refused, 413.
    records_per_post : int
        Records in one post.
    body_timeout_s : float
        Time in which a whole body must have come, seconds.
    header_bytes : int
        Size of a request's line and headers.
    requests_per_s : float
        Requests of one token, or of one address without a token, on average; beyond it 429.
    burst : int
        Requests it may make at once.
    connections : int
        Connections open at once, over all clients.
    connections_per_address : int
        Of these, how many one address may have; a proxy in front is one address.
    streams : int
        Streams of decisions open at once, over all clients.
    stream_s : float
        Length of a stream, seconds; its reader then comes back with the last event it saw.
    page_size : int
        Entries in one answer, at most.
    """

    body_bytes: Annotated[int, msgspec.Meta(ge=1024, le=64 << 20)] = 4 << 20
    records_per_post: Annotated[int, msgspec.Meta(ge=1, le=4096)] = 256
    body_timeout_s: Seconds = 10.0
    header_bytes: Annotated[int, msgspec.Meta(ge=4096, le=1 << 20)] = 16 << 10
    requests_per_s: Annotated[float, msgspec.Meta(gt=0, le=1e6)] = 200.0
    burst: Count = 400
    connections: Count = 256
    connections_per_address: Count = 128
    streams: Count = 32
    stream_s: Seconds = 3600.0
    page_size: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 200


class HttpSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the service listens, and whom it answers.

    Attributes
    ----------
    host : str
        Address to listen on; any other than loopback needs TLS.
    port : int
        Port; 0 for any that is free.
    tls_certificate, tls_key : str or None
        Certificate chain and private key, PEM; both or none.
    tls_client_ca : str or None
        Certificates of which one must have issued a client's certificate; None: clients need none.
    tokens : tuple of TokenSettings
        Bearer tokens.
    send_needs_token : bool or None
        Whether posting records takes a token of scope ``send``, besides the records' own signatures;
        None: not on loopback, and everywhere else.
    limits : LimitSettings
        What one client may ask.
    """

    host: str = "127.0.0.1"
    port: Port = 8460
    tls_certificate: str | None = None
    tls_key: str | None = None
    tls_client_ca: str | None = None
    tokens: tuple[TokenSettings, ...] = ()
    send_needs_token: bool | None = None
    limits: LimitSettings = LimitSettings()

    def __post_init__(self) -> None:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key go together")
        if self.tls_client_ca is not None and self.tls_key is None:
            raise ValueError("tls_client_ca needs tls_certificate and tls_key")
        if self.tls_key is None and not is_loopback(self.host):
            raise ValueError(f"host {self.host!r} is not loopback: that takes tls_certificate and tls_key")
        names = [token.name for token in self.tokens]
        if len(set(names)) != len(names):
            raise ValueError("tokens need names, each once")
        if len({token.sha256 for token in self.tokens}) != len(names):
            raise ValueError("two tokens are the same")

    @property
    def is_token_needed_to_send(self) -> bool:
        """Whether posting records takes a token."""
        if self.send_needs_token is not None:
            return self.send_needs_token
        return not is_loopback(self.host)


class SinkSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where messages go.

    Attributes
    ----------
    name : str
        Its name, unique in the site.
    kind : str
        Which sink: ``webhook``, ``folder``, or one of a plugin.
    kinds : tuple of str
        Kinds of records it is sent.
    options : dict
        Its own arguments. What is named ``folder`` or ``path``, or ends in ``_file`` or ``_folder``, is a
        path, relative to the settings' file.
    """

    name: Name
    kind: Name
    kinds: tuple[str, ...] = ("clearance/1",)
    options: dict[str, Any] = msgspec.field(default_factory=dict)


class ClearanceSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The clearance of one site.

    Attributes
    ----------
    administration : str
        Who decides.
    key_file : str
        Signing key.
    database : str
        File of the SQLite database, or the URL of a PostgreSQL one.
    ledger_id : str or None
        Name of a ledger that is begun, in its tree heads; None: made of the administration's name. Two sites
        that export heads into one folder need two names.
    trusted_keys : tuple of str
        Public keys whose records count: files, or folders of ``.pub`` files.
    policy : str or None
        Signed policy file; None: the default policy.
    heads : str or None
        Folder that tree heads are exported to, best on another machine; at the start the ledger is
        held against all of them. None: none.
    heads_interval_s : float
        Time between two heads that a running service exports, seconds.
    stage : {"DEPARTURE", "ARRIVAL"}
        Where in the flow the site stands.
    required_lanes : tuple of str
        Lanes a container must have passed before its case is decided; empty: whatever the policy's
        steps need.
    case_deadline_s : float
        How long a case waits after the first record that says its container is here (a flag, a seal event;
        not a declaration); then it is decided on what there is.
    max_clock_skew_s : float
        How far ahead of this machine's clock a record may be dated, seconds; beyond it is refused.
    max_record_age_s : float
        Age beyond which a record is refused as a replay of old data, seconds.
    models_allowed : tuple of str
        sha256 of the models whose flags count; empty: all that are not revoked.
    revocations : tuple of str
        Revocation lists: files, or folders of ``.json`` files.
    is_exercise : bool
        Run an exercise: the key must then be an exercise key, and every answer says EXERCISE. A key of
        the other scope refuses to start.
    decide_interval_s : float
        Longest time between two looks for cases that are due, seconds.
    sinks : tuple of SinkSettings
        Where decisions and other records are sent.
    http : HttpSettings
        The service.
    """

    administration: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    key_file: str
    database: str = "clearance.sqlite"
    ledger_id: Name | None = None
    trusted_keys: tuple[str, ...] = ()
    policy: str | None = None
    heads: str | None = None
    heads_interval_s: Seconds = 3600.0
    stage: Literal["DEPARTURE", "ARRIVAL"] = "DEPARTURE"
    required_lanes: tuple[str, ...] = ()
    case_deadline_s: Seconds = 900.0
    max_clock_skew_s: Seconds = 60.0
    max_record_age_s: Seconds = 30 * 86400.0
    models_allowed: tuple[Sha256, ...] = ()
    revocations: tuple[str, ...] = ()
    is_exercise: bool = False
    decide_interval_s: Seconds = 0.5
    sinks: tuple[SinkSettings, ...] = ()
    http: HttpSettings = HttpSettings()

    def __post_init__(self) -> None:
        names = [sink.name for sink in self.sinks]
        if len(set(names)) != len(names):
            raise ValueError(f"sinks need names, each once, got {names}")
        # Taken for the name of a file, another kind's address would quietly make an empty SQLite database;
        # what follows the kind may hold a password.
        kind, is_address, _ = self.database.partition("://")
        if is_address and not self.is_postgresql:
            wanted = "the path of a SQLite file, or a postgresql:// address"
            raise ValueError(f"database: there is no kind {kind!r}; give {wanted}")

    @property
    def is_postgresql(self) -> bool:
        """Whether the database is PostgreSQL."""
        return self.database.startswith(_POSTGRESQL)


def read_clearance_settings(path: Path) -> ClearanceSettings:
    """Read the ``[clearance]`` table of a site's settings.

    Parameters
    ----------
    path : Path
        The TOML file; relative paths in the table are taken from its folder.

    Returns
    -------
    ClearanceSettings
        The table, with absolute paths.

    Raises
    ------
    ConfigurationError
        If the file cannot be read, or the table is missing, has an unknown key or a wrong value.
    """
    try:
        table: Any = tomllib.loads(path.read_text(encoding="utf-8")).get("clearance")
        if table is None:
            raise ConfigurationError(f"{path.name}: there is no [clearance] table", value=path.name)
        settings = msgspec.convert(table, ClearanceSettings)
    except OSError as error:
        raise ConfigurationError(f"{path.name}: cannot be read ({error.strerror})", value=path.name) from None
    except ValueError as error:  # of which TOML, Unicode and validation errors are kinds
        raise ConfigurationError(f"{path.name}: {error}", value=path.name) from None
    return _absolute(settings, path.resolve().parent)


def _absolute(settings: ClearanceSettings, folder: Path) -> ClearanceSettings:
    places: dict[str, Any] = {
        name: str(folder / value) for name in _PLACES if (value := getattr(settings, name)) is not None
    }
    for name in _LISTS_OF_PLACES:
        places[name] = tuple(str(folder / value) for value in getattr(settings, name))
    if not settings.is_postgresql:
        places["database"] = str(folder / settings.database)
    tls = ("tls_certificate", "tls_key", "tls_client_ca")
    certificates = {
        name: str(folder / value) for name in tls if (value := getattr(settings.http, name)) is not None
    }
    return msgspec.structs.replace(
        settings,
        http=msgspec.structs.replace(settings.http, **certificates),
        sinks=tuple(
            msgspec.structs.replace(sink, options=_absolute_options(sink.options, folder))
            for sink in settings.sinks
        ),
        **places,
    )


def _absolute_options(options: dict[str, Any], folder: Path) -> dict[str, Any]:
    return {
        name: str(folder / value) if isinstance(value, str) and _is_place(name) else value
        for name, value in options.items()
    }


def _is_place(name: str) -> bool:
    return name in ("folder", "path") or name.endswith(("_file", "_folder"))
