"""The value of a node whose inputs are known: shape arithmetic and small constants."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, TypeProto, numpy_helper

from .draws import draws

Values = dict[str, np.ndarray[Any, Any]]

FOLD_LIMIT = 16384
"""Tensors up to this many elements are worth a value."""


def static_shape(kind: TypeProto | None) -> tuple[int, ...] | None:
    if kind is None or not kind.tensor_type.HasField("shape"):
        return None
    dims = kind.tensor_type.shape.dim
    return tuple(d.dim_value for d in dims) if all(d.HasField("dim_value") for d in dims) else None


def fold(node: onnx.NodeProto, types: MutableMapping[str, TypeProto], values: Values) -> None:
    """Gives small outputs of known inputs their value."""
    output = node.output[0] if node.output else ""
    if node.op_type == "Shape" and not node.domain:
        shape = static_shape(types.get(node.input[0]))
        if shape is not None:
            attrs = {a.name: a.i for a in node.attribute}
            part = shape[attrs.get("start", 0) : attrs.get("end", len(shape))]
            values[output] = np.array(part, np.int64)
        return
    if node.op_type == "Constant" and not node.domain:
        value = constant_value(node)
        if value is not None and value.size <= FOLD_LIMIT:
            values[output] = value
        return
    kept = [name for name in node.input if name]
    size = static_shape(types.get(output))
    if (
        not kept
        or any(name not in values for name in kept)
        or (size is not None and np.prod(size, dtype=np.int64) > FOLD_LIMIT)
        or draws(node.domain, node.op_type, node.input, values.get)
        or any(a.type == onnx.AttributeProto.GRAPH for a in node.attribute)
    ):
        return
    try:
        results = _evaluate(node, [values[n] for n in kept])
    except Exception:  # not evaluated is merely not folded
        return
    for name, value in zip(node.output, results, strict=False):
        if name and isinstance(value, np.ndarray | np.generic) and value.size <= FOLD_LIMIT:
            values[name] = np.asarray(value)
            types[name] = onnx.helper.make_tensor_type_proto(
                onnx.helper.np_dtype_to_tensor_dtype(np.asarray(value).dtype), value.shape
            )


FAST: dict[str, Any] = {
    "Identity": lambda v, a: v[0],
    "Gather": lambda v, a: np.take(v[0], v[1], axis=a.get("axis", 0)),
    "Concat": lambda v, a: np.concatenate(v, axis=a["axis"]),
    "Add": lambda v, a: v[0] + v[1],
    "Sub": lambda v, a: v[0] - v[1],
    "Mul": lambda v, a: v[0] * v[1],
}
"""The operators that shape chains are made of, evaluated without the reference's set-up."""


def _evaluate(node: onnx.NodeProto, arrays: list[Any]) -> list[Any]:
    attrs = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    if node.op_type in FAST and not node.domain:
        return [FAST[node.op_type](arrays, attrs)]
    if node.op_type in ("Unsqueeze", "Squeeze") and not node.domain:
        axes = tuple(int(i) for i in (attrs.get("axes") or (arrays[1] if arrays[1:] else ())))
        reshape = np.expand_dims if node.op_type == "Unsqueeze" else np.squeeze
        return [reshape(arrays[0], axes) if axes else np.squeeze(arrays[0])]
    if node.op_type == "Cast" and not node.domain:
        return [arrays[0].astype(onnx.helper.tensor_dtype_to_np_dtype(attrs["to"]))]
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
