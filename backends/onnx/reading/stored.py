"""Every tensor that a file holds, how large it is, and whether it holds what its shape says."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import onnx
from onnx import TensorProto

from cam_core.errors import ModelError

LARGEST = 2**31
"""Elements of the largest tensor that is taken for meant."""
Graph = Any
"""A GraphProto or a FunctionProto."""
HELD: dict[int, str] = {
    **dict.fromkeys((TensorProto.FLOAT, TensorProto.COMPLEX64), "float_data"),
    **dict.fromkeys((TensorProto.DOUBLE, TensorProto.COMPLEX128), "double_data"),
    **dict.fromkeys((TensorProto.UINT32, TensorProto.UINT64), "uint64_data"),
    TensorProto.INT64: "int64_data",
    TensorProto.STRING: "string_data",
}
"""The field that holds a tensor's numbers where it is not raw_data; int32_data for the rest."""
KINDS = frozenset(TensorProto.DataType.values()) - {TensorProto.UNDEFINED}


def tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """Every tensor of the file: weights, and those in attributes, branches and functions."""
    for graph in (model.graph, *model.functions):
        yield from tensors_in(graph)


def tensors_in(graph: Graph) -> Iterator[onnx.TensorProto]:
    yield from getattr(graph, "initializer", ())
    for sparse in getattr(graph, "sparse_initializer", ()):
        yield from (sparse.values, sparse.indices)
    for attribute in (a for node in graph.node for a in node.attribute):
        if attribute.HasField("t"):
            yield attribute.t
        if attribute.HasField("sparse_tensor"):
            yield from (attribute.sparse_tensor.values, attribute.sparse_tensor.indices)
        yield from attribute.tensors
        for body in bodies(attribute):
            yield from tensors_in(body)


def sparse_tensors(graph: Graph) -> Iterator[onnx.SparseTensorProto]:
    """Those among them that are sparse: of a graph, its attributes and its branches."""
    yield from getattr(graph, "sparse_initializer", ())
    for attribute in (a for node in graph.node for a in node.attribute):
        if attribute.HasField("sparse_tensor"):
            yield attribute.sparse_tensor
        for body in bodies(attribute):
            yield from sparse_tensors(body)


def require_sparse(sparse: onnx.SparseTensorProto) -> None:
    """There is a place for each value, in a tensor of possible size.

    Raises:
        ModelError: there is not.
    """
    where = f"sparse weight '{sparse.values.name}'"
    shape, count = list(sparse.dims), list(sparse.values.dims)
    if any(extent < 0 for extent in shape) or math.prod(shape) > LARGEST:
        raise ModelError(f"{where} has an impossible shape {shape}; export the model again")
    places = list(sparse.indices.dims)
    fits = len(count) == 1 and places in (count, [*count, len(shape)])
    if not fits or sparse.indices.data_type != TensorProto.INT64:
        raise ModelError(
            f"{where} does not say where its values lie: values {count}, indices {places}, shape "
            f"{shape}; export the model again"
        )


def bodies(attribute: onnx.AttributeProto) -> list[onnx.GraphProto]:
    return [*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs]


def nbytes(tensor: onnx.TensorProto) -> int:
    """What its type and shape need, packed as files pack it."""
    name = TensorProto.DataType.Name(tensor.data_type)
    count: int = math.prod(tensor.dims)
    narrow = next((bits for bits in (2, 4) if name.startswith((f"INT{bits}", f"UINT{bits}"))), None)
    if narrow is None and name.startswith("FLOAT4"):
        narrow = 4
    if narrow is not None:
        return -(-count * narrow // 8)
    return count * int(onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize)


def require_held(tensor: onnx.TensorProto) -> None:
    """The tensor has a type and a shape, and holds as many numbers as they say.

    Raises:
        ModelError: it does not. What lies in other files is for `load` to look at.
    """
    where = f"weight '{tensor.name}'"
    if tensor.data_type not in KINDS:
        raise ModelError(
            f"{where} is of no known type ({tensor.data_type}); export the model again"
        )
    if any(extent < 0 for extent in tensor.dims):
        raise ModelError(f"{where} has a negative extent {list(tensor.dims)}; export it again")
    if tensor.data_location == TensorProto.EXTERNAL:
        return
    count = math.prod(tensor.dims)
    if tensor.HasField("raw_data"):
        held, need = len(tensor.raw_data), nbytes(tensor)
        unit = "bytes"
    else:
        held, need = len(getattr(tensor, HELD.get(tensor.data_type, "int32_data"))), count
        unit = "numbers"
        if tensor.data_type in (TensorProto.COMPLEX64, TensorProto.COMPLEX128):
            need *= 2
        elif nbytes(tensor) < count:
            need = nbytes(tensor)
    if held != need:
        raise ModelError(
            f"{where} does not hold what its shape says: {held:,} {unit} for "
            f"{list(tensor.dims)}; export the model again"
        )
