"""Dynamic extents, and the two numbers that stand for each while a graph is probed."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import onnx

from .fold import Values, static_shape
from .kinds import POOLS

WINDOWED = POOLS | {"Conv", "QLinearConv", "ConvInteger"}
"""Operators that slide a window, no larger than what it slides over."""
Pairs = dict[str, tuple[int, int]]
Types = Mapping[str, onnx.TypeProto]

BATCH_PROBE = (5, 7)
CLIPS = (480, 960)
"""Where those are refused: rows are parted by what divides them, the frames of a clip."""
ONE_ROW = (1, 1)
"""Tried last, where an output is declared so: an exporter baked its example's batch in."""
SPACE_PROBES = (((224, 288), (256, 320), (352, 384)), ((1024, 1536),), ((16384, 20480),))
"""Pairs for the other dynamic extents: images first, then long signals."""


def inputs(model: onnx.ModelProto) -> list[onnx.ValueInfoProto]:
    weights = {t.name for t in model.graph.initializer}
    return [i for i in model.graph.input if i.name not in weights]


def is_open(dim: Any) -> bool:
    """Is a declared dimension no number? Some exporters write -1 or 0 for an open one."""
    return not dim.HasField("dim_value") or dim.dim_value < 1


def miswritten(kind: onnx.TypeProto) -> bool:
    """Does -1 or 0 stand for an open dimension of the type?"""
    return any(d.HasField("dim_value") and is_open(d) for d in kind.tensor_type.shape.dim)


def opened(kind: onnx.TypeProto) -> onnx.TypeProto:
    """The type; a copy where it is miswritten."""
    if not miswritten(kind):
        return kind
    copy = onnx.TypeProto()
    copy.CopyFrom(kind)
    for dim in filter(is_open, copy.tensor_type.shape.dim):
        dim.ClearField("dim_value")
    return copy


def open_axes(model: onnx.ModelProto, name: str) -> list[int]:
    """The axes of an input that its declaration leaves open."""
    return [
        axis
        for info in inputs(model)
        for axis, dim in enumerate(info.type.tensor_type.shape.dim)
        if info.name == name and is_open(dim)
    ]


def symbol(info: onnx.ValueInfoProto, axis: int) -> str:
    dim = info.type.tensor_type.shape.dim[axis]
    return dim.dim_param or ("batch" if axis == 0 else f"{info.name}_{axis}")


def symbols(model: onnx.ModelProto) -> Iterator[tuple[str, bool]]:
    """(symbol, is it a batch) of every dynamic extent of the inputs."""
    seen = set()
    for info in inputs(model):
        for axis, dim in enumerate(info.type.tensor_type.shape.dim):
            name = symbol(info, axis)
            if is_open(dim) and name not in seen:
                seen.add(name)
                yield name, axis == 0


def assign(
    names: Sequence[tuple[str, bool]],
    spaces: Sequence[tuple[int, int]],
    batch: tuple[int, int],
    taken: Collection[tuple[int, int]],
) -> Pairs:
    """A pair of numbers each, other than those taken."""
    free = set(taken)
    pairs: Pairs = {}
    rows, places = _stepped((batch,), 6), _stepped(spaces, 32)
    for name, is_batch in names:
        if is_batch and batch == ONE_ROW:
            pairs[name] = ONE_ROW
            continue
        pairs[name] = next(pair for pair in (rows if is_batch else places) if pair not in free)
        free.add(pairs[name])
    return pairs


def _stepped(pairs: Sequence[tuple[int, int]], step: int) -> Iterator[tuple[int, int]]:
    """The pairs, and then larger ones without end."""
    for more in itertools.count(0, step):
        yield from ((low + more, high + more) for low, high in pairs)


def plans(model: onnx.ModelProto) -> Iterator[tuple[Sequence[tuple[int, int]], tuple[int, int]]]:
    """(pairs for space, a pair for the batch), the likeliest first."""
    yield from ((spaces, BATCH_PROBE) for spaces in SPACE_PROBES)
    yield SPACE_PROBES[0], CLIPS
    if any(
        [d.dim_value for d in o.type.tensor_type.shape.dim[:1]] == [1] for o in model.graph.output
    ):
        yield SPACE_PROBES[0], ONE_ROW


