"""A file with some of its tensors kept in float, and one that also gives what each would be."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import onnx

from ..reading.prepare import in_order, names_read
from .held_float import hold_float
from .suspects import PREFIX, Suspect, Suspects


def kept_in_float(
    model: onnx.ModelProto, every: Suspects, kept: Sequence[Suspect]
) -> onnx.ModelProto:
    """A copy in which the tensors of `kept` are not rounded: their pairs are taken out.

    Weights come from the float model; what is not read any more is gone.
    """
    instead = {name: new for s in kept for name, new in s.instead.items()}
    wide = {name: new for s in kept for name, new in s.wide.items()}
    made = onnx.ModelProto()
    made.CopyFrom(model)
    graph = made.graph
    nodes = []
    for node in [*model.graph.node, *every.nodes]:
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        table = instead | wide if _widens(node) else instead
        copy.input[:] = [_end(table, name) for name in node.input]
        nodes.append(copy)
    nodes += _outputs(nodes, graph, instead)
    del graph.node[:]
    graph.initializer.extend(every.weights)
    graph.node.extend(in_order(_needed(nodes, [o.name for o in graph.output])))
    read = {name for node in graph.node for name in names_read(node)}
    read |= {output.name for output in graph.output}
    held = [t for t in graph.initializer if t.name in read]
    del graph.initializer[:]
    graph.initializer.extend(held)
    stale = [i for i in graph.value_info if i.name in _made(graph.node)]
    del graph.value_info[:]
    graph.value_info.extend(stale)
    if kept:
        hold_float(made)
    return made


def extended(
    model: onnx.ModelProto, every: Suspects, given: Collection[str]
) -> tuple[onnx.ModelProto, list[str]]:
    """A copy that also gives these tensors, its own or those of the suspects; and their names."""
    made = onnx.ModelProto()
    made.CopyFrom(model)
    graph = made.graph
    nodes = _needed([*model.graph.node, *every.nodes], [*(o.name for o in graph.output), *given])
    wanted = {node.output[0] for node in nodes}
    graph.node.extend(node for node in every.nodes if node.output[0] in wanted)
    read = {name for node in graph.node for name in node.input}
    graph.initializer.extend(t for t in every.weights if t.name in read)
    own = {o.name for o in graph.output} | {i.name for i in graph.input}
    names = [name for name in dict.fromkeys(given) if name not in own]
    graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    return made, list(dict.fromkeys(given))


def _widens(node: onnx.NodeProto) -> bool:
    """Is what it reads made float32 or float64, and may be so already?"""
    wide = (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE)
    return node.op_type == "Cast" and any(a.name == "to" and a.i in wide for a in node.attribute)


def _end(table: Mapping[str, str], name: str) -> str:
    """What stands for a tensor in the end: what replaces one may be replaced itself."""
    while name in table:
        name = table[name]
    return name


def _outputs(
    nodes: Sequence[onnx.NodeProto], graph: onnx.GraphProto, instead: Mapping[str, str]
) -> list[onnx.NodeProto]:
    """Outputs that are kept in float keep their names: what made them makes another tensor."""
    found = []
    for output in graph.output:
        name = output.name
        if name not in instead:
            continue
        aside = f"{PREFIX}{name}.rounded"
        for node in nodes:
            node.output[:] = [aside if made == name else made for made in node.output]
            node.input[:] = [aside if read == name else read for read in node.input]
        found.append(onnx.helper.make_node("Identity", [instead[name]], [name], f"{PREFIX}{name}"))
    return found


def _needed(nodes: Sequence[onnx.NodeProto], ends: Sequence[str]) -> list[onnx.NodeProto]:
    """Those that the ends are computed from, in the order in which they stand."""
    makers = {name: i for i, node in enumerate(nodes) for name in node.output if name}
    todo, found = [name for name in ends if name in makers], set[int]()
    while todo:
        i = makers[todo.pop()]
        if i not in found:
            found.add(i)
            todo += [name for name in names_read(nodes[i]) if name in makers]
    return [nodes[i] for i in sorted(found)]


def _made(nodes: Sequence[onnx.NodeProto]) -> set[str]:
    return {name for node in nodes for name in node.output}
