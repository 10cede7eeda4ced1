"""Types and shapes of what is written, by ONNX's own inference, a node at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TypeProto, numpy_helper, shape_inference

from ..reading.graph import Node, Shape, Tensor
from .export import exported
from .op import Op


def inferred(op: Op, node: Node) -> list[tuple[Any, Shape | None]]:
    """(type, shape) of each output of a node."""
    schema = onnx.defs.get_schema(node.op, op.opset)
    values = {t.name: op.value(t) for t in node.inputs if t.name}
    found = shape_inference.infer_node_outputs(
        schema,
        exported(node),
        {t.name: op.type_of(t) for t in node.inputs if t.name},
        input_data={n: numpy_helper.from_array(v) for n, v in values.items() if v is not None},
        opset_imports=[onnx.helper.make_opsetid("", op.opset)],
    )
    return [_read(found.get(t.name)) for t in node.outputs]


def type_of(tensor: Tensor) -> TypeProto:
    """A tensor's type as ONNX writes it."""
    elem = tensor.dtype
    if not isinstance(elem, int):
        elem = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(elem or np.float32))
    return onnx.helper.make_tensor_type_proto(elem, tensor.shape)


def _read(kind: TypeProto | None) -> tuple[Any, Shape | None]:
    if kind is None:
        return np.dtype(np.float32), None
    tensor = kind.tensor_type
    dtype = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type))
    if not tensor.HasField("shape"):
        return dtype, None
    return dtype, tuple(
        d.dim_value if d.HasField("dim_value") else (d.dim_param or None) for d in tensor.shape.dim
    )
