"""Data sets, fits, ONNX export and model cards. Run time never loads it (extra ``train``)."""

from .registry import TRAINERS, Progress, Trainer, train

__all__ = ["TRAINERS", "Progress", "Trainer", "train"]
