"""One form for every operator: attributes filled with their defaults, and what newer opsets take
as inputs (axes, pads, bounds, sizes) always as inputs. Rules read only this form.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnx_graphsurgeon as gs
from onnx import helper

from .kinds import FLATTENING, REDUCTIONS

NEWEST = 26
"""The newest opset that onnxruntime loads."""

INPUTS = {
    "Squeeze": ("data", "axes"),
    "Unsqueeze": ("data", "axes"),
    "Slice": ("data", "starts", "ends", "axes"),
    "Pad": ("data", "pads", "value"),
    "Clip": ("input", "min", "max"),
    "Split": ("input", "split"),
    "TopK": ("X", "k"),
    "Upsample": ("X", "scales"),
    "Reshape": ("data", "shape"),
    "Tile": ("input", "repeats"),
    "Dropout": ("data", "ratio"),
}
"""Attributes of older opsets that became inputs, at the place they were given."""

INPUTS |= dict.fromkeys(REDUCTIONS, ("data", "axes"))

FLOATS = {"value", "min", "max", "scales", "ratio"}
"""Those of them that are floating point, of the first input's type."""

FORGOTTEN = {"STFT": ("onesided", 1)}
"""Defaults that ONNX's own inference does not go by."""

RENAMED = {"Scatter": "ScatterElements"}


def normalise(node: gs.Node, opset: int, dtype: np.dtype[Any]) -> None:
    """Brings `node` (of ai.onnx at `opset`) to the one form; `dtype` is its first input's."""
    if node.domain not in ("", None, "ai.onnx"):
        return
    _defaults(node, opset)
    for position, attribute in enumerate(INPUTS.get(node.op, ())):
        if attribute in node.attrs:
            _to_input(node, attribute, position, dtype)
    if node.op in FLATTENING:
        node.attrs["flatten"] = opset < 13
    if node.op == "BitCast" and node.attrs.get("to") == helper.np_dtype_to_tensor_dtype(dtype):
        node.op, node.attrs = "Identity", {}
    if node.op in SPECIAL:
        SPECIAL[node.op](node, opset)
    node.op = RENAMED.get(node.op, node.op)


def with_forgotten(node: onnx.NodeProto) -> onnx.NodeProto:
    """The node; a copy that says a default which inference forgets."""
    name, value = FORGOTTEN.get(node.op_type, ("", 0))
    if not name or any(a.name == name for a in node.attribute):
        return node
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    copy.attribute.append(helper.make_attribute(name, value))
    return copy


def schema_at(operator: str, opset: int, domain: str = "") -> Any:
    """The schema at an opset, or the newest where the operator came later.

    onnxruntime saves LayerNormalization at any opset.

    Raises:
        SchemaError: no runtime that is known has it.
    """
    try:
        return onnx.defs.get_schema(operator, opset, domain)
    except onnx.defs.SchemaError:
        return onnx.defs.get_schema(operator, NEWEST, domain)


def _defaults(node: gs.Node, opset: int) -> None:
    if not onnx.defs.has(node.op):
        return
    try:
        schema = schema_at(node.op, opset)
    except onnx.defs.SchemaError:  # newer than the model's opset: the runtime will say so
        return
    for name, attribute in schema.attributes.items():
        if name not in node.attrs and attribute.default_value.type:
            value = onnx.helper.get_attribute_value(attribute.default_value)
            node.attrs[name] = value.decode() if isinstance(value, bytes) else value


def _to_input(node: gs.Node, attribute: str, position: int, dtype: np.dtype[Any]) -> None:
    value = node.attrs.pop(attribute)
    while len(node.inputs) < position:
        node.inputs.append(gs.Variable.empty())
    kind = dtype if attribute in FLOATS else np.dtype(np.int64)
    if node.op == "Upsample":
        kind = np.dtype(np.float32)
    name = f"{node.outputs[0].name}/{attribute}"
    node.inputs.append(gs.Constant(name, np.array(value, kind)))


def _upsample(node: gs.Node, opset: int) -> None:
    """Upsample is Resize as opset 10 had it: asymmetric, nearest by floor."""
    node.op = "Resize"
    _resize(node, 10)


def _resize(node: gs.Node, opset: int) -> None:
    if opset >= 11:
        return
    node.attrs["coordinate_transformation_mode"] = "asymmetric"
    node.attrs["nearest_mode"] = "floor"
    node.inputs.insert(1, gs.Variable.empty())


SPECIAL: dict[str, Callable[[gs.Node, int], None]] = {"Upsample": _upsample, "Resize": _resize}
