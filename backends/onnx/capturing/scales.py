"""The models for a detector whose scales are differentiated each on its own."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import onnx

from cam_core.errors import CamError

from ..finding.analysis import Analysis
from ..finding.joint import Joint, find_joint, rowwise
from ..finding.near import Near
from ..rules.paths import carried
from .cut import beside, between, with_outputs
from .part import Part, part
from .windows import Make, Sizes


@dataclass(frozen=True)
class Tail:
    """From the joined tensor to the score, along one axis."""

    axes: tuple[int, ...]
    """Of the joined tensor, as those of a `Scale`."""
    score: Near
    make: Make


@dataclass(frozen=True)
class Scales:
    """What runs forward, and the parts that run back: score <- joined <- ends <- layers."""

    joint: Joint
    score: str
    forward: onnx.ModelProto
    fetched: tuple[str, ...]
    """Outputs of the forward beyond the model's own."""
    tail: Tail | None
    """None: the joined tensor is the score."""
    heads: Mapping[str, Make]
    """From each layer to its ends."""
    links: Mapping[str, Part]
    """From a layer to the later layers that are computed from it."""
    moves: onnx.ModelProto
    """From the ends to the joined tensor, for whole numbers."""
    refused: None = None
    """As of `Split`: there is a derivative."""

    def shape(self, end: str, rows: int) -> tuple[int, ...]:
        """Of an end, where the score has so many rows."""
        return tuple(d if isinstance(d, int) else rows for d in self.joint.shapes[end])


def scales_of(analysis: Analysis, *, guided: bool = False) -> Scales | None:
    """The models for the layers of an analysis; None where they are no scales of one score."""
    graph, score = analysis.graph, analysis.score.name
    joint = find_joint(graph, analysis.choices, score)
    if joint is None:
        return None
    try:
        tail = _tail(analysis, joint.joined, guided)
        if tail is None and joint.joined != score:
            return None
        heads = {
            s.layer: _maker(analysis, s.layer, s.axes, [*s.ends], guided) for s in joint.scales
        }
        for scale in joint.scales:
            heads[scale.layer](scale.size)
        links = {name: _link(analysis, joint, name, guided) for name in joint.links}
    except CamError:  # whoever goes all the way says which operator has no derivative
        return None
    beside = [i.name for link in links.values() for i in link.model.graph.input]
    fetched, extra = _fetched(analysis, [score, *heads, joint.joined, *beside])
    forward = with_outputs(analysis, [graph.tensors[name] for name in extra])
    moves = _moves(analysis, joint)
    return Scales(joint, score, forward, fetched, tail, heads, links, moves)


def _tail(analysis: Analysis, joined: str, guided: bool) -> Tail | None:
    """Along the longest axis whose cells stay apart up to the score."""
    graph, score = analysis.graph, analysis.score.name
    tensor = graph.tensors[joined]
    extents = {i: d for i, d in enumerate(tensor.shape or ()) if isinstance(d, int) and d > 1}
    for axis in sorted(extents, key=extents.__getitem__, reverse=True):
        axes, here = rowwise(graph, tensor, [axis])
        if score in here and joined != score:
            make = _maker(analysis, joined, axes, [score], guided)
            make(tuple(2 * r + 1 for r in here[score].reach))
            return Tail(axes, here[score], make)
    return None


def _maker(
    analysis: Analysis, given: str, axes: Sequence[int], ends: Sequence[str], guided: bool
) -> Make:
    """The part from a tensor to its ends, for windows on these axes."""
    rank = len(analysis.graph.tensors[given].shape)

    @functools.cache
    def make(sizes: Sizes | None) -> Part:
        shapes = None
        if sizes is not None:
            on = dict(zip(axes, sizes, strict=True))
            shapes = {given: [on.get(axis) for axis in range(rank)]}
        return part(analysis, [given], ends, [given], shapes=shapes, guided=guided)

    return make


def _link(analysis: Analysis, joint: Joint, layer: str, guided: bool) -> Part:
    """From a layer to the later ones that are computed from it."""
    after = carried(analysis.graph.nodes, {layer}) - {layer}
    ends = [scale.layer for scale in joint.scales if scale.layer in after]
    given = [layer, *beside(analysis, layer, ends)]
    return part(analysis, given, ends, [layer], guided=guided)


def _fetched(analysis: Analysis, names: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
    """What the forward gives beyond the model's own, once each; of it what it does not give yet."""
    graph = analysis.graph
    own = {i.name for i in analysis.model.graph.input} | {t.name for t in graph.outputs}
    fetched = tuple(n for n in dict.fromkeys(names) if n in graph.tensors)
    return fetched, [name for name in fetched if name not in own]


def _moves(analysis: Analysis, joint: Joint) -> onnx.ModelProto:
    """What puts numbers elsewhere, for int64: the operators take any type."""
    model = between(analysis, joint.ends, [joint.joined])
    del model.graph.value_info[:]
    for info in (*model.graph.input, *model.graph.output):
        info.type.tensor_type.elem_type = onnx.TensorProto.INT64
    return model
