"""Which models can be trained, by name; trainers are loaded when they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from screening.classifiers import ModelCard
from screening.errors import ConfigurationError

__all__ = ["TRAINERS", "Progress", "Trainer", "train"]

#: What trainers tell of their progress: one line for a person.
Progress = Callable[[str], None]

#: What the extra ``train`` installs; trainers import some of it only when they need it.
LIBRARIES = ("torch", "onnx", "onnxscript")


class Trainer(Protocol):
    """Trains one model."""

    def __call__(self, out_dir: Path, *, seed: int, quick: bool, progress: Progress) -> ModelCard:
        """Write model.onnx and card.toml into a folder, and return the card."""
        ...


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
    return trainer(out_dir, seed=seed, quick=quick, progress=progress or _silent)


def _silent(text: str) -> None:
    """Tell nobody."""
