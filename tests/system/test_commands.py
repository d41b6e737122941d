"""The command line as a user meets it: real processes, real files, exit statuses."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import h5py
import jsonschema
import numpy as np
import pytest
import tifffile

from screening.classifiers import shipped_models


def screening(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "screening", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=cwd)


def answers(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def samples() -> Path:
    with as_file(files("screening.data_samples")) as folder:
        return folder


@pytest.fixture(scope="module")
def passes(samples: Path) -> list[Path]:
    return sorted((samples / "occupancies").glob("*.h5"))[:3]


def test_answers_follow_the_shipped_schema_and_repeat_bit_for_bit(passes: list[Path]) -> None:
    schema = json.loads(files("screening.records").joinpath("schemas", "screening-1.json").read_text())
    first, second = (answers(screening("analyse", *passes, "--json")) for _ in range(2))
    assert len(first) == len(passes)
    for answer in first:
        jsonschema.validate(answer, schema)
        assert answer["flags"]
    assert [a["flags"] for a in first] == [a["flags"] for a in second]
    assert [a["measurements"] for a in first] == [a["measurements"] for a in second]


def test_products_hold_the_maps_behind_the_answer(passes: list[Path], tmp_path: Path) -> None:
    done = screening("analyse", passes[0], "--json", "--products", tmp_path / "maps")
    with h5py.File(tmp_path / "maps" / f"{answers(done)[0]['scan_id']}.h5") as file:
        found: list[str] = []
        file.visit(found.append)
    assert any(name.endswith("rate_cps") for name in found)


def test_bad_inputs_are_each_unknown_with_one_line_and_the_rest_is_analysed(
    passes: list[Path], tmp_path: Path
) -> None:
    whole = screening("convert", passes[0], tmp_path / "whole.n42")
    assert whole.returncode == 0, whole.stderr
    document = (tmp_path / "whole.n42").read_bytes()
    (tmp_path / "1-truncated.n42").write_bytes(document[: len(document) // 2])
    (tmp_path / "2-text.n42").write_text("this is no measurement\n")
    (tmp_path / "3-empty.n42").touch()
    with h5py.File(tmp_path / "4-foreign.h5", "w") as file:
        file["x"] = np.arange(3)
    tifffile.imwrite(tmp_path / "5-bare.tif", np.ones((64, 64), dtype=np.uint16))
    bad = sorted(p for p in tmp_path.iterdir() if p.name[0].isdigit())
    done = screening("analyse", *bad, tmp_path / "6-missing.n42", passes[0], "--json")
    assert done.returncode == 1
    found = answers(done)
    assert [Path(a["path"]).name for a in found] == [*(p.name for p in bad), "6-missing.n42", passes[0].name]
    for answer in found[:-1]:
        assert answer["level"] == "UNKNOWN"
        assert answer["error"]["code"] == "INPUT_CORRUPT"
        assert Path(answer["path"]).name in answer["error"]["text"]
    assert found[-1]["error"] is None
    lines = done.stderr.splitlines()
    assert len(lines) == len(found) - 1
    assert "Traceback" not in done.stderr


def test_a_model_with_one_byte_changed_is_unverified(passes: list[Path], tmp_path: Path) -> None:
    for name in shipped_models():
        (tmp_path / "models" / name).mkdir(parents=True)
        for part in ("model.onnx", "card.toml"):
            data = files("screening.models").joinpath(name, part).read_bytes()
            (tmp_path / "models" / name / part).write_bytes(data)
    path = tmp_path / "models" / "nuclides" / "model.onnx"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    (tmp_path / "site.toml").write_text(f"[models]\nfolder = {str(tmp_path / 'models')!r}\n")
    spectral = [p for p in passes if json.loads(p.with_suffix(".json").read_text())["portal"] == "srpm"]
    done = screening("analyse", spectral[0], "--json", "--config", tmp_path / "site.toml")
    assert done.returncode == 1
    assert "nuclides/model.onnx: sha256" in done.stderr
    flags = {flag["modality"]: flag for flag in answers(done)[0]["flags"]}
    assert flags["RAD_SPECTRAL"]["level"] != "LOW"
    assert "MODEL_UNVERIFIED" in {reason["code"] for reason in flags["RAD_SPECTRAL"]["reasons"]}


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["nonsense"], 2, "nonsense"),
        (["analyse"], 2, "paths"),
        (["analyse", "x.n42", "--config", "missing.toml"], 2, "missing.toml"),
        (["train", "nonsense"], 2, "nonsense"),
        (["simulate", "occupancies", "--out", "x", "--preset", "nonsense"], 2, "known"),
        (["reanalyse", ".", "--out", "x", "--engine", "dask"], 2, "dask"),
        (["info", "missing.n42"], 1, "missing.n42"),
        (["analyse", "."], 1, "nothing to analyse"),
        (["analyse", "x.n42", "--background", "missing.n42"], 2, "--background: missing.n42"),
        (["emulate", "portal", "--port", "80000"], 2, "--port"),
    ],
)
def test_usage_errors_are_one_line_and_have_their_status(
    arguments: list[str], status: int, said: str, tmp_path: Path
) -> None:
    done = screening(*arguments, cwd=tmp_path)
    assert done.returncode == status, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_setting_is_refused(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text("[radiation]\nn_sigmas = 4\n")
    done = screening("analyse", "x.n42", "--config", tmp_path / "site.toml")
    assert done.returncode == 2
    assert "n_sigmas" in done.stderr


def test_simulate_evaluate_reanalyse(tmp_path: Path) -> None:
    made = screening("simulate", "occupancies", "--out", tmp_path / "set", "--preset", "mixed", "--n", "4")
    assert made.returncode == 0, made.stderr
    judged = screening("evaluate", tmp_path / "set", "--out", tmp_path / "report")
    assert judged.returncode == 0, judged.stderr
    assert json.loads((tmp_path / "report" / "report.json").read_text())["detectors"]
    again = screening("reanalyse", tmp_path / "set", "--out", tmp_path / "run")
    assert again.returncode == 0, again.stderr
    assert len((tmp_path / "run" / "results.jsonl").read_text().splitlines()) == 4


def test_convert_and_info_keep_every_count(passes: list[Path], tmp_path: Path) -> None:
    (before,) = answers(screening("info", passes[0], "--json"))
    shutil.copy(passes[0], tmp_path / "scan.h5")
    done = screening("convert", tmp_path / "scan.h5", tmp_path / "scan.n42")
    assert done.returncode == 0, done.stderr
    (after,) = answers(screening("info", tmp_path / "scan.n42", "--json"))
    assert after["gamma_counts_by_panel"] == before["gamma_counts_by_panel"]
