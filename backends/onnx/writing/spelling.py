"""How the model's own opset writes what the emitter writes in the newest form."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnx_graphsurgeon as gs

from cam_core.errors import ModelError

from ..reading.graph import Tensor
from ..reading.kinds import REDUCTIONS
from ..reading.normalise import FLOATS, INPUTS

AXES_INPUT = dict.fromkeys(REDUCTIONS, 18) | {"ReduceSum": 13}
AS_INPUT = AXES_INPUT | {
    "Squeeze": 13,
    "Unsqueeze": 13,
    "Slice": 10,
    "Pad": 11,
    "Clip": 11,
    "Split": 13,
    "TopK": 10,
    "Upsample": 9,
}
"""Since which opset the operators of `normalise.INPUTS` take them as inputs."""


def spell(
    op_type: str,
    inputs: list[Tensor],
    attrs: dict[str, Any],
    opset: int,
    value: Callable[[Tensor], Any],
) -> tuple[list[Tensor], dict[str, Any]]:
    """(inputs, attributes) of `op_type` as `opset` has them.

    Raises:
        ModelError: the opset has no such operator, or wants a constant where there is none.
    """
    attrs = {k: v for k, v in attrs.items() if v is not None}
    if op_type in AXES_INPUT and opset < AXES_INPUT[op_type]:
        attrs.pop("noop_with_empty_axes", None)
    if opset < AS_INPUT.get(op_type, 0):
        inputs, attrs = _to_attributes(op_type, inputs, attrs, value)
    if op_type in ("Cast", "CastLike"):
        attrs["to"] = _elem_type(attrs["to"])
    if op_type == "ConstantOfShape":
        attrs["value"] = gs.Constant("value", np.asarray(attrs["value"]).reshape(1))
    _require(op_type, attrs, opset)
    return inputs, attrs


def _elem_type(to: Any) -> int:
    return to if isinstance(to, int) else onnx.helper.np_dtype_to_tensor_dtype(np.dtype(to))


def _to_attributes(
    op_type: str, inputs: list[Tensor], attrs: dict[str, Any], value: Callable[[Tensor], Any]
) -> tuple[list[Tensor], dict[str, Any]]:
    attrs = dict(attrs)
    for tensor, attribute in zip(inputs[1:], INPUTS[op_type][1:], strict=False):
        if not tensor.name:
            continue
        array = value(tensor)
        if array is None:
            raise ModelError(
                f"{op_type} needs a constant '{attribute}' at the model's opset; "
                f"convert the model to opset 13 or newer"
            )
        flat = [float(v) if attribute in FLOATS else int(v) for v in np.ravel(array)]
        if attribute == "axes" and inputs[0].shape is not None:
            flat = _not_negative(op_type, flat, len(inputs[0].shape))
        single = attribute == "k" or (attribute in FLOATS and attribute != "scales")
        attrs[attribute] = flat[0] if single else flat
    return inputs[:1], attrs


def _not_negative(op_type: str, axes: list[Any], rank: int) -> list[Any]:
    """Opsets before 11 count axes from the front only."""
    rank += len(axes) if op_type == "Unsqueeze" else 0
    return [axis % rank for axis in axes]


def _require(op_type: str, attrs: dict[str, Any], opset: int) -> None:
    oldest = 16 if attrs.get("reduction", "none") != "none" and "Scatter" in op_type else 1
    if oldest == 1 and not _exists(op_type, opset):
        oldest = next(v for v in range(opset + 1, 99) if _exists(op_type, v))
    if opset < oldest:
        raise ModelError(
            f"the gradient needs {op_type} of opset {oldest}, the model has opset {opset}; "
            f"convert it with onnx.version_converter.convert_version(model, {max(oldest, 13)})"
        )


@functools.cache
def _exists(op_type: str, opset: int) -> bool:
    try:
        onnx.defs.get_schema(op_type, opset)
    except onnx.defs.SchemaError:
        return False
    return True
