"""Sparse weights, which runtimes make dense as they load them: so does whoever reads them here.

The files that are written keep them as they are.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import AttributeProto, TensorProto, numpy_helper

from cam_core.errors import ModelError

from .stored import bodies, embedded

MOST = 2**27
"""Elements of the largest that is made dense inside a body or for a change."""


def declared(sparse: onnx.SparseTensorProto, name: str = "") -> onnx.ValueInfoProto:
    """Its dense type."""
    kind, name = sparse.values.data_type, name or sparse.values.name
    return onnx.helper.make_tensor_value_info(name, kind, sparse.dims)


def sparse_value(node: onnx.NodeProto) -> onnx.SparseTensorProto | None:
    """What a Constant node gives, where that is sparse."""
    if node.op_type != "Constant" or node.domain not in ("", "ai.onnx"):
        return None
    held = (a.sparse_tensor for a in node.attribute if a.type == AttributeProto.SPARSE_TENSOR)
    return next(held, None)


def dense(sparse: onnx.SparseTensorProto, folder: Path | None = None) -> np.ndarray[Any, Any]:
    """All of its elements; `folder`: where external data lies.

    Raises:
        ModelError: an index is outside the tensor.
    """
    values, indices = (_array(tensor, folder) for tensor in (sparse.values, sparse.indices))
    shape = tuple(sparse.dims)
    places = indices.T if indices.ndim == 2 else np.atleast_2d(indices)
    limits = np.reshape(shape if indices.ndim == 2 else math.prod(shape), (-1, 1))
    if not np.all((places >= 0) & (places < limits)):
        raise ModelError(
            f"sparse weight '{sparse.values.name}' has an index outside its shape {list(shape)}; "
            f"export the model again"
        )
    whole = np.zeros(shape, values.dtype)
    if indices.ndim == 2:
        whole[tuple(places)] = values
    else:
        whole.reshape(-1)[places[0]] = values
    return whole


def _array(tensor: TensorProto, folder: Path | None) -> np.ndarray[Any, Any]:
    if tensor.data_location == TensorProto.EXTERNAL and folder is not None:
        tensor = embedded(tensor, folder)
    return numpy_helper.to_array(tensor)


def with_dense(node: onnx.NodeProto, folder: Path | None) -> onnx.NodeProto:
    """`node` itself, or a copy with dense tensors where it or its bodies hold sparse ones."""
    if not _holds(node):
        return node
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    for attribute in copy.attribute:
        if attribute.type == AttributeProto.SPARSE_TENSOR:
            tensor = _tensor(attribute.sparse_tensor, folder)
            attribute.CopyFrom(onnx.helper.make_attribute("value", tensor))
        for body in bodies(attribute):
            densify(body, folder)
    return copy


def densify(graph: onnx.GraphProto, folder: Path | None) -> None:
    """Makes all that is sparse in a graph dense, in place."""
    graph.initializer.extend(_tensor(sparse, folder) for sparse in graph.sparse_initializer)
    del graph.sparse_initializer[:]
    for node in graph.node:
        if _holds(node):
            node.CopyFrom(with_dense(node, folder))


def _tensor(sparse: onnx.SparseTensorProto, folder: Path | None) -> TensorProto:
    name = sparse.values.name
    if math.prod(sparse.dims) > MOST or sparse.values.data_type == TensorProto.STRING:
        raise ModelError(
            f"sparse weight '{name}' {list(sparse.dims)} cannot be made dense; export it dense"
        )
    return numpy_helper.from_array(dense(sparse, folder), name)


def _holds(node: onnx.NodeProto) -> bool:
    return any(
        attribute.type == AttributeProto.SPARSE_TENSOR
        or any(
            len(body.sparse_initializer) or any(_holds(inner) for inner in body.node)
            for body in bodies(attribute)
        )
        for attribute in node.attribute
    )
