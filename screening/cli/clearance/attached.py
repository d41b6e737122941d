"""What goes along in a bundle besides records: files that are named on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from screening.clearance.sharing import Contents

__all__ = ["files_of", "with_cards"]


def files_of(paths: list[Path] | None) -> list[Path]:
    """Return the files named, and those in the folders named.

    Parameters
    ----------
    paths : list of Path or None
        Files and folders.

    Returns
    -------
    list of Path
        Files, each once for each time it is named.

    Raises
    ------
    ConfigurationError
        If one is not there.
    """
    from screening.errors import ConfigurationError

    for path in paths or ():
        if not path.exists():
            raise ConfigurationError(f"{path}: no such file or folder", value=str(path))
    found = [p for path in paths or () for p in (sorted(path.glob("*")) if path.is_dir() else [path])]
    return [path for path in found if path.is_file()]


def with_cards(contents: Contents, paths: list[Path]) -> Contents:
    """Return the contents of a bundle with the cards of the models behind its flags.

    A card that no flag names would make whoever gets the bundle reject it.

    Parameters
    ----------
    contents : Contents
        Of the bundle.
    paths : list of Path
        Cards, or folders of them; in a folder, what no flag names is left out, and said.

    Returns
    -------
    Contents
        With the cards.

    Raises
    ------
    ConfigurationError
        If a path is not there.
    FormatError
        If a file that was named is no card of a model behind the flags.
    """
    import msgspec

    from screening.errors import FormatError
    from screening.records import sha256_hex

    named = _named_cards(contents)
    cards = []
    for file in files_of(paths):
        data = file.read_bytes()
        if sha256_hex(data) in named:
            cards.append(data)
            continue
        text = f"{file}: not the card of a model behind these flags, which name cards by their sha256"
        if file in paths:
            raise FormatError(text, value=str(file))
        typer.echo(f"{text}; left out", err=True)
    return msgspec.structs.replace(contents, cards=tuple(dict.fromkeys(cards)))


def _named_cards(contents: Contents) -> set[str]:
    from screening.errors import IntegrityError
    from screening.records import RiskFlag, parse_strict

    named: set[str] = set()
    for body in (*contents.flags, *contents.records):
        try:
            flag = parse_strict(body, RiskFlag)
        except IntegrityError:
            continue  # another kind of record
        named.update(model.card_sha256 for model in flag.pipeline.models)
    return named
