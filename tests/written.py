"""What an emitter wrote, as a valid model that onnxruntime runs."""

from __future__ import annotations

import re
from typing import Any

import onnx
import onnx.parser

from backends.onnx.reading.graph import Tensor
from backends.onnx.reading.prepare import prepare
from backends.onnx.writing.append import append
from backends.onnx.writing.emit import Emitter, Fit
from tests.sessions import run


def parsed(inputs: str, body: str, outputs: str, opset: int = 17, ir: int = 8) -> onnx.ModelProto:
    """A model in ONNX text."""
    return onnx.parser.parse_model(
        f'<ir_version: {ir}, opset_import: ["" : {opset}]> g ({inputs}) => ({outputs}) {{ {body} }}'
    )


def emitter(inputs: str, opset: int = 17, fit: Fit | None = None) -> Emitter:
    """One on a model that hands its first input through; its tensors are in `op.graph.tensors`."""
    found = re.match(r"(\w+(?:\[[^]]*\])?) (\w+)", inputs)
    assert found is not None, inputs
    return Emitter(
        prepare(parsed(inputs, f"same = Identity({found[2]})", f"{found[1]} same", opset)),
        fit=fit,
    )


def values(op: Emitter, *made: Tensor, **feed: Any) -> list[Any]:
    """What the tensors hold when the model is fed; their types and extents are as was said."""
    named = [op.named(tensor, f"made_{i}") for i, tensor in enumerate(made)]
    model = append(op, inputs=[], outputs=named)
    onnx.checker.check_model(model, full_check=True)
    results = run(model, feed)
    found = [results[tensor.name] for tensor in named]
    for tensor, value in zip(made, found, strict=True):
        assert value.dtype == tensor.dtype, tensor.name
        if tensor.shape is not None:
            assert value.ndim == len(tensor.shape), tensor.name
            said = zip(value.shape, tensor.shape, strict=True)
            assert all(have == want for have, want in said if isinstance(want, int)), tensor.name
    return found
