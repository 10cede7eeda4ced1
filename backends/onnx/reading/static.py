"""Input shapes fixed for compilers, or written as open ones should be; `strip` takes it back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import onnx

from cam_core.errors import InputError, ModelError

from .functions import kept, packed
from .graph import Graph
from .graph import static as is_static
from .kinds import DATA_DEPENDENT
from .names import OPENED, STATIC
from .probes import is_open, miswritten, opened

Static = Sequence[int | None] | Mapping[str, Sequence[int | None]]
"""The shape of the one input, or shapes by input name; what is None stays as it is."""
BORDERS = ("input", "output")
"""Where the graph declares what it takes and gives."""


def fix(model: onnx.ModelProto, static: Static) -> onnx.ModelProto:
    """A copy of `model` whose inputs have these shapes; the declarations are kept in its metadata.

    A symbol that gets a size has it wherever it stands. Where no extent is left open by None, none
    of another input may be.

    Raises:
        InputError: a shape does not fit its input, or an input stays dynamic.
    """
    weights = {t.name for t in model.graph.initializer}
    fed = {i.name: i for i in model.graph.input if i.name not in weights}
    asked = dict(static) if isinstance(static, Mapping) else {_meant(fed, static): static}
    whole = not any(None in shape for shape in asked.values())
    sizes: dict[str, int] = {}
    for name, shape in asked.items():
        if name not in fed:
            raise InputError(f"no input '{name}' to fix; the model takes {', '.join(fed)}")
        _bind(fed[name], shape, sizes)
    fixed = onnx.ModelProto()
    fixed.CopyFrom(model)
    graph = fixed.graph
    for info in (*graph.input, *graph.output, *graph.value_info):
        for dim in info.type.tensor_type.shape.dim:
            if dim.dim_param in sizes:
                dim.dim_value = sizes[dim.dim_param]
    for info in (*(i for i in graph.input if i.name in fed), *graph.output):
        info.type.CopyFrom(opened(info.type))
    for info in graph.input:
        if info.name in asked:
            _declare(info, asked[info.name])
        elif whole and info.name in fed and any(map(is_open, info.type.tensor_type.shape.dim)):
            raise InputError(f"input '{info.name}' stays dynamic; give its shape too, by name")
    was = onnx.GraphProto(
        input=model.graph.input, output=model.graph.output, value_info=model.graph.value_info
    )
    fixed.metadata_props.add(key=STATIC, value=packed(was))
    return fixed


def _meant(fed: Mapping[str, onnx.ValueInfoProto], shape: Sequence[int | None]) -> str:
    """The input that a shape without a name is for: the only one, or the only one of its rank."""
    ranks = {name: len(info.type.tensor_type.shape.dim) for name, info in fed.items()}
    fitting = [name for name, rank in ranks.items() if rank == len(shape)]
    if len(fed) == 1 or len(fitting) == 1:
        return (fitting or list(fed))[0]
    raise InputError(f"the model takes {', '.join(fed)}: say which one {list(shape)} is for")


def _bind(info: onnx.ValueInfoProto, shape: Sequence[int | None], sizes: dict[str, int]) -> None:
    """Gives the input's symbols their sizes."""
    dims = info.type.tensor_type.shape.dim
    declared = [(dim.dim_param or "?") if is_open(dim) else dim.dim_value for dim in dims]
    where = f"input '{info.name}' is [{', '.join(map(str, declared))}], not {list(shape)}"
    if any(extent is not None and extent < 1 for extent in shape):
        raise InputError(f"{where}: extents are 1 or more")
    if not info.type.tensor_type.HasField("shape"):
        return
    if len(dims) != len(shape):
        raise InputError(f"{where}: give {len(dims)} extents")
    for dim, extent in zip(dims, shape, strict=True):
        if extent is None:
            continue
        if not is_open(dim) and dim.dim_value != extent:
            raise InputError(f"{where}: {dim.dim_value} is fixed in the model")
        if dim.dim_param and sizes.setdefault(dim.dim_param, extent) != extent:
            raise InputError(f"{where}: '{dim.dim_param}' is {sizes[dim.dim_param]} already")


def _declare(info: onnx.ValueInfoProto, shape: Iterable[Any]) -> None:
    """Says that the tensor has this shape; where it is None, what was said stays."""
    kind = info.type.tensor_type
    was = onnx.TensorShapeProto()
    was.CopyFrom(kind.shape)
    kind.ClearField("shape")
    kind.shape.SetInParent()
    for place, extent in enumerate(shape):
        dim = kind.shape.dim.add()
        if extent is not None:
            dim.dim_value = extent
        elif place < len(was.dim):
            dim.CopyFrom(was.dim[place])


def declare(graph: Graph) -> None:
    """Declares, in the fixed model itself, every extent that came out static."""
    for info in (*graph.model.graph.output, *graph.model.graph.value_info):
        shape = graph.tensors[info.name].shape if info.name in graph.tensors else None
        if info.type.WhichOneof("value") == "tensor_type" and shape and is_static(shape):
            _declare(info, shape)


def require_static(nodes: Iterable[Any]) -> None:
    """Every extent of the added (graphsurgeon) nodes is known.

    Raises:
        ModelError: one is computed at run time.
    """
    for node in nodes:
        for tensor in node.outputs:
            if node.op in DATA_DEPENDENT or not is_static(tensor.shape):
                source = next((t.name for t in node.inputs if not is_static(t.shape)), tensor.name)
                raise ModelError(
                    f"no static gradient: the extents of '{source}' depend on the data; "
                    f"fix no shapes, or choose a later layer"
                )


def with_open_borders(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy whose inputs and outputs have no extent of -1 or 0, which some exporters write.

    Runtimes take 0 at its word. `model` itself where it has none.
    """
    weights = {t.name for t in model.graph.initializer}
    borders = [*(i for i in model.graph.input if i.name not in weights), *model.graph.output]
    if not any(miswritten(info.type) for info in borders):
        return model
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for info in (*copy.graph.input, *copy.graph.output):
        if info.name not in weights:
            info.type.CopyFrom(opened(info.type))
    was = onnx.GraphProto(input=model.graph.input, output=model.graph.output)
    copy.metadata_props.add(key=OPENED, value=packed(was))
    return copy


def reopen(model: onnx.ModelProto, notes: Mapping[str, str]) -> None:
    """Puts back the declarations that were changed here; `notes`: what was added."""
    for key, fields in ((OPENED, BORDERS), (STATIC, (*BORDERS, "value_info"))):
        data = kept(notes, key)
        was = onnx.GraphProto() if data is None else onnx.GraphProto.FromString(data)
        for field in fields if data is not None else ():
            mine = getattr(model.graph, field)
            del mine[:]
            mine.extend(getattr(was, field))
