"""A package for a spectroscopist elsewhere: everything needed to judge an alarm, and nothing secret.

A zip of plain files that any program opens: spectra as N42 with background and calibration, pictures,
declared goods, flags, and the questions as text. The same input gives the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec

from screening.clearance.sharing.stored_zip import encode_zip
from screening.errors import ConfigurationError
from screening.formats.n42_results import write_results
from screening.records import (
    AdvanceData,
    ClearanceDecision,
    OperatingMode,
    ReasonCode,
    RiskFlag,
    Scan,
    canonical_bytes,
    file_scan_id,
    sha256_hex,
)

from .n42 import RADIATION, result_of_flag

__all__ = ["MAX_PICTURE_BYTES", "questions_about", "reachback_package"]

MAX_PICTURE_BYTES = 64 << 20
"""Largest picture taken into a package."""

_PNG = b"\x89PNG\r\n\x1a\n"
_NOT_A_NAME = re.compile(r"[^A-Za-z0-9._-]+")

_QUESTIONS: dict[ReasonCode, str] = {
    ReasonCode.RAD_GAMMA_NSIGMA: "Which nuclides explain the gamma counts above background?",
    ReasonCode.RAD_NEUTRON: "Are the neutrons from a source, from cosmic rays in the cargo, or from pile-up?",
    ReasonCode.RAD_SPECTRAL_ANOMALY: "What is in the spectrum that the analysis could not name?",
    ReasonCode.RAD_NUCLIDE_SNM: "Is special nuclear material present, and of which kind?",
    ReasonCode.RAD_NUCLIDE_INDUSTRIAL: "Is the industrial nuclide real, and is it from a source?",
    ReasonCode.RAD_NUCLIDE_MEDICAL: "Is the medical nuclide real, and could it hide anything else?",
    ReasonCode.RAD_NUCLIDE_NORM: "Do the goods declared explain the NORM, and could it hide anything else?",
    ReasonCode.RAD_BASELINE_SUPPRESSED: "Does the suppression of the background hide a source?",
    ReasonCode.MODEL_OOD: "Is the spectrum fit for an identification at all (gain, resolution, calibration)?",
    ReasonCode.IMG_SHIELDED: "Could the shielded region hide what the spectrum shows or lacks?",
    ReasonCode.IMG_DENSE: "Does the dense region in the picture explain the spectrum?",
}


def reachback_package(
    container_id: str,
    *,
    scans: Sequence[Scan],
    flags: Sequence[RiskFlag],
    asked_at: str,
    pictures: Mapping[str, bytes] | None = None,
    advance: AdvanceData | None = None,
    decision: ClearanceDecision | None = None,
    questions: Sequence[str] = (),
) -> bytes:
    """Return a package about one container.

    Parameters
    ----------
    container_id : str
        ISO 6346 number, compact.
    scans : sequence of Scan
        Radiation scans; each is written with its background, its calibration and the results of its
        flags.
    flags : sequence of RiskFlag
        Flags about the container.
    asked_at : str
        When it is asked, RFC 3339 UTC.
    pictures : mapping of str to bytes, optional
        PNG files by name.
    advance : AdvanceData or None
        What was declared. Goods, weights and route go in; bill, parties and risk levels stay here: a
        spectroscopist needs none of them.
    decision : ClearanceDecision or None
        What was decided so far; its seal goes along. Officers' conclusions, which it may hold, name
        pseudonyms alone.
    questions : sequence of str
        What else is asked, one line each.

    Returns
    -------
    bytes
        A zip file.

    Raises
    ------
    ConfigurationError
        If something is of another container, a scan holds no spectra or counts, or a picture is no PNG.
    """
    _check(container_id, scans, flags, advance, decision)
    flags = sorted(flags, key=lambda flag: flag.flag_id)
    is_exercise = any(flag.operating_mode is OperatingMode.EXERCISE for flag in flags) or (
        decision is not None and decision.is_exercise
    )
    members: dict[str, bytes] = {}
    for number, scan in enumerate(sorted(scans, key=lambda scan: scan.identity.scan_id), start=1):
        _put(members, f"spectra/{number}-{_named(scan.identity.scan_id)}.n42", _spectra(scan, flags))
    for name, data in sorted((pictures or {}).items()):
        if not data.startswith(_PNG) or len(data) > MAX_PICTURE_BYTES:
            raise ConfigurationError(f"picture {name} is no PNG, or too large", value=name)
        _put(members, f"pictures/{_named(name)}", data)
    for flag in flags:
        _put(members, f"flags/{flag.flag_id}.json", canonical_bytes(flag))
    if advance is not None:
        _put(members, "goods.json", _goods(advance))
    if decision is not None:
        _put(members, "decision.json", canonical_bytes(decision))
    asked = [*questions_about(flags), *questions]
    _put(members, "QUESTIONS.txt", _text(container_id, asked_at, asked, is_exercise, advance))
    index = {
        "schema": "reachback/1",
        "container_id": container_id,
        "asked_at": asked_at,
        "is_exercise": is_exercise,
        "files": {
            name: {"n_bytes": len(data), "sha256": sha256_hex(data)} for name, data in sorted(members.items())
        },
    }
    return encode_zip([("index.json", canonical_bytes(index)), *sorted(members.items())])


def questions_about(flags: Sequence[RiskFlag]) -> list[str]:
    """Return what flags leave open, as questions.

    Parameters
    ----------
    flags : sequence of RiskFlag
        Flags about one container.

    Returns
    -------
    list of str
        Each once, in the order of the flags' reasons; the last asks what is always asked.
    """
    asked = [
        _QUESTIONS[reason.code] for flag in flags for reason in flag.reasons if reason.code in _QUESTIONS
    ]
    return [*dict.fromkeys(asked), "What should be measured next, where, and for how long?"]


def _check(
    container_id: str,
    scans: Sequence[Scan],
    flags: Sequence[RiskFlag],
    advance: AdvanceData | None,
    decision: ClearanceDecision | None,
) -> None:
    named = [
        *(scan.identity.container_id for scan in scans),
        *(flag.subject.container_id for flag in flags),
        *([advance.container_id] if advance is not None else []),
        *([decision.consignment.container_id] if decision is not None else []),
    ]
    # A scan or flag without a number is one that was kept apart: somebody chose to send it along.
    strange = [name for name in named if name is not None and name != container_id]
    if strange:
        raise ConfigurationError(
            f"{strange[0]} is not {container_id}: a package is about one container", value=strange[0]
        )
    for scan in scans:
        if scan.modality != "radiation":
            raise ConfigurationError(
                f"scan {scan.identity.scan_id} is a radiograph: send its picture", value=scan.identity.scan_id
            )


def _spectra(scan: Scan, flags: Sequence[RiskFlag]) -> bytes:
    scan_id = scan.identity.scan_id
    about = [flag for flag in flags if flag.scan_id == scan_id and flag.modality in RADIATION]
    results = [result_of_flag(flag) for flag in about]
    return write_results(results, document_id=file_scan_id(sha256_hex(scan_id.encode())), scan=scan)


def _goods(advance: AdvanceData) -> bytes:
    kept = (
        "container_id",
        "conveyance",
        "origin",
        "loading",
        "entry",
        "destination",
        "gross_weight_kg",
        "is_empty",
    )
    body = {name: getattr(advance, name) for name in kept}
    body["goods"] = msgspec.to_builtins(advance.goods)
    return canonical_bytes(body)


def _text(
    container_id: str, asked_at: str, asked: Sequence[str], is_exercise: bool, advance: AdvanceData | None
) -> bytes:
    lines = [
        *(["EXERCISE: never valid for cargo", ""] if is_exercise else []),
        f"Container {container_id}, asked {asked_at}",
        "",
        *(f"{number}. {_line(text)}" for number, text in enumerate(asked, start=1)),
    ]
    if advance is not None and advance.goods:
        lines += ["", "Declared goods:"]
        lines += [f"  HS {item.hs} {_line(item.description or '')}".rstrip() for item in advance.goods]
    return ("\n".join(lines) + "\n").encode()


def _line(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()


def _named(text: str) -> str:
    return _NOT_A_NAME.sub("-", text).strip(".-_")[:100] or "unnamed"


def _put(members: dict[str, bytes], name: str, data: bytes) -> None:
    if name in members:
        raise ConfigurationError(f"two files of a package are named {name}", value=name)
    members[name] = data
