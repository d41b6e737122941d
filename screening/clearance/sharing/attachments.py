"""What comes along with the evidence: model cards, public keys, files. None of it is ever trusted."""

from __future__ import annotations

from collections.abc import Iterator

from screening.clearance.keys import PublicKey
from screening.errors import IntegrityError
from screening.records import (
    ClearanceDecision,
    Conclusion,
    Destuffing,
    RiskFlag,
    SecondaryInspection,
    TreeHead,
    parse_strict,
    sha256_hex,
)

from .bundle import DetachedSeal
from .checks import BundleCheck, Opened, failed, passed

__all__ = ["check_cards", "check_evidence_files", "check_keys"]


def check_keys(opened: Opened) -> BundleCheck:
    """Check that the keys that came along are those the records were sealed with; they are not used.

    Parameters
    ----------
    opened : Opened
        The bundle.

    Returns
    -------
    BundleCheck
        MALFORMED or KEY_NOT_USED at the first that is not.
    """
    used = set(_key_ids(opened))
    for data in opened.contents.keys:
        try:
            key = parse_strict(data, PublicKey)
        except IntegrityError as error:
            return failed("keys", "MALFORMED", str(error))
        if key.key_id not in used:
            return failed("keys", "KEY_NOT_USED", f"no record is sealed with {key.key_id}")
    n = len(opened.contents.keys)
    return passed("keys", f"{n} came along, for a person to compare; none is trusted for it")


def check_cards(opened: Opened) -> BundleCheck:
    """Check that the cards that came along are of models behind the flags.

    Parameters
    ----------
    opened : Opened
        The bundle.

    Returns
    -------
    BundleCheck
        CARD_NOT_USED at the first that is not, or is not the card the flag was made with.
    """
    models = {model.card_sha256: model for flag in opened.all_flags for model in flag.pipeline.models}
    held = {sha256_hex(data) for data in opened.contents.cards}
    for digest in sorted(held - set(models)):
        return failed("cards", "CARD_NOT_USED", f"no flag rests on a model with card {digest[:12]}")
    described = {models[digest].sha256 for digest in held}
    n_models = len({model.sha256 for model in models.values()})
    return passed("cards", f"{len(described)} of {n_models} models are described")


def check_evidence_files(opened: Opened) -> BundleCheck:
    """Check that the files that came along are named by a signed record, or by the sender's seal.

    Parameters
    ----------
    opened : Opened
        The bundle.

    Returns
    -------
    BundleCheck
        EVIDENCE_NOT_NAMED if one is named by neither.
    """
    named = set(_named_files(opened))
    held = {sha256_hex(data) for data in opened.contents.evidence}
    loose = sorted(held - named)
    if loose and not opened.is_sealed:
        return failed("evidence", "EVIDENCE_NOT_NAMED", f"nobody signed for file {loose[0]}")
    text = f"{len(held & named)} of {len(named)} files that records name are in the bundle"
    return passed("evidence", f"{text}, {len(loose)} more by the sender's word" if loose else text)


def _named_files(opened: Opened) -> Iterator[str]:
    for record in (*opened.flags, *opened.records):
        if isinstance(record, RiskFlag):
            yield from (one.sha256 for one in record.inputs)
        elif isinstance(record, SecondaryInspection):
            yield from (one.sha256 for one in record.files)
        elif isinstance(record, Destuffing):
            yield from record.evidence
        elif isinstance(record, Conclusion):
            yield from record.adjudication.evidence


def _key_ids(opened: Opened) -> Iterator[str | None]:
    for record in (opened.decision, *opened.flags, *opened.records):
        yield record.key_id
    contents = opened.contents
    for data in (contents.seal, contents.policy_signature):
        if data is not None:
            try:
                yield parse_strict(data, DetachedSeal).key_id
            except IntegrityError:
                continue
    kinds: list[tuple[bytes, type[ClearanceDecision | TreeHead]]] = [
        (data, ClearanceDecision) for data in contents.chain
    ]
    if contents.head is not None:
        kinds.append((contents.head, TreeHead))
    for data, kind in kinds:
        # Whether the seal holds is another check; here only its key's name is asked for.
        try:
            yield parse_strict(data, kind).key_id
        except IntegrityError:
            continue
