"""How what is added is said in operators that browsers run on WebGPU; see `webgpu` for these.

One row of SPELLED for an operator that is lacking. Beside it, int64 is computed as int32 (kept as
the `narrow` promise, so that nothing is converted back and forth), and what has a kernel for
float32 alone computes whole numbers and truths in it: exact below 2^24, as classes are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_graphsurgeon as gs

from ..reading.graph import Tensor
from .op import Op
from .web_spelled import SPELLED
from .webgpu import CONDITION, KERNELS, kind_of

INT64, INT32 = np.dtype(np.int64), np.dtype(np.int32)
BOUNDS = np.iinfo(np.int32)
SETTINGS = {
    "Reshape": 1, "Expand": 1, "Tile": 1, "Slice": 1, "Pad": 1, "Unsqueeze": 1, "Squeeze": 1,
    "ReduceSum": 1, "ReduceMean": 1, "ReduceMax": 1, "ReduceMin": 1, "ReduceProd": 1, "Split": 1,
    "ReduceL1": 1, "ReduceL2": 1, "ReduceLogSum": 1, "ReduceLogSumExp": 1, "ReduceSumSquare": 1,
    "Resize": 1, "Upsample": 1, "TopK": 1, "CumSum": 1, "ScatterND": 1, "GatherND": 1,
    "ScatterElements": 1, "ConstantOfShape": 0, "DFT": 1, "Trilu": 1,
}  # fmt: skip
"""Since which operand they are told something: sizes, axes, places, which their specification has
as int64. What reads them is no arithmetic."""
INDEXED = {"Gather": 1, "GatherElements": 1}
"""Operators that take places as int32 too, and where."""
TRUTHS = frozenset({"Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual", "Not", "And"})
"""Whose result is no number of the operands' type."""


def fitted(
    op: Op, op_type: str, inputs: list[Tensor], outputs: int, attrs: dict[str, Any]
) -> tuple[Tensor, ...] | None:
    """The same for a browser; None where it is well as it is, or there is no way."""
    if op_type == "Cast":
        return _cast(op, inputs[0], attrs["to"])
    settled = [_settled(op, t) if i in _told(op_type, inputs) else t for i, t in enumerate(inputs)]
    if any(new is not old for new, old in zip(settled, inputs, strict=True)):
        return _emitted(op, op_type, settled, outputs, attrs)
    if op_type == "Concat" and inputs[0].dtype == INT64:
        known = [value for t in inputs if (value := op.value(t)) is not None]
        if len(known) == len(inputs):  # a shape, of extents that are fixed
            return (op.constant(np.concatenate(known, axis=attrs["axis"])),)
    spelled = SPELLED.get(op_type)
    made = None if spelled is None else spelled(op, *inputs, **attrs)
    if made is not None:
        return made if isinstance(made, tuple) else (made,)
    if any(t.dtype == INT64 and t.name for t in _data(op_type, inputs)):
        return _in_int32(op, op_type, inputs, outputs, attrs)
    if op_type in INDEXED and _wide(op, inputs[INDEXED[op_type]]):
        place = INDEXED[op_type]
        given = [narrowed(op, t) if i == place else t for i, t in enumerate(inputs)]
        return _emitted(op, op_type, given, outputs, attrs)
    return _in_float(op, op_type, inputs, outputs, attrs)


def _told(op_type: str, inputs: list[Tensor]) -> range:
    """Where it is told something."""
    return range(SETTINGS.get(op_type, len(inputs)), len(inputs))


def _settled(op: Op, x: Tensor) -> Tensor:
    """What the model computes of shapes, and is known as they are fixed, as a constant."""
    value = op.value(x)
    return x if value is None or isinstance(x, gs.Constant) else op.constant(value)


def narrowed(op: Op, x: Tensor) -> Tensor:
    """An int64 tensor as int32; a constant beyond its bounds is held at them."""
    value = op.value(x)
    if value is not None:
        return op.constant(np.clip(value, BOUNDS.min, BOUNDS.max).astype(np.int32))
    known = op.promises.narrow.get(x.name)
    return op.Cast(x, to=INT32) if known is None else known


