"""What a help text says is what a terminal shows of it."""

from __future__ import annotations

from collections.abc import Iterator

import typer
from rich.text import Text

from screening.cli import app


def help_texts() -> Iterator[tuple[str, str]]:
    pending = [("screening", typer.main.get_command(app))]
    while pending:
        name, command = pending.pop()
        yield name, command.help or ""
        for parameter in command.params:
            yield f"{name} {parameter.name}", getattr(parameter, "help", None) or ""
        pending += [(f"{name} {inner}", one) for inner, one in getattr(command, "commands", {}).items()]


def test_no_help_text_loses_what_stands_in_brackets() -> None:
    texts = dict(help_texts())
    assert "screening clearance gateway sign place" in texts
    assert [where for where, text in texts.items() if Text.from_markup(text).plain != text] == []
