"""Types of what If, Loop and Scan give: their bodies are walked with the types around them."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Collection, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, TypeProto, helper, numpy_helper

from .demands import Demand, Limit
from .draws import draws
from .fold import Values, worth
from .probes import opened


@dataclass
class Probe:
    """What is known of every tensor when each dynamic extent has a number."""

    types: MutableMapping[str, TypeProto] = field(default_factory=dict)
    values: Values = field(default_factory=dict)
    failures: int = 0
    decided: frozenset[str] | None = None
    """The conditions known whatever the extents are; None: all that have a value here."""
    fixed: Collection[str] = frozenset()
    """What is made of weights alone."""
    unmet: list[Demand] = field(default_factory=list)
    """What those demand of other tensors, which have another extent here."""
    limits: list[Limit] = field(default_factory=list)
    """The ends of tables that are read beyond them."""


Walk = Callable[[onnx.GraphProto, Probe], None]
Types = list[TypeProto | None]


def through_bodies(node: onnx.NodeProto, probe: Probe, walk: Walk) -> dict[str, TypeProto]:
    """The types of the node's outputs by name; `walk` visits the nodes of a body."""
    found = RULES[node.op_type](node, _attributes(node), probe, walk)
    return {n: kind for n, kind in zip(node.output, found, strict=False) if n and kind is not None}


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    return {a.name: helper.get_attribute_value(a) for a in node.attribute}


def _if(node: onnx.NodeProto, attrs: dict[str, Any], probe: Probe, walk: Walk) -> Types:
    """The taken branch's where the condition is known, else what both have in common."""
    name = node.input[0]
    if name in probe.values and (probe.decided is None or name in probe.decided):
        taken = "then_branch" if bool(np.all(probe.values[name])) else "else_branch"
        return _enter(attrs[taken], probe, [], walk)[0]
    both = (_enter(attrs[key], probe, [], walk)[0] for key in ("then_branch", "else_branch"))
    return [_common(a, b) for a, b in zip(*both, strict=False)]


def _loop(node: onnx.NodeProto, attrs: dict[str, Any], probe: Probe, walk: Walk) -> Types:
    body = attrs["body"]
    count, go = (probe.values.get(name) for name in node.input[:2])
    fixed: Types = [_tensor(TensorProto.INT64, []), _tensor(TensorProto.BOOL, [])]
    states, outs, inner = _repeated(body, probe, fixed, node.input[2:], [], walk)
    stop = inner.values.get(body.output[0].name)
    endless = stop is not None and bool(np.all(stop)) and (not node.input[1] or go is not None)
    trips = int(np.ravel(count)[0]) if count is not None and endless else None
    if go is not None and not np.all(go):
        trips = 0
    return [*states, *(_stacked(kind, trips, 0) for kind in outs[1 + len(states) :])]


def _scan(node: onnx.NodeProto, attrs: dict[str, Any], probe: Probe, walk: Walk) -> Types:
    body, elements = attrs["body"], attrs["num_scan_inputs"]
    split = len(node.input) - elements
    axes = list(attrs.get("scan_input_axes") or [0] * elements)
    sliced, trips = [], None
    for name, axis in zip(node.input[split:], axes, strict=True):
        kind = probe.types.get(name)
        piece, extent = _sliced(kind, axis)
        trips = extent if trips is None else trips
        sliced.append(piece)
    states, outs, _ = _repeated(body, probe, [], node.input[:split], sliced, walk)
    rest = outs[len(states) :]
    out_axes = attrs.get("scan_output_axes") or [0] * len(rest)
    stacks = (_stacked(k, trips, axis) for k, axis in zip(rest, out_axes, strict=True))
    return [*states, *stacks]


RULES: dict[str, Callable[[onnx.NodeProto, dict[str, Any], Probe, Walk], Types]] = {
    "If": _if,
    "Loop": _loop,
    "Scan": _scan,
}
SCOPED = {"If": 1, "Loop": 1, "Scan": 9}
"""The operators with bodies, and since which opset they are as they are read here."""


def _repeated(
    body: onnx.GraphProto,
    probe: Probe,
    before: Types,
    states: Sequence[str],
    after: Types,
    walk: Walk,
) -> tuple[Types, Types, Probe]:
    """(types of the states that hold in every iteration, all outputs' types, the last walk)."""
    kinds = [probe.types.get(name) for name in states]
    while True:
        outs, inner = _enter(body, probe, [*before, *kinds, *after], walk)
        first = 1 if before else 0
        carried = outs[first : first + len(kinds)]
        kept = [_common(a, b) for a, b in zip(kinds, carried, strict=True)]
        if kept == kinds:
            return kinds, outs, inner
        kinds = kept


