"""Scores with their rows first, and class scores alone, by nodes of which the model holds none.

As quantised logits are brought to real units (`reading.units.dequantised`): `Graph.extra`.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
import onnx_graphsurgeon as gs

from cam_core.errors import ModelError

from ...reading.graph import Extent, Graph, Tensor
from ...reading.names import PREFIX

ROWS = f"{PREFIX}rows."
CLASSES = f"{PREFIX}classes."
OBJECTS = f"{PREFIX}objects."
LOGARITHMS = f"{PREFIX}log."
SCORES = f"{PREFIX}scores."
SCALES = f"{PREFIX}scales."
ANCHORS = f"{PREFIX}anchors."
HALVES = f"{PREFIX}half."
POWERS = f"{PREFIX}power."
MAPS = f"{PREFIX}maps."
FINITE = f"{PREFIX}finite."
SLICES = 10
"""From this opset on a Slice takes its bounds as inputs."""
AXES = 13
"""From this one on an Unsqueeze takes its axes as an input."""


def own_name(name: str) -> str:
    """A tensor's name in the file itself."""
    prefixes = (
        *(ROWS, CLASSES, OBJECTS, LOGARITHMS, SCORES, SCALES, ANCHORS, HALVES, POWERS, MAPS),
        *(FINITE, PREFIX),
    )
    while name.startswith(PREFIX):
        name = name.removeprefix(next(p for p in (*prefixes, PREFIX) if name.startswith(p)))
    return name


def rows_first(graph: Graph, tensor: Tensor, batch: int | None) -> Tensor:
    """The tensor as [N, ...]: its axis `batch` first, a [N] as [N, 1], one row [C] as [1, C]."""
    shape = list(tensor.shape)
    if len(shape) == 1:
        axis = 1 if batch == 0 else 0
        found: list[Extent] = [*shape, 1] if axis else [1, *shape]
        return _added(graph, ROWS, "Flatten", {"axis": axis}, [tensor], found)
    if not batch:
        return tensor
    order = [batch, *(i for i in range(len(shape)) if i != batch)]
    perm = [shape[i] for i in order]
    return _added(graph, ROWS, "Transpose", {"perm": order}, [tensor], perm)


def one_row(graph: Graph, tensor: Tensor) -> Tensor:
    """The whole of a tensor that counts no rows of an input as a single one, [1, ...].

    Raises:
        ModelError: more than one of its extents is open, in a file of an old opset.
    """
    extents = [extent if isinstance(extent, int) else -1 for extent in tensor.shape]
    if extents.count(-1) > 1 and graph.opset >= AXES:
        first = gs.Constant(f"{ROWS}{tensor.name}/axis", np.array([0], np.int64))
        return _added(graph, ROWS, "Unsqueeze", {}, [tensor, first], (1, *tensor.shape))
    if extents.count(-1) > 1:
        raise ModelError(
            f"output '{own_name(tensor.name)}' {list(tensor.shape)} counts no rows of an input, "
            "and its extents are open: fix the input's shape (--static, --size)"
        )
    name = f"{ROWS}{tensor.name}/shape"
    shape = gs.Constant(name, np.array([1, *extents], np.int64))
    return _added(graph, ROWS, "Reshape", {}, [tensor, shape], (1, *tensor.shape))


def classes_alone(
    graph: Graph, tensor: Tensor, axis: int, start: int, count: int, prefix: str = CLASSES
) -> Tensor:
    """`count` neighbours along an axis, from `start` on."""
    shape = list(tensor.shape)
    shape[axis] = count
    bounds = [
        gs.Constant(f"{prefix}{tensor.name}/{name}", np.array([value], np.int64))
        for name, value in (("start", start), ("end", start + count), ("axis", axis))
    ]
    return _added(graph, prefix, "Slice", {}, [tensor, *bounds], shape)


def log_scores(
    graph: Graph,
    tensor: Tensor,
    axis: int,
    start: int,
    count: int,
    objectness: int | None,
    *,
    powers: tuple[float, float] = (1, 1),
    logits: bool = False,
) -> Tensor:
    """log p of class probabilities; a log o + b log p where an objectness multiplies them.

    Args:
        powers: a and b of o^a p^b.
        logits: do they lack their sigmoids?
    """
    logarithm = _log_sigmoid if logits else _logarithm
    found = logarithm(graph, classes_alone(graph, tensor, axis, start, count))
    if objectness is None:
        return found
    there = logarithm(graph, classes_alone(graph, tensor, axis, objectness, 1, OBJECTS))
    there, found = (_times(graph, one, a) for one, a in zip((there, found), powers, strict=True))
    return _added(graph, SCORES, "Add", {}, [found, there], found.shape)


def _times(graph: Graph, tensor: Tensor, factor: float) -> Tensor:
    if factor == 1:
        return tensor
    constant = gs.Constant(f"{POWERS}{tensor.name}/of", np.array(factor, tensor.dtype))
    return _added(graph, POWERS, "Mul", {}, [tensor, constant], tensor.shape)


def log_rows(graph: Graph, tensor: Tensor, at: int | None) -> Tensor:
    """log p [N, n, 1] of probabilities [N, n] or one of [N, n, M]; N is 1 where it is left out."""
    single = tensor if at is None else classes_alone(graph, tensor, len(tensor.shape) - 1, at, 1)
    return _logarithm(graph, anchored(graph, single, batched=_batched(tensor, at), channel=None))