def too_short(node: onnx.NodeProto, types: Types, values: Values) -> bool:
    """Is a window of the node longer than what it slides over?

    Or does a table read beyond it? Inference rounds what is then below zero up to an extent that no
    run gives.
    """
    if not node.input or node.input[0] not in types:
        return False
    if node.op_type in ("Gather", "GatherND"):
        return _reads_beyond(node, types, values)
    if node.op_type == "STFT":
        return _frame_too_long(node, types, values)
    if node.op_type not in WINDOWED:
        return False
    attrs = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    if attrs.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID"):
        return False
    extents = [d.dim_value for d in types[node.input[0]].tensor_type.shape.dim[2:]]
    kernel = list(attrs.get("kernel_shape") or ())
    if not kernel and len(node.input) > 1 and node.input[1] in types:
        kernel = [d.dim_value for d in types[node.input[1]].tensor_type.shape.dim[2:]]
    pads = attrs.get("pads") or [0] * 2 * len(kernel)
    gaps = attrs.get("dilations") or [1] * len(kernel)
    return any(
        0 < extent + before + after < 1 + (k - 1) * gap
        for extent, k, gap, before, after in zip(
            extents, kernel, gaps, pads[: len(kernel)], pads[len(kernel) :], strict=False
        )
    )


def _reads_beyond(node: onnx.NodeProto, types: Types, values: Values) -> bool:
    """Has a table numbers of cells that are not there? (Of a GatherND, one of rows.)"""
    shape, table = static_shape(types[node.input[0]]), values.get(node.input[1])
    at = next((a.i for a in node.attribute if a.name == "axis"), 0)
    if not shape or table is None or not table.size or not -len(shape) <= at < len(shape):
        return False
    batched = any(a.i for a in node.attribute if a.name == "batch_dims")
    if node.op_type == "GatherND" and (table.shape[-1:] != (1,) or batched):
        return False
    return bool(0 < shape[at] <= table.max())


def _frame_too_long(node: onnx.NodeProto, types: Types, values: Values) -> bool:
    """Is a frame of the STFT longer than the signal [N, T, 1]?"""
    signal = static_shape(types[node.input[0]]) or (0, 0)
    given = [*node.input, "", ""]
    length = values.get(given[3])
    window = static_shape(types.get(given[2])) or (0,)
    return 0 < signal[1] < (window[0] if length is None else int(length))


def emptied(node: onnx.NodeProto, types: Sequence[Types], values: Sequence[Values]) -> bool:
    """Does a node make nothing of something, as the extents happen to be?

    `types` and `values`: what two probes know.
    """
    made = [static_shape(known.get(name)) or () for known in types for name in node.output]
    if all(min(shape, default=1) > 0 for shape in made):
        return False
    names = [name for name in node.input if name]
    kinds = [[known.get(name) for name in names] for known in types]
    if any(min(static_shape(kind) or (1,)) < 1 for kind in itertools.chain(*kinds)):
        return False
    numbers = [
        [np.ravel(known[name]).tolist() for name in names if name in known] for known in values
    ]
    return kinds[0] != kinds[1] or numbers[0] != numbers[1]


def levelled(node: onnx.NodeProto, types: Sequence[Types], values: Sequence[Values]) -> bool:
    """Does a node count as many windows in different extents, by rounding off?

    What hangs on the count would pass for the same at any size: frames that are far apart.
    """
    if not node.input or node.op_type not in {*WINDOWED, "STFT", "Div"}:
        return False
    given, made = node.input[0], node.output[0]
    if node.op_type == "Div":
        numbers = [[np.ravel(known.get(name, ())) for name in (given, made)] for known in values]
        (before, after), (later_before, later_after) = numbers
        whole = before.dtype.kind == later_before.dtype.kind == "i"
        same = before.shape == later_before.shape and after.shape == later_after.shape
        return whole and same and bool(((before != later_before) & (after == later_after)).any())
    first, second = ([static_shape(known.get(n)) or () for n in (given, made)] for known in types)
    at = range(1, 2) if node.op_type == "STFT" else range(2, len(first[0]))
    shapes = (*first, *second)
    if any(len(shape) <= max(at, default=0) for shape in shapes):
        return False
    return any(first[0][i] != second[0][i] and first[1][i] == second[1][i] for i in at)


def pair_of(name: str, probed: Pairs) -> tuple[int, int] | None:
    """What stood for an extent of the graphs around a body."""
    computed = re.fullmatch(r"(\d+)\|(\d+)", name)
    return (int(computed[1]), int(computed[2])) if computed else probed.get(name)
