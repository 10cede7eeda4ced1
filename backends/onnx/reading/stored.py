"""Every tensor of a file, held or in another file beside it: is what its shape says there?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
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


def external_tensors(model: onnx.ModelProto) -> list[onnx.TensorProto]:
    """Those whose data lies in another file."""
    return [t for t in tensors(model) if t.data_location == onnx.TensorProto.EXTERNAL]


def external_entry(tensor: onnx.TensorProto) -> dict[str, str]:
    """`location`, `offset`, `length` of an external tensor, as the file spells them."""
    return {entry.key: entry.value for entry in tensor.external_data}


def embedded(tensor: onnx.TensorProto, folder: Path) -> onnx.TensorProto:
    """A copy of an external tensor that holds its data.

    Read here, for onnx refuses a file that is linked twice.
    """
    entry = external_entry(tensor)
    with (folder / entry["location"]).open("rb") as file:
        file.seek(int(entry.get("offset") or 0))
        data = file.read(nbytes(tensor))
    return onnx.TensorProto(
        name=tensor.name, data_type=tensor.data_type, dims=tensor.dims, raw_data=data
    )


def require_beside(tensor: onnx.TensorProto, model: str, folder: Path | None) -> None:
    entry = external_entry(tensor)
    location = entry.get("location", "")
    where = f"{model}: weight '{tensor.name}'"
    if folder is None:
        raise ModelError(f"{where} lies in the file '{location}'; open the model by its path")
    file = _beside(folder, location)
    if file is None:
        raise ModelError(f"{where} lies outside the model's folder ('{location}'); refused")
    if not file.is_file():
        raise ModelError(f"{where} lies in '{location}', which is absent; put it beside the model")
    need = nbytes(tensor)
    try:
        offset = int(entry.get("offset") or 0)
        length = int(entry.get("length") or need)
    except ValueError:
        raise ModelError(f"{where} has an unreadable offset or length; export it again") from None
    if offset < 0 or length != need:
        raise ModelError(
            f"{where} is said to lie at {offset} with {length} bytes, its shape needs {need}; "
            f"export it again"
        )
    if file.stat().st_size < offset + need:
        raise ModelError(
            f"{where} needs {offset + need} bytes of '{location}', which is shorter; truncated?"
        )


def _beside(folder: Path, location: str) -> Path | None:
    """The file that `location` means, or None where it is none in the folder."""
    home = folder.resolve()
    try:
        file = (home / location).resolve()
        file.is_file()
    except (OSError, ValueError, RuntimeError):  # too long, a zero byte, a ring of links
        return None
    return file if location and file.is_relative_to(home) else None
