"""ONNX models: loaded from verified bytes, run on one thread, answers checked.

ONNX Runtime is imported here and nowhere else, and only when the first model is loaded.
"""

from __future__ import annotations

from collections.abc import Collection
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from screening.errors import ModelError, ModelUnverifiedError
from screening.records import ModelRef, sha256_hex

from .card import ModelCard, parse_card

__all__ = ["MODEL_LIMIT_BYTES", "Model", "load_model", "shipped_models"]

MODEL_LIMIT_BYTES = 16 * 2**20
"""Largest model that is loaded; the shipped ones stay below 3 MB each."""


class Model:
    """One verified model.

    Parameters
    ----------
    card : ModelCard
        Its card.
    ref : ModelRef
        Its name and hashes.
    session : onnxruntime.InferenceSession
        The running model.

    Attributes
    ----------
    card : ModelCard
        Its card: labels, thresholds, measured performance.
    ref : ModelRef
        Its name and hashes, for the flags that rest on it.
    """

    def __init__(self, card: ModelCard, ref: ModelRef, session: Any) -> None:
        self.card = card
        self.ref = ref
        self._session = session
        self._output_names = [output.name for output in session.get_outputs()]

    def run(self, **inputs: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Run the model.

        Parameters
        ----------
        **inputs : ndarray, float32
            One array per input of the card, the batch axis first.

        Returns
        -------
        dict of str to ndarray
            Outputs by name, all finite.

        Raises
        ------
        ModelError
            If an input is missing, unknown or not finite, the runtime fails, or an output is not finite.
        """
        if set(inputs) != set(self.card.inputs):
            raise ModelError(
                f"model {self.card.name} takes {sorted(self.card.inputs)}, got {sorted(inputs)}",
                value=sorted(inputs),
            )
        feed = {name: np.ascontiguousarray(array, dtype=np.float32) for name, array in inputs.items()}
        for name, array in feed.items():
            if not np.isfinite(array).all():
                raise ModelError(f"model {self.card.name}: input {name} is not finite", value=name)
        try:
            outputs = self._session.run(self._output_names, feed)
        except Exception as error:  # the runtime raises its own unrelated classes
            line = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ModelError(f"model {self.card.name} failed: {line}", value=self.card.name) from error
        answer = dict(zip(self._output_names, outputs, strict=True))
        for name, array in answer.items():
            if not np.isfinite(array).all():
                raise ModelError(f"model {self.card.name}: output {name} is not finite", value=name)
        return answer


def shipped_models() -> tuple[str, ...]:
    """Return the names of the models installed with the package.

    Returns
    -------
    tuple of str
        Names, sorted.
    """
    root = files("screening.models")
    return tuple(sorted(e.name for e in root.iterdir() if e.is_dir() and e.joinpath("card.toml").is_file()))


def load_model(name: str, *, folder: Path | None = None, allowed: Collection[str] | None = None) -> Model:
    """Load a model after checking the very bytes that are run.

    Parameters
    ----------
    name : str
        Name of the model: a folder with model.onnx and card.toml.
    folder : Path, optional
        Where the model folders are; the installed ones when omitted.
    allowed : collection of str, optional
        Hashes the site allows; every verified model when omitted.

    Returns
    -------
    Model
        The model, ready to run.

    Raises
    ------
    ModelError
        If a file is missing or the runtime refuses the model.
    ModelUnverifiedError
        If the hash is not the card's, or not allowed.
    """
    root: Traversable = folder if folder is not None else files("screening.models")
    home = root.joinpath(name)
    try:
        card_bytes = home.joinpath("card.toml").read_bytes()
        model_bytes = home.joinpath("model.onnx").read_bytes()
    except OSError as error:
        missing = Path(str(error.filename)).name if error.filename else "files"
        raise ModelError(f"model {name}: {missing} cannot be read ({error.strerror})", value=name) from None
    card = parse_card(card_bytes, name=f"{name}/card.toml")
    if len(model_bytes) > MODEL_LIMIT_BYTES:
        raise ModelError(f"model {name}: {len(model_bytes)} bytes, at most {MODEL_LIMIT_BYTES}", value=name)
    digest = sha256_hex(model_bytes)
    if card.name != name:
        raise ModelUnverifiedError(f"model {name}: its card is of model {card.name!r}", value=card.name)
    if digest != card.sha256:
        raise ModelUnverifiedError(
            f"model {name}/model.onnx: sha256 {digest[:16]}... is not the card's {card.sha256[:16]}...",
            value=digest,
        )
    if allowed is not None and digest not in allowed:
        raise ModelUnverifiedError(
            f"model {name}: sha256 {digest[:16]}... is not on the site's list", value=digest
        )
    return Model(
        card,
        ModelRef(name=name, sha256=digest, card_sha256=sha256_hex(card_bytes)),
        _session(name, model_bytes),
    )


def _session(name: str, model_bytes: bytes) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(model_bytes, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime raises its own unrelated classes
        line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(f"model {name} cannot be loaded: {line}", value=name) from error
