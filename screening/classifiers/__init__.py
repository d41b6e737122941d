"""Classifiers: ONNX sessions behind verified bytes, and the cards that say what they are worth."""

from .card import ModelCard, Performance, TensorSpec, TrainingRecipe, parse_card, write_card
from .model import Model, load_model, shipped_models

__all__ = [
    "Model",
    "ModelCard",
    "Performance",
    "TensorSpec",
    "TrainingRecipe",
    "load_model",
    "parse_card",
    "shipped_models",
    "write_card",
]