def _enter(body: onnx.GraphProto, probe: Probe, kinds: Types, walk: Walk) -> tuple[Types, Probe]:
    """The types of a body's outputs; inside, no condition counts as known."""
    inner = Probe(ChainMap({}, probe.types), ChainMap({}, probe.values), 0, frozenset())  # type: ignore[arg-type]
    for info, kind in zip(body.input, kinds, strict=False):
        inner.types[info.name] = opened(info.type) if kind is None else kind
    for tensor in body.initializer:
        inner.types[tensor.name] = _tensor(tensor.data_type, tensor.dims)
        external = tensor.data_location == TensorProto.EXTERNAL
        if not external and worth(float(np.prod(tensor.dims)), tensor.data_type):
            inner.values[tensor.name] = numpy_helper.to_array(tensor)
    if len(kinds) > 1 and kinds[1] == _tensor(TensorProto.BOOL, []):
        inner.values[body.input[1].name] = np.array(True)  # an iteration that runs was let in
    walk(body, inner)
    probe.failures += inner.failures
    return [inner.types.get(o.name) for o in body.output], inner


def _tensor(elem: int, dims: Sequence[int]) -> TypeProto:
    return helper.make_tensor_type_proto(elem, dims)


def _dims(kind: TypeProto | None) -> list[Any] | None:
    """A dim message each; None where the rank is not known."""
    if kind is None or not kind.tensor_type.HasField("shape"):
        return None
    return list(kind.tensor_type.shape.dim)


def _with(kind: TypeProto, dims: Sequence[Any] | None) -> TypeProto:
    made = TypeProto()
    made.tensor_type.elem_type = kind.tensor_type.elem_type
    if dims is not None:
        made.tensor_type.shape.SetInParent()
        made.tensor_type.shape.dim.extend(dims)
    return made


def _common(a: TypeProto | None, b: TypeProto | None) -> TypeProto | None:
    """What both say; a rank or an extent that differs is open."""
    if a is None or b is None:
        return None
    if a == b or not a.HasField("tensor_type"):
        return a
    mine, theirs = _dims(a), _dims(b)
    if mine is None or theirs is None or len(mine) != len(theirs):
        return _with(a, None)
    open_dim = onnx.TensorShapeProto.Dimension()
    same = (_same(p, q) for p, q in _pairs(mine, theirs))
    return _with(a, [p if equal else open_dim for p, equal in zip(mine, same, strict=True)])


def _same(p: Any, q: Any) -> bool:
    """Are both a number, and the same? An open one reads as 0, as one that is empty does."""
    known = p.HasField("dim_value") and q.HasField("dim_value")
    return bool(known and p.dim_value == q.dim_value)


def _pairs(a: Sequence[Any], b: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    return zip(a, b, strict=True)


def _sliced(kind: TypeProto | None, axis: int) -> tuple[TypeProto | None, int | None]:
    """(one piece along `axis`, how many there are)."""
    dims = _dims(kind)
    if kind is None or dims is None:
        return (None if kind is None else _with(kind, None)), None
    extent = dims.pop(axis)
    return _with(kind, dims), (extent.dim_value if extent.HasField("dim_value") else None)


def _stacked(kind: TypeProto | None, trips: int | None, axis: int) -> TypeProto | None:
    dims = _dims(kind)
    if kind is None or dims is None:
        return kind
    count = onnx.TensorShapeProto.Dimension()
    if trips is not None:
        count.dim_value = trips
    dims.insert(axis % (len(dims) + 1), count)
    return _with(kind, dims)


def conditions_met(graph: onnx.GraphProto, values: Values) -> frozenset[str]:
    """The conditions of a graph's Ifs that had a value, and one only, under both probes."""
    return frozenset(n.input[0] for n in graph.node if n.op_type == "If") & set(values)


def conditions(
    graph: onnx.GraphProto,
    shapes: Mapping[str, tuple[Any, ...]],
    values: Values,
    weights: Collection[str],
) -> frozenset[str]:
    """Those of them that no dynamic extent has a part in: `batch == 1` is false only mostly."""
    met = conditions_met(graph, values)
    if not met:
        return met
    makers = {name: node for node in graph.node for name in node.output}
    known = set(weights)
    for node in graph.node:
        if _static(node, makers, shapes, values) or (
            all(name in known for name in node.input if name)
            and not draws(node.domain, node.op_type, node.input, values.get)
        ):
            known.update(node.output)
    return met & known


def _static(
    node: onnx.NodeProto,
    makers: Mapping[str, onnx.NodeProto],
    shapes: Mapping[str, tuple[Any, ...]],
    values: Values,
) -> bool:
    """Does it read extents, of which those that it gives are numbers?"""
    if node.op_type == "Gather" and node.input[0] in makers and node.input[1] in values:
        maker, chosen = makers[node.input[0]], np.ravel(values[node.input[1]])
        if maker.op_type == "Shape" and not maker.attribute:
            shape = shapes.get(maker.input[0], ())
            return all(-len(shape) <= i < len(shape) and isinstance(shape[i], int) for i in chosen)
    if node.op_type not in ("Shape", "Size") or node.input[0] not in shapes:
        return False
    attrs = _attributes(node)
    shape = shapes[node.input[0]]
    return all(isinstance(d, int) for d in shape[attrs.get("start", 0) : attrs.get("end")])