def widened_again(op: Op, x: Tensor) -> Tensor:
    """An int32 tensor as int64, which remembers what it was."""
    wide: Tensor = op.plain("Cast", x, to=INT64)
    op.promises.narrow[wide.name] = x
    return wide


def _data(op_type: str, inputs: list[Tensor]) -> list[Tensor]:
    """The operands that are computed with."""
    return [inputs[place] for place in _places(op_type, inputs)]


def _places(op_type: str, inputs: list[Tensor]) -> range:
    """Where these are."""
    until = SETTINGS.get(op_type, INDEXED.get(op_type, len(inputs)))
    return range(CONDITION.get(op_type, 0), min(until, len(inputs)))


def _wide(op: Op, x: Tensor) -> bool:
    """Is it int64 that is computed at run time?"""
    return x.dtype == INT64 and op.value(x) is None


def _cast(op: Op, x: Tensor, to: Any) -> tuple[Tensor, ...] | None:
    """By way of what it was made of; a small constant is converted here and now."""
    if isinstance(to, int) or (x.dtype == INT32 and np.dtype(to) == INT64):
        return None
    known, value = op.promises.narrow.get(x.name), op.value(x)
    if known is not None:
        return (known if np.dtype(known.dtype) == np.dtype(to) else op.Cast(known, to=to),)
    if value is not None and x.dtype == INT64:
        return (op.constant(value.astype(to)),)
    if kind_of(x) == "s" and x.name in op.graph.producer:
        found = op.DequantizeLinear(x, np.ones((), np.float32))  # no Cast takes int8
        return (found if np.dtype(to) == np.float32 else op.Cast(found, to=to),)
    if np.dtype(to) == INT64:
        return (widened_again(op, op.Cast(x, to=INT32)),)
    if x.dtype != INT64 or np.dtype(to) == INT32:
        return None
    return (op.Cast(op.Cast(x, to=INT32), to=to),)


def _in_int32(
    op: Op, op_type: str, inputs: list[Tensor], outputs: int, attrs: dict[str, Any]
) -> tuple[Tensor, ...]:
    """Computed in int32; the results are int64 again for whoever asks for that."""
    there = _places(op_type, inputs)
    given = [
        narrowed(op, t) if i in there and t.dtype == INT64 and t.name else t
        for i, t in enumerate(inputs)
    ]
    made = _emitted(op, op_type, given, outputs, attrs)
    return tuple(widened_again(op, t) if t.dtype == INT32 else t for t in made)


def _in_float(
    op: Op, op_type: str, inputs: list[Tensor], outputs: int, attrs: dict[str, Any]
) -> tuple[Tensor, ...] | None:
    """Whole numbers and truths as float32, where there is a kernel for that alone.

    So is a weight of 8 bits, which the runtime converts once, when it loads.
    """
    kernel, data = KERNELS.get(op_type), _data(op_type, inputs)
    kind = kind_of(data[0]) if data else ""
    if kernel is None or kind in ("", "f") or kind in kernel.kinds or "f" not in kernel.kinds:
        return None
    own = np.dtype(data[0].dtype)
    there = _places(op_type, inputs)
    given = [
        op.Cast(t, to=np.float32) if i in there and t.dtype == own else t
        for i, t in enumerate(inputs)
    ]
    made = _emitted(op, op_type, given, outputs, attrs)
    if op_type in TRUTHS:
        return made
    return tuple(_back(op, t, own) if t.dtype == np.float32 else t for t in made)


def _back(op: Op, x: Tensor, own: np.dtype[Any]) -> Tensor:
    """In its own type again, which remembers what it was."""
    made: Tensor = op.plain("Cast", x, to=own)
    op.promises.narrow[made.name] = x
    return made


def _emitted(
    op: Op, op_type: str, inputs: list[Tensor], outputs: int, attrs: dict[str, Any]
) -> tuple[Tensor, ...]:
    """All that it makes."""
    made = op.emit(op_type, *inputs, outputs=outputs, **attrs)
    return made if isinstance(made, tuple) else (made,)
