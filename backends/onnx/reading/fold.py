"""The value of a node whose inputs are known: shape arithmetic and small constants."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, TypeProto, numpy_helper

from .draws import draws

Value = np.ndarray[Any, Any]
Values = dict[str, Value]

FOLD_LIMIT = 16384
"""Tensors up to this many elements are worth a value."""
TABLE_LIMIT = 1 << 20
"""Of int64, which no weights are: a table says which cell is taken from where."""
LONG = (TensorProto.INT64, np.dtype(np.int64))


def worth(count: float, kind: object) -> bool:
    """Is a tensor of this many elements small enough? `kind`: ONNX's or NumPy's."""
    return count <= (TABLE_LIMIT if kind in LONG else FOLD_LIMIT)


def static_shape(kind: TypeProto | None) -> tuple[int, ...] | None:
    if kind is None or not kind.tensor_type.HasField("shape"):
        return None
    dims = kind.tensor_type.shape.dim
    return tuple(d.dim_value for d in dims) if all(d.HasField("dim_value") for d in dims) else None


def fold(node: onnx.NodeProto, types: MutableMapping[str, TypeProto], values: Values) -> None:
    """Gives small outputs of known inputs their value."""
    own = None if node.domain else OWN.get(node.op_type)
    if own is not None:
        value = own(node, types)
        if value is not None and worth(value.size, value.dtype):
            values[node.output[0]] = value
    elif _foldable(node, types, values):
        _keep(node, types, values)


def _shape(node: onnx.NodeProto, types: Mapping[str, TypeProto]) -> Value | None:
    shape = static_shape(types.get(node.input[0]))
    if shape is None:
        return None
    attrs = {a.name: a.i for a in node.attribute}
    return np.array(shape[attrs.get("start", 0) : attrs.get("end", len(shape))], np.int64)


OWN: dict[str, Callable[[onnx.NodeProto, Mapping[str, TypeProto]], Value | None]] = {
    "Shape": _shape,
    "Constant": lambda node, types: constant_value(node),
}
"""Operators whose value is known without that of an input."""


def _foldable(node: onnx.NodeProto, types: Mapping[str, TypeProto], values: Values) -> bool:
    """Are all inputs known, and is it small, has no bodies and gives the same at each run?"""
    kept = [name for name in node.input if name]
    if not kept or any(name not in values for name in kept):
        return False
    made = types.get(node.output[0] if node.output else "")
    size = static_shape(made)
    if size is not None and not worth(np.prod(size, dtype=np.float64), _elem(made)):
        return False
    bodies = any(a.type == onnx.AttributeProto.GRAPH for a in node.attribute)
    return not bodies and not draws(node.domain, node.op_type, node.input, values.get)


def _elem(kind: TypeProto | None) -> int:
    return TensorProto.UNDEFINED if kind is None else kind.tensor_type.elem_type


def _keep(node: onnx.NodeProto, types: MutableMapping[str, TypeProto], values: Values) -> None:
    """The node's outputs, by evaluating it; nothing where that fails."""
    try:
        results = _evaluate(node, [values[name] for name in node.input if name])
    except Exception:  # not evaluated is merely not folded
        return
    for name, value in zip(node.output, results, strict=False):
        if name and isinstance(value, np.ndarray | np.generic) and worth(value.size, value.dtype):
            values[name] = np.asarray(value)
            types[name] = onnx.helper.make_tensor_type_proto(
                onnx.helper.np_dtype_to_tensor_dtype(np.asarray(value).dtype), value.shape
            )


def _axes(v: Sequence[Any], a: Mapping[str, Any]) -> tuple[int, ...]:
    """As an attribute or as the second input."""
    return tuple(int(i) for i in (a.get("axes") or (v[1] if v[1:] else ())))


def _squeeze(v: Sequence[Any], a: Mapping[str, Any]) -> Value:
    axes = _axes(v, a)
    value: Value = np.squeeze(v[0], axes) if axes else np.squeeze(v[0])
    return value


FAST: dict[str, Callable[[Sequence[Any], Mapping[str, Any]], Value]] = {
    "Identity": lambda v, a: v[0],
    "Gather": lambda v, a: np.take(v[0], v[1], axis=a.get("axis", 0)),
    "Concat": lambda v, a: np.concatenate(v, axis=a["axis"]),
    "Add": lambda v, a: v[0] + v[1],
    "Sub": lambda v, a: v[0] - v[1],
    "Mul": lambda v, a: v[0] * v[1],
    "Squeeze": _squeeze,
    "Unsqueeze": lambda v, a: np.expand_dims(v[0], _axes(v, a)),
    "Cast": lambda v, a: v[0].astype(onnx.helper.tensor_dtype_to_np_dtype(a["to"])),
}
"""The operators that shape chains are made of, evaluated without the reference's set-up."""


def _evaluate(node: onnx.NodeProto, arrays: list[Any]) -> list[Any]:
    attrs = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    if node.op_type in FAST and not node.domain:
        return [FAST[node.op_type](arrays, attrs)]
    from onnx.reference import ReferenceEvaluator

    names = [name for name in node.input if name]
    return list(ReferenceEvaluator(node).run(None, dict(zip(names, arrays, strict=True))))


def constant_value(node: onnx.NodeProto) -> np.ndarray[Any, Any] | None:
    """The tensor of a Constant node, whichever attribute holds it.

    None if it is sparse, of strings, in another file or absent.
    """
    if not node.attribute:
        return None
    attribute = node.attribute[0]
    if attribute.name == "value":
        external = attribute.t.data_location == TensorProto.EXTERNAL
        if external or attribute.t.data_type == TensorProto.STRING:
            return None
        return numpy_helper.to_array(attribute.t)
    kind = {"value_float": np.float32, "value_floats": np.float32}
    kind |= {"value_int": np.int64, "value_ints": np.int64}  # type: ignore[dict-item]
    if attribute.name not in kind:
        return None
    return np.array(onnx.helper.get_attribute_value(attribute), kind[attribute.name])
