"""Type, shape and value of every tensor, found by probing.

Each dynamic extent of the inputs is given two values and every node is inferred under both. An
extent that comes out the same twice is static; any other is named by its pair of values, so two
extents that were computed on different ways (batch * windows) compare equal when they are. Under
a probe all shape arithmetic folds, so the shape chains that exporters leave behind vanish.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Collection, Mapping

import onnx
from onnx import TypeProto, numpy_helper, shape_inference

from . import demands, probes
from .body_types import SCOPED, Probe, conditions, conditions_met, through_bodies
from .ceil_pools import schema_version
from .facts import Facts, merge
from .fold import Values, fold
from .kinds import SAME_TYPE
from .normalise import schema_at
from .probes import Pairs, Types

OUTSIDE: dict[tuple[str, str], Callable[[onnx.NodeProto, Types, Values], dict[str, TypeProto]]] = {}
"""(domain, operator) without a schema -> the types of its outputs (see rules/spelled_out.py)."""


def infer(model: onnx.ModelProto, small: Values, weights: Collection[str], probed: Pairs) -> Facts:
    """Facts on every tensor of `model`.

    Args:
        model: its weights are inputs.
        small: the constants worth a value.
        weights: names of all constants.
        probed: of a body, what stood for the extents of the graphs around it.
    """
    fixed = demands.made_of(model.graph, weights)
    facts = _probed(model, small, fixed, probed, None)
    known = conditions(model.graph, facts.shapes, facts.values, weights)
    if known != conditions_met(model.graph, facts.values):
        facts = _probed(model, small, fixed, probed, known)
    facts.decided = known
    return facts


def _probed(
    model: onnx.ModelProto,
    small: Values,
    fixed: Collection[str],
    probed: Pairs,
    decided: frozenset[str] | None,
) -> Facts:
    """The facts by two probes of every plan until one has no failures; weights go before plans."""
    around = [(name, probes.pair_of(name, probed)) for name, _ in probes.symbols(model)]
    known = {name: pair for name, pair in around if pair is not None}
    free = [(name, batch) for name, batch in probes.symbols(model) if name not in known]
    taken = {*probed.values(), *known.values()}
    places = [name for name, is_batch in free if not is_batch]
    found: list[tuple[int, Probe, Probe, Pairs]] = []

    def sweep(pairs: Pairs, at: int) -> Probe:
        return _sweep(model, small, {s: pair[at] for s, pair in pairs.items()}, decided, fixed)

    for spaces, batch in probes.plans(model):
        pairs = known | probes.assign(free, spaces, batch, taken)
        first = sweep(pairs, 0)
        second = sweep(pairs, 1) if pairs else first
        unmet = dict.fromkeys([*first.unmet, *second.unmet] if places else ())
        by_weights = demands.decided(
            model, unmet, pairs, places, lambda m, e: _sweep(m, small, e, decided).types
        )
        if by_weights:
            return _probed(model, small, fixed, probed | by_weights, decided)
        shorter = demands.within([*first.limits, *second.limits], pairs, [n for n, _ in free])
        if first.failures and shorter:
            return _probed(model, small, fixed, probed | shorter, decided)
        seen = (first.types, second.types), (first.values, second.values)
        empty = sum(probes.emptied(node, *seen) for node in model.graph.node)
        level = sum(probes.levelled(node, *seen) for node in model.graph.node)
        lost = first.failures + second.failures + len(unmet) + empty + level
        found.append((lost, first, second, probed | pairs))
        if lost == 0 or not free:
            break
    return merge(*min(found, key=operator.itemgetter(0))[1:])


def _sweep(
    model: onnx.ModelProto,
    small: Values,
    extents: Mapping[str, int],
    decided: frozenset[str] | None,
    fixed: Collection[str] = frozenset(),
) -> Probe:
    """One walk over the nodes with every input extent given a number."""
    probe = Probe(values=dict(small), decided=decided, fixed=fixed)
    for info in probes.inputs(model):
        kind = probe.types[info.name] = TypeProto()
        kind.CopyFrom(info.type)
        for axis, dim in enumerate(kind.tensor_type.shape.dim):
            if probes.is_open(dim):
                dim.dim_value = extents[probes.symbol(info, axis)]
    for tensor in model.graph.initializer:
        probe.types[tensor.name] = onnx.helper.make_tensor_type_proto(tensor.data_type, tensor.dims)
    _walk(model, model.graph, probe)
    return probe


def _walk(model: onnx.ModelProto, graph: onnx.GraphProto, probe: Probe) -> None:
    declared = {v.name: probes.opened(v.type) for v in (*graph.output, *graph.value_info)}
    for node in graph.node:
        _visit(model, node, probe, declared)


def _visit(model: onnx.ModelProto, node: onnx.NodeProto, probe: Probe, declared: Types) -> None:
    if node.op_type in SAME_TYPE and node.input[0] in probe.types:
        probe.types[node.output[0]] = probe.types[node.input[0]]
        return
    try:
        outputs = _infer(model, node, probe)
    except Exception:  # the schema refuses these types: the model is dubious, or the probe
        probe.failures += 1
        outputs = _infer_loosely(model, node, probe)
    probe.failures += probes.too_short(node, probe.types, probe.values)
    probe.unmet.extend(demands.unmet(node, probe.types, probe.values, probe.fixed))
    probe.limits.extend(demands.beyond(node, probe.types, probe.values, probe.fixed))
    if node.op_type == "GatherND":
        _complete(node, probe, outputs)
    for name in filter(None, node.output):
        found = outputs.get(name)
        if found is not None and (found.tensor_type.HasField("shape") or name not in declared):
            probe.types[name] = found
        elif name in declared:
            probe.types[name] = declared[name]
    fold(node, probe.types, probe.values)


def _complete(node: onnx.NodeProto, probe: Probe, outputs: Types) -> None:
    """The inference of GatherND leaves out the shape of a scalar."""
    x, indices = (probe.types.get(name, TypeProto()).tensor_type for name in node.input)
    found = outputs.get(node.output[0])
    if found is None or found.tensor_type.HasField("shape") or not x.HasField("shape"):
        return
    if indices.shape.dim and indices.shape.dim[-1].HasField("dim_value"):
        found.tensor_type.shape.SetInParent()


def _infer(model: onnx.ModelProto, node: onnx.NodeProto, probe: Probe) -> dict[str, TypeProto]:
    """The types of a node's outputs: by its bodies, by what it stands for, else by its schema."""
    domain = "" if node.domain == "ai.onnx" else node.domain
    versions = [o for o in model.opset_import if o.domain == node.domain or o.domain == domain]
    if not domain and node.op_type in SCOPED and versions[0].version >= SCOPED[node.op_type]:
        return through_bodies(node, probe, functools.partial(_walk, model))
    outside = OUTSIDE.get((domain, node.op_type))
    if outside is None and not (versions and onnx.defs.has(node.op_type, domain)):
        return {}
    types = _known_types(node, probe)
    if any(name and name not in types for name in node.input):
        return {}
    if outside is not None:
        return outside(node, types, probe.values)
    schema = schema_at(node.op_type, schema_version(node, versions[0].version), domain)
    found = shape_inference.infer_node_outputs(
        schema,
        node,
        types,
        input_data={
            name: numpy_helper.from_array(probe.values[name])
            for name in node.input
            if name in probe.values
        },
        opset_imports=list(model.opset_import),
        ir_version=model.ir_version,
    )
    return dict(found)


def _known_types(node: onnx.NodeProto, probe: Probe) -> dict[str, TypeProto]:
    """Of the inputs that have a type, or a value."""
    types = {name: probe.types[name] for name in node.input if name in probe.types}
    for name in (n for n in node.input if n in probe.values and n not in types):
        value = probe.values[name]
        kind = onnx.helper.np_dtype_to_tensor_dtype(value.dtype)
        types[name] = onnx.helper.make_tensor_type_proto(kind, value.shape)
    return types


def _infer_loosely(
    model: onnx.ModelProto, node: onnx.NodeProto, probe: Probe
) -> dict[str, TypeProto]:
    """The types alone, and what rank needs no input's shape."""
    shapeless = Probe(values=probe.values)
    for name in (name for name in node.input if name in probe.types):
        bare = shapeless.types[name] = TypeProto()
        bare.tensor_type.elem_type = probe.types[name].tensor_type.elem_type
    try:
        return _infer(model, node, shapeless)
    except Exception:  # not even the types fit
        return {}