def _batched(tensor: Tensor, at: int | None) -> bool:
    return len(tensor.shape) == (2 if at is None else 3)


def joined_scales(
    graph: Graph, tensors: Sequence[Tensor], *, batched: bool, channel: int | None
) -> tuple[Tensor, int]:
    """The scores of all scales as one tensor, and its axis of classes."""
    axis = 1 if batched and channel == 1 else 2
    flat = [anchored(graph, t, batched=batched, channel=channel) for t in tensors]
    shape = list(flat[0].shape)
    extents = [t.shape[3 - axis] for t in flat]
    known = all(isinstance(extent, int) for extent in extents)
    shape[3 - axis] = sum(extents) if known else None
    return _added(graph, SCALES, "Concat", {"axis": 3 - axis}, flat, shape), axis


def log_products(
    graph: Graph, classes: Tensor, objects: Tensor | None = None, *, root: bool = False
) -> Tensor:
    """log p, or log o + log p of an objectness that multiplies; half of it, of their root."""
    found = _logarithm(graph, classes)
    if objects is None:
        return found
    both = _added(graph, SCORES, "Add", {}, [found, _logarithm(graph, objects)], found.shape)
    if not root:
        return both
    half = gs.Constant(f"{HALVES}{both.name}/half", np.array(0.5, both.dtype))
    return _added(graph, HALVES, "Mul", {}, [both, half], both.shape)


def anchored(graph: Graph, tensor: Tensor, *, batched: bool, channel: int | None) -> Tensor:
    """[N, C, A] where the channels come first, else [N, A, C]; anchors and maps in one row."""
    shape = list(tensor.shape)
    if len(shape) == 3 and batched and channel is not None:
        return tensor
    rows = shape[0] if batched else 1
    channels = 1 if channel is None else shape[channel]
    cells = [d for i, d in enumerate(shape) if i != channel and not (batched and i == 0)]
    count = prod(cells) if all(isinstance(d, int) for d in cells) else None
    first = batched and channel == 1
    form = [0 if batched else 1, channels, -1] if first else [0 if batched else 1, -1, channels]
    made = [rows, channels, count] if first else [rows, count, channels]
    target = gs.Constant(f"{ANCHORS}{tensor.name}/shape", np.array(form, np.int64))
    return _added(graph, ANCHORS, "Reshape", {}, [tensor, target], made)


def bounded(graph: Graph, tensor: Tensor) -> Tensor:
    """The same with the lowest number there is for -inf, which stands where a text has no word."""
    least = np.array(np.finfo(tensor.dtype).min, tensor.dtype)
    held = gs.Constant(f"{FINITE}{tensor.name}/least", least)
    return _added(graph, FINITE, "Max", {}, [tensor, held], tensor.shape)


def one_an_anchor(graph: Graph, tensor: Tensor, each: int) -> Tensor:
    """[N, each, h w, M] of a map [N, each M, h, w]; the same where each is 1."""
    if each == 1:
        return tensor
    rows, channels, *cells = tensor.shape
    count = prod(cells) if all(isinstance(d, int) for d in cells) else None
    name = f"{MAPS}{tensor.name}/shape"
    form = gs.Constant(name, np.array([0, each, channels // each, -1], np.int64))
    made = [rows, each, channels // each, count]
    apart = _added(graph, MAPS, "Reshape", {}, [tensor, form], made)
    made = [rows, each, count, channels // each]
    return _added(graph, MAPS, "Transpose", {"perm": [0, 1, 3, 2]}, [apart], made)


def _log_sigmoid(graph: Graph, tensor: Tensor) -> Tensor:
    """log sigmoid z = -softplus(-z), which no logit is too small for."""
    against = _added(graph, f"{LOGARITHMS}minus.", "Neg", {}, [tensor], tensor.shape)
    soft = _added(graph, f"{LOGARITHMS}soft.", "Softplus", {}, [against], tensor.shape)
    return _added(graph, LOGARITHMS, "Neg", {}, [soft], tensor.shape)


def _logarithm(graph: Graph, tensor: Tensor) -> Tensor:
    """Of probabilities; one that is 0 in the model's own type is as unlikely as that can say."""
    tiny = np.finfo(tensor.dtype).tiny
    least = gs.Constant(f"{LOGARITHMS}{tensor.name}/least", np.array(tiny, tensor.dtype))
    bounded = _added(graph, f"{LOGARITHMS}at least.", "Max", {}, [tensor, least], tensor.shape)
    return _added(graph, LOGARITHMS, "Log", {}, [bounded], tensor.shape)


def _added(
    graph: Graph, prefix: str, op_type: str, attrs: dict[str, Any], inputs: list[Tensor], shape: Any
) -> Tensor:
    """What the new node makes; made once."""
    name = f"{prefix}{inputs[0].name}"
    if name in graph.tensors:
        return graph.tensors[name]
    found = gs.Variable(name, inputs[0].dtype, tuple(shape))
    node = gs.Node(op_type, name, attrs, inputs, [found], "")
    graph.tensors[name] = found
    graph.nodes.append(node)
    graph.extra.append(node)
    graph.link()
    return found
