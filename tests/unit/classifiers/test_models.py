from __future__ import annotations

import shutil
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from screening.classifiers import load_model, shipped_models
from screening.errors import ModelError, ModelUnverifiedError

MODELS = shipped_models()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped models that a test may damage."""
    for name in MODELS:
        home = tmp_path / name
        home.mkdir()
        for part in ("model.onnx", "card.toml"):
            (home / part).write_bytes(files("screening.models").joinpath(name, part).read_bytes())
    return tmp_path


def test_both_models_ship() -> None:
    assert set(MODELS) == {"empties", "nuclides"}


@pytest.mark.parametrize("name", MODELS)
def test_a_shipped_model_loads_and_answers_its_card(name: str) -> None:
    model = load_model(name)
    feed = {
        key: np.zeros([1 if isinstance(n, str) else n for n in spec.shape], dtype=np.float32)
        for key, spec in model.card.inputs.items()
    }
    answer = model.run(**feed)
    assert set(answer) == set(model.card.outputs)
    assert model.ref.sha256 == model.card.sha256
    assert model.card.performance
    assert all(f.low <= f.value <= f.high for f in model.card.performance)


@pytest.mark.parametrize("name", MODELS)
def test_one_changed_byte_is_refused(name: str, folder: Path) -> None:
    path = folder / name / "model.onnx"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelUnverifiedError, match=rf"{name}/model\.onnx: sha256"):
        load_model(name, folder=folder)


def test_a_model_not_on_the_sites_list_is_refused(folder: Path) -> None:
    name = MODELS[0]
    digest = load_model(name, folder=folder).ref.sha256
    assert load_model(name, folder=folder, allowed=[digest]).ref.sha256 == digest
    with pytest.raises(ModelUnverifiedError, match="not on the site's list"):
        load_model(name, folder=folder, allowed=["0" * 64])


def test_another_models_files_under_this_name_are_refused(folder: Path) -> None:
    shutil.rmtree(folder / MODELS[0])
    shutil.copytree(folder / MODELS[1], folder / MODELS[0])
    with pytest.raises(ModelUnverifiedError, match="its card is of model"):
        load_model(MODELS[0], folder=folder)


def test_a_missing_model_says_what_is_missing(folder: Path) -> None:
    (folder / MODELS[0] / "model.onnx").unlink()
    with pytest.raises(ModelError, match=r"model\.onnx cannot be read"):
        load_model(MODELS[0], folder=folder)
    with pytest.raises(ModelError, match=r"card\.toml cannot be read"):
        load_model("nothing", folder=folder)


def test_inputs_that_are_missing_or_not_finite_are_refused() -> None:
    model = load_model(MODELS[0])
    with pytest.raises(ModelError, match="takes"):
        model.run()
    feed = {
        key: np.full([1 if isinstance(n, str) else n for n in spec.shape], np.nan, dtype=np.float32)
        for key, spec in model.card.inputs.items()
    }
    with pytest.raises(ModelError, match="not finite"):
        model.run(**feed)
