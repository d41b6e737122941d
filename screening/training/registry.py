"""Which models can be trained, by name; trainers are loaded when they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from screening.classifiers import ModelCard
from screening.errors import ConfigurationError

__all__ = ["TRAINERS", "Progress", "Trainer", "train", "training_statement"]

#: What trainers tell of their progress: one line for a person.
Progress = Callable[[str], None]

#: What the extra ``train`` installs; trainers import some of it only when they need it.
LIBRARIES = ("torch", "onnx", "onnxscript")


class Trainer(Protocol):
    """Trains one model."""

    def __call__(self, out_dir: Path, *, seed: int, quick: bool, progress: Progress) -> ModelCard:
        """Write model.onnx and card.toml into a folder, and return the card."""
        ...


#: What a model was trained on, beside its card; an evaluation reads it.
STATEMENT = "trained_on.txt"

#: Trainers by model name, as "module:function".
TRAINERS: dict[str, str] = {
    "nuclides": "screening.training.nuclides:train",
    "empties": "screening.training.empties:train",
}


def train(
    name: str, out_dir: Path, *, seed: int, quick: bool = False, progress: Progress | None = None
) -> ModelCard:
    """Train a model and write it with its card.

    Parameters
    ----------
    name : str
        Name in ``TRAINERS``.
    out_dir : Path
        Where model.onnx and card.toml go; made if needed.
    seed : int
        Seed of everything: data, split, weights.
    quick : bool, default False
        A small run that shows that all of it works; its card says so.
    progress : callable, optional
        Told a line of text now and then.

    Returns
    -------
    ModelCard
        The card that was written.

    Raises
    ------
    ConfigurationError
        If there is no such trainer, or the extra ``train`` is not installed.
    """
    if name not in TRAINERS:
        raise ConfigurationError(f"no trainer for {name!r}; known: {', '.join(sorted(TRAINERS))}", value=name)
    if missing := [library for library in LIBRARIES if find_spec(library) is None]:
        # Told before hours of simulation, at the end of which it would be found out.
        raise ConfigurationError(
            f'training needs {", ".join(missing)}: pip install "screening[train]"', value=missing
        )
    module, function = TRAINERS[name].split(":")
    try:
        trainer: Trainer = getattr(import_module(module), function)
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f'training {name} needs {error.name}: pip install "screening[train]"', value=error.name
        ) from error
    out_dir.mkdir(parents=True, exist_ok=True)
    card = trainer(out_dir, seed=seed, quick=quick, progress=progress or _silent)
    (out_dir / STATEMENT).write_text(training_statement(card), encoding="utf-8")
    return card


def training_statement(card: ModelCard) -> str:
    """Return what an evaluation is told of a model's training data, to find its scans among test samples.

    Parameters
    ----------
    card : ModelCard
        Of a model trained here.

    Returns
    -------
    str
        Comment lines alone: our trainers draw what they learn from in memory, from random streams of a
        seed, and no scan of it is ever a file with a hash or a seed of its own.
    """
    lines = [
        f"{card.name} {card.version} learned from what this command draws: {card.training.recipe}",
        f"{card.training.data}.",
        "It is drawn in memory from random streams of that seed. No scan of it was ever written to a file,",
        "so there is no hash, no seed of a scan and no parent to list.",
    ]
    return "".join(f"# {line}\n" for line in lines)


def _silent(text: str) -> None:
    """Tell nobody."""
