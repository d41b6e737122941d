"""What the card of the identification network says, made again from its seed.

Figures of a card are those of the code that made it. When the physics fit changes and the network does not,
the card must be measured again on the very test spectra it names; nothing else in it changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
import numpy as np

from screening.classifiers import ModelCard, load_model, write_card
from screening.errors import ConfigurationError
from screening.radiation.identify import Identifier

from .nuclides import FULL, TEST_SETTINGS
from .nuclides_trial import Trial, figures, run_trial
from .registry import Progress

__all__ = ["CardSplit", "card_split", "refresh_card", "split_trials", "training_streams"]

#: Which of the six streams of a training run each split draws from.
_TRAINING, _VALIDATION, _CALIBRATION, _SOURCES, _BACKGROUNDS = 0, 1, 3, 4, 5

Part = Literal["sources", "backgrounds"]


class CardSplit(NamedTuple):
    """One part of the test that a card states.

    Attributes
    ----------
    seeds : list of numpy.random.SeedSequence
        Of each spectrum.
    background_share : float
        How likely a spectrum has no source.
    """

    seeds: list[np.random.SeedSequence]
    background_share: float


def card_split(seed: int, part: Part) -> CardSplit:
    """Return the test spectra behind a card, by their seeds.

    Parameters
    ----------
    seed : int
        Of the training run, as the card states it.
    part : {"sources", "backgrounds"}
        Which.

    Returns
    -------
    CardSplit
        As ``screening train nuclides`` draws them.
    """
    streams = np.random.SeedSequence(seed).spawn(6)
    if part == "sources":
        return CardSplit(streams[_SOURCES].spawn(FULL.n_test), 0.0)
    return CardSplit(streams[_BACKGROUNDS].spawn(FULL.n_background), 1.0)


def training_streams(seed: int) -> Iterator[np.random.SeedSequence]:
    """Yield the streams of every spectrum that took part in making a model: training to calibration.

    Parameters
    ----------
    seed : int
        Of the training run.

    Yields
    ------
    numpy.random.SeedSequence
        One for each instrument of training and validation, and each spectrum of calibration.
    """
    streams = np.random.SeedSequence(seed).spawn(6)
    yield from streams[_TRAINING].spawn(FULL.n_train)
    yield from streams[_VALIDATION].spawn(FULL.n_validation)
    for child in streams[_CALIBRATION].spawn(FULL.n_calibration):
        yield from child.spawn(2)


def split_trials(
    identifier: Identifier, split: CardSplit, *, start: int = 0, stop: int | None = None
) -> list[Trial]:
    """Identify some of the spectra of a split.

    Parameters
    ----------
    identifier : Identifier
        What is tried.
    split : CardSplit
        From :func:`card_split`.
    start, stop : int or None
        Which, half-open; None: to the last.

    Returns
    -------
    list of Trial
        The answers.
    """
    return [
        run_trial(identifier, split.background_share, TEST_SETTINGS, seed) for seed in split.seeds[start:stop]
    ]


def refresh_card(folder: Path, *, progress: Progress | None = None) -> ModelCard:
    """Measure a shipped model again and rewrite the performance of its card, nothing else.

    Parameters
    ----------
    folder : Path
        Folder of the model: model.onnx and card.toml.
    progress : callable, optional
        Told a line now and then.

    Returns
    -------
    ModelCard
        The card that was written.

    Raises
    ------
    ModelError
        If the model does not verify against its card.
    ConfigurationError
        If the model is another one, or the card one of a quick run, whose test was another.
    """
    model = load_model(folder.name, folder=folder.parent)
    card = model.card
    if card.name != "nuclides" or "--quick" in card.training.recipe:
        raise ConfigurationError(
            f"{card.name} {card.version} was not made by a full `screening train nuclides`",
            value=card.version,
        )
    identifier = Identifier(model)
    trials: dict[Part, list[Trial]] = {"sources": [], "backgrounds": []}
    for part, found in trials.items():
        split = card_split(card.training.seed, part)
        if progress is not None:
            progress(f"testing on {len(split.seeds)} {part}")
        found += split_trials(identifier, split)
    fields = msgspec.to_builtins(card)
    fields["performance"] = figures(trials["sources"], trials["backgrounds"])
    return write_card(folder / "card.toml", fields)
