"""From a fitted network to the bytes that ship."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

__all__ = ["onnx_bytes", "without_traces"]


def onnx_bytes(
    network: Any, example: Any, *, inputs: list[str], outputs: list[str], max_batch: int | None = None
) -> bytes:
    """Return a network as ONNX with a free batch axis and nothing outside the file.

    Parameters
    ----------
    network : torch.nn.Module
        One input, one output.
    example : torch.Tensor
        An input; its first axis is the batch.
    inputs, outputs : list of str
        Names of the tensors.
    max_batch : int, optional
        Largest batch the model is to take.

    Returns
    -------
    bytes
        The model.
    """
    import torch

    limits = {} if max_batch is None else {"min": 1, "max": max_batch}
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "model.onnx"
        torch.onnx.export(
            network,
            (example,),
            path,
            input_names=inputs,
            output_names=outputs,
            dynamic_shapes=({0: torch.export.Dim("batch", **limits)},),
            dynamo=True,
            external_data=False,
            verbose=False,
        )
        return without_traces(path.read_bytes())


def without_traces(model_bytes: bytes) -> bytes:
    """Return a model without the notes of its exporter, which name the files of the machine it ran on.

    Parameters
    ----------
    model_bytes : bytes
        The model as exported.

    Returns
    -------
    bytes
        The same computation.
    """
    import onnx

    model = onnx.load_from_string(model_bytes)
    graph = model.graph
    parts = (*graph.node, *graph.initializer, *graph.value_info, *graph.input, *graph.output)
    for holder in (model, graph, *parts):
        if hasattr(holder, "metadata_props"):
            del holder.metadata_props[:]
        holder.doc_string = ""
    return bytes(model.SerializeToString(deterministic=True))
