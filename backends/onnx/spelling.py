"""How the model's own opset writes what the emitter writes in the newest form."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnx_graphsurgeon as gs

from cam_core.errors import ModelError

from .normalise import FLOATS, INPUTS, REDUCTIONS
from .prepare import Tensor

if TYPE_CHECKING:
    from .emit import Emitter

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
        single = attribute == "k" or (attribute in FLOATS and attribute != "scales")
        attrs[attribute] = flat[0] if single else flat
    return inputs[:1], attrs


def _require(op_type: str, attrs: dict[str, Any], opset: int) -> None:
    oldest = 16 if attrs.get("reduction", "none") != "none" and "Scatter" in op_type else 1
    if oldest == 1 and not _exists(op_type, opset):
        oldest = next(v for v in range(opset + 1, 99) if _exists(op_type, v))
    if opset < oldest:
        raise ModelError(
            f"the gradient needs {op_type} of opset {oldest}, the model has opset {opset}; "
            f"convert it with onnx.version_converter.convert_version(model, {max(oldest, 13)})"
        )


def _exists(op_type: str, opset: int) -> bool:
    try:
        onnx.defs.get_schema(op_type, opset)
    except onnx.defs.SchemaError:
        return False
    return True


def lower(op: Emitter, op_type: str, inputs: list[Tensor], attrs: dict[str, Any]) -> Any:
    """What an old opset lacks, said with what it has; None where nothing is lacking."""
    since, lowering = LOWERINGS.get(op_type, (0, None))
    if lowering is None or op.opset >= since:
        return None
    return lowering(op, *inputs, **attrs)


def _where(op: Emitter, condition: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Opset 7 and 8: exact for finite numbers."""
    keep = op.Cast(condition, to=a.dtype)
    return op.Add(op.Mul(keep, a), op.Mul(op.Sub(1.0, keep), b))


def _equal(op: Emitter, a: Tensor, b: Tensor) -> Tensor | None:
    """Before opset 11 Equal takes integers only; browsers lack Or."""
    if np.issubdtype(np.dtype(a.dtype), np.floating):
        return op.And(op.Not(op.Greater(a, b)), op.Not(op.Less(a, b)))
    return None


def _greater_or_equal(op: Emitter, a: Tensor, b: Tensor) -> Tensor:
    return op.Not(op.Less(a, b))


def _less_or_equal(op: Emitter, a: Tensor, b: Tensor) -> Tensor:
    return op.Not(op.Greater(a, b))


def _comparison(name: str) -> Callable[..., Tensor | None]:
    def lowered(op: Emitter, a: Tensor, b: Tensor) -> Tensor | None:
        """Opset 7 and 8 compare floating point numbers only."""
        if np.issubdtype(np.dtype(a.dtype), np.floating):
            return None
        return op.emit(name, op.Cast(a, to=np.float32), op.Cast(b, to=np.float32))

    return lowered


def _expand(op: Emitter, x: Tensor, shape: Tensor) -> Tensor:
    """Opset 7: by an addition, or by repeating the axes of extent 1."""
    dims = op.value(shape)
    if dims is not None:
        return op.Add(x, np.zeros(dims, x.dtype))
    if not shape.shape or x.shape is None or None in (*x.shape, shape.shape[0]):
        raise ModelError(
            "opset 7 cannot broadcast a tensor of unknown shape; convert the model with "
            "onnx.version_converter.convert_version(model, 13)"
        )
    lead = shape.shape[0] - len(x.shape)
    x = op.Unsqueeze(x, list(range(lead))) if lead else x
    once = np.array([extent != 1 for extent in x.shape], np.int64)
    return op.Tile(x, op.Add(op.Mul(shape, 1 - once), once))


def _sign(op: Emitter, x: Tensor) -> Tensor:
    return op.Sub(op.Cast(op.Greater(x, 0.0), to=x.dtype), op.Cast(op.Less(x, 0.0), to=x.dtype))


def _pair(name: str, comparison: str) -> Callable[..., Tensor | None]:
    def lowered(op: Emitter, *inputs: Tensor) -> Tensor | None:
        """Before opset 8 Max and Min do not broadcast (and before 12 take no integers)."""
        if len(inputs) != 2:
            return None
        a, b = inputs
        if a.shape == b.shape and np.issubdtype(np.dtype(a.dtype), np.floating):
            return None
        return op.Where(op.emit(comparison, a, b), a, b)

    return lowered


LOWERINGS: dict[str, tuple[int, Callable[..., Any]]] = {
    "Where": (9, _where),
    "Equal": (11, _equal),
    "Greater": (9, _comparison("Greater")),
    "Less": (9, _comparison("Less")),
    "GreaterOrEqual": (12, _greater_or_equal),
    "LessOrEqual": (12, _less_or_equal),
    "Expand": (8, _expand),
    "Sign": (9, _sign),
    "Max": (8, _pair("Max", "Greater")),
    "Min": (8, _pair("Min", "Less")),
}
