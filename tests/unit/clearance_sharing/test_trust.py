"""Trust is what a folder or a site's settings hold, and nothing more."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from screening.clearance.settings import ClearanceSettings
from screening.clearance.sharing import pack, read_trust, trust_of, verify_bundle
from screening.clearance.sharing.trust import Revocations
from screening.errors import ConfigurationError, FormatError


def test_a_folder_of_trust(write_trust, parts, site) -> None:
    trust = read_trust(write_trust())
    assert len(trust.keys) == 4
    assert trust.models == {parts.MODEL}
    assert verify_bundle(pack(site.contents(), signer=parts.CA), trust, parts.AT).is_good


def test_the_trust_of_a_site(write_trust, parts, site) -> None:
    folder = write_trust()
    settings = ClearanceSettings(
        administration="US",
        key_file="us.key",
        trusted_keys=(str(folder / "keys"),),
        models_allowed=(parts.MODEL,),
        revocations=(str(folder / "revocations" / "us.json"),),
    )
    trust = trust_of(settings)
    assert verify_bundle(pack(site.contents(), signer=parts.CA), trust, parts.AT).is_good


def test_what_is_not_in_the_folder_is_not_trusted(tmp_path: Path, parts) -> None:
    trust = read_trust(tmp_path)
    assert (len(trust.keys), trust.models, trust.revocation_lists) == (0, frozenset(), ())
    assert trust.revocations(parts.AT, 86400).failure == "REVOCATIONS_MISSING"


def test_a_folder_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        read_trust(tmp_path / "nowhere")
    (tmp_path / "models.txt").write_text("# allowed\n0123\n")
    with pytest.raises(ConfigurationError, match="not a sha256"):
        read_trust(tmp_path)
    (tmp_path / "models.txt").unlink()
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "a.pub").write_text("{}")
    with pytest.raises(FormatError):
        read_trust(tmp_path)


def test_a_list_under_a_key_that_expired_still_revokes_and_is_no_longer_relied_on(parts) -> None:
    """Whoever kept the key could date back a list on which nothing is."""

    def asked(expires: str) -> Revocations:
        us = msgspec.structs.replace(parts.US.public, expires=expires)
        return parts.make_trust(keys=[us]).revocations(parts.AT, 30 * 86400)

    assert asked(parts.text_of(parts.AT + timedelta(seconds=1))).failure is None
    assert asked(parts.text_of(parts.AT)).failure == "REVOCATIONS_NOT_VERIFIED"
