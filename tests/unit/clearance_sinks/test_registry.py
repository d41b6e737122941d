"""Sinks come through the entry points, and a named one that fails says why."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from screening.clearance.settings import SinkSettings
from screening.clearance.sinks import GROUP, SinkContext, build_sinks
from screening.clearance.sinks.folder import FolderSink
from screening.errors import ConfigurationError

MODULE = "screening.clearance.sinks"
ENTRIES = [
    EntryPoint("folder", f"{MODULE}.folder:FolderSink", GROUP),
    EntryPoint("missing", f"{MODULE}.nowhere:Sink", GROUP),
    EntryPoint("strange", "builtins:dict", GROUP),
    EntryPoint("renamed", "types:SimpleNamespace", GROUP),
    EntryPoint("twice", f"{MODULE}.folder:FolderSink", GROUP),
    EntryPoint("twice", f"{MODULE}.n42:N42Sink", GROUP),
]


def build(kind, **options):
    return build_sinks(
        [SinkSettings(name="drop", kind=kind, options=options)], SinkContext(), entries=ENTRIES
    )


def test_a_sink_is_built_from_its_table(tmp_path):
    (sink,) = build("folder", folder=str(tmp_path))
    assert isinstance(sink, FolderSink)
    assert (sink.name, sink.kinds) == ("drop", ("clearance/1",))


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("nothing", "sink drop: no kind 'nothing'; registered: folder, missing, renamed, strange, twice"),
        ("missing", "cannot be built: ModuleNotFoundError"),
        ("strange", "cannot be built: TypeError"),
        ("renamed", "cannot be built"),
        ("twice", "registered as .*FolderSink and as .*N42Sink"),
        ("folder", "sink drop: .*missing required field `folder`"),
    ],
)
def test_a_named_sink_that_fails_says_why(kind, why):
    with pytest.raises(ConfigurationError, match=why):
        build(kind)


class Nameless:
    kinds = ("clearance/1",)

    def __init__(self, settings, context):
        self.name = "another"

    def deliver(self, message):
        raise NotImplementedError


def test_a_sink_goes_by_the_name_in_the_settings(monkeypatch):
    monkeypatch.setattr("screening.clearance.sinks.folder.FolderSink", Nameless)
    with pytest.raises(ConfigurationError, match="calls itself 'another'"):
        build("folder")
