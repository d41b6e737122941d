"""Model cards: what a model is, what it was measured to do, and the hash of its bytes.

A card beside a model proves integrity, not origin; which models may speak at a site is a list of
hashes in that site's configuration.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import msgspec

from screening.errors import ModelError

__all__ = ["ModelCard", "Performance", "TensorSpec", "TrainingRecipe", "parse_card", "write_card"]


class TensorSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One input or output of a model.

    Attributes
    ----------
    shape : tuple of str or int
        Named or fixed axes; the first is the batch.
    units : str
        Physical units, or "1".
    meaning : str
        What it holds.
    """

    shape: tuple[str | int, ...]
    units: str
    meaning: str = ""


class Performance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One measured figure with its interval and the data it comes from.

    Attributes
    ----------
    metric : str
        What was measured.
    value, low, high : float
        Point estimate and interval.
    confidence : float
        Confidence of the interval.
    n : int
        Number of independent trials behind it.
    data : str
        Which data: simulated or measured, which split, which settings.
    method : str
        How the interval was computed.
    """

    metric: str
    value: float
    low: float
    high: float
    confidence: float
    n: int
    data: str
    method: str = "Clopper-Pearson"


class TrainingRecipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a model was made.

    Attributes
    ----------
    recipe : str
        The command that makes it again.
    seed : int
        Seed of everything random.
    data : str
        What it was trained on.
    split : str
        How training, validation and test were kept apart.
    """

    recipe: str
    seed: int
    data: str
    split: str = ""


class ModelCard(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The card of one model.

    Attributes
    ----------
    name, version, description : str
        What it is.
    sha256 : str
        Hash of model.onnx.
    feature_version : str
        Version of the features it reads; a mismatch with the code is refused.
    inputs, outputs : dict of str to TensorSpec
        Tensors by name.
    labels : tuple of str
        Labels of the outputs, in order.
    thresholds : dict
        Thresholds by name.
    operating_point : str
        What the thresholds were set for, and on which data.
    training : TrainingRecipe
        How to make it again.
    performance : tuple of Performance
        What it was measured to do.
    domain : str
        Where it holds.
    known_failures : tuple of str
        Where it is known to fail.
    """

    name: str
    version: str
    description: str
    sha256: str
    feature_version: str
    inputs: dict[str, TensorSpec]
    outputs: dict[str, TensorSpec]
    labels: tuple[str, ...]
    thresholds: dict[str, Any]
    operating_point: str
    training: TrainingRecipe
    performance: tuple[Performance, ...]
    domain: str
    known_failures: tuple[str, ...] = ()


def parse_card(data: bytes, *, name: str) -> ModelCard:
    """Parse card.toml.

    Parameters
    ----------
    data : bytes
        The file.
    name : str
        Its name, for messages.

    Returns
    -------
    ModelCard
        The card.

    Raises
    ------
    ModelError
        If it is no TOML, or fields are missing, unknown or of a wrong type.
    """
    try:
        return msgspec.convert(tomllib.loads(data.decode("utf-8")), ModelCard)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ModelError(f"{name}: not a model card: {error}", value=name) from None


def write_card(path: Path, fields: dict[str, Any]) -> ModelCard:
    """Write a card and read it back.

    Parameters
    ----------
    path : Path
        Where card.toml goes.
    fields : dict
        The fields of :class:`ModelCard` as plain values.

    Returns
    -------
    ModelCard
        The card as it will be read.
    """
    card = msgspec.convert(fields, ModelCard)
    text = _toml(msgspec.to_builtins(card))
    parsed = parse_card(text.encode(), name=path.name)
    path.write_text(text, encoding="utf-8")
    return parsed


def _toml(table: dict[str, Any], prefix: str = "") -> str:
    """Return TOML for the small subset that a card needs: tables, arrays of tables, plain values."""
    plain: list[str] = []
    nested: list[str] = []
    for key, value in table.items():
        path = prefix + _key(key)
        if isinstance(value, dict):
            nested.append(f"\n[{path}]\n{_toml(value, f'{path}.')}")
        elif isinstance(value, list | tuple) and value and all(isinstance(v, dict) for v in value):
            nested.extend(f"\n[[{path}]]\n{_toml(v, f'{path}.')}" for v in value)
        else:
            plain.append(f"{_key(key)} = {_value(value)}\n")
    return "".join(plain) + "".join(nested)


def _key(key: str) -> str:
    return key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else _value(key)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return msgspec.json.encode(value).decode()
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, list | tuple):
        inner = ", ".join(_value(item) for item in value)
        if len(inner) > 100:
            return "[\n" + "".join(f"    {_value(item)},\n" for item in value) + "]"
        return f"[{inner}]"
    if isinstance(value, int):
        return str(value)
    raise TypeError(f"a card cannot hold {type(value).__name__}: {value!r}")
