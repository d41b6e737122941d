"""Contact sheets: one picture of each thing, the same every time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from screening.simulation.radiographs import gallery
from screening.simulation.radiographs.cargo import CARGO_KINDS
from screening.simulation.radiographs.lookalikes import LOOKALIKES
from screening.simulation.radiographs.stashes import STASHES
from screening.simulation.radiographs.threats import THREATS


def test_each_thing_has_its_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    some = {name: CARGO_KINDS[name] for name in ("boxes", "coils", "fruit", "half")}
    monkeypatch.setattr(gallery, "CARGO_KINDS", some)
    cargo = gallery.cargo_pictures(3, scale=30.0)
    carriers = gallery.carrier_pictures(3, scale=30.0)
    threats = gallery.threat_pictures(3, n_px=24)
    assert [name.split(",")[0] for name, _ in cargo] == list(some)
    assert [name.split(",")[0] for name, _ in threats] == [*THREATS, *LOOKALIKES, *STASHES]
    for name, picture in (*cargo, *carriers, *threats):
        assert picture.dtype == np.uint8, name
        assert picture.min() < picture.max(), name
    again = gallery.threat_pictures(3, n_px=24)
    assert all(np.array_equal(a, b) for (_, a), (_, b) in zip(threats, again, strict=True))
    pytest.importorskip("PIL")
    for name, made in (("cargo", cargo), ("carrier", carriers), ("threat", threats)):
        monkeypatch.setattr(gallery, f"{name}_pictures", lambda _seed, made=made: made)
    paths = gallery.write_gallery(tmp_path / "sheets")
    assert [path.read_bytes()[:4] for path in paths] == [b"\x89PNG"] * 3
