"""Parts of a model, as models of their own: all of it with more outputs, and what lies between."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

import numpy as np
import onnx
from onnx import numpy_helper

from ..finding.analysis import Analysis
from ..reading.graph import FIXED_IR, Node, Tensor
from ..reading.prepare import in_order, names_read
from ..writing.append import value_info
from ..writing.export import constants, exported
from ..writing.ir import raise_ir


def with_outputs(analysis: Analysis, tensors: Sequence[Tensor]) -> onnx.ModelProto:
    """A copy that also gives these tensors; the model itself where it gives them already."""
    own = {o.name for o in analysis.model.graph.output}
    missing = [t for t in tensors if t.name not in own]
    if not missing and analysis.model.ir_version >= FIXED_IR:
        return analysis.model
    model = onnx.ModelProto()
    model.CopyFrom(analysis.model)
    raise_ir(model)
    model.graph.output.extend(value_info(t, analysis.model) for t in missing)
    names = {t.name for t in tensors}
    needed: list[Node] = []
    for node in reversed(analysis.graph.extra):
        if any(t.name in names for t in node.outputs):
            needed.insert(0, node)
            names |= {t.name for t in node.inputs}
    model.graph.node.extend(exported(node) for node in needed)
    model.graph.initializer.extend(_constants(analysis, needed))
    return model


def beside(analysis: Analysis, layer: str, ends: Sequence[str] | None = None) -> list[str]:
    """What the model between a layer and the ends (None: the score) reads of the model before it.

    Skips that go round the layer, and inputs of the model: tensors that depend on what is fed and
    not on the layer. One that no session could hand on (a sequence) is made anew from what can be.
    """
    nodes, tensors = _nodes(analysis), analysis.graph.tensors
    after, fixed = _following(nodes, {layer}), _fixed(analysis, nodes)
    before = _following(nodes, {t.name for t in analysis.graph.inputs}) - after

    def stops(name: str) -> bool:
        handed_on = name in before and _is_tensor(tensors.get(name))
        return name == layer or name in fixed or handed_on

    _, met = _leading(nodes, [analysis.score.name] if ends is None else ends, stops)
    return sorted(met - {layer} - fixed)


def between(analysis: Analysis, given: Sequence[str], wanted: Sequence[str]) -> onnx.ModelProto:
    """The part of the model from some of its tensors to others, and what is constant there."""
    source, tensors, values = analysis.model, analysis.graph.tensors, analysis.graph.values
    nodes = _nodes(analysis)
    fixed = _fixed(analysis, nodes)
    nodes, met = _leading(nodes, wanted, {*given, *fixed}.__contains__)
    nodes = [_without(node, met) for node in nodes]
    made = {name for node in nodes for name in node.output} - set(wanted)
    read = {name for node in nodes for name in names_read(node)}
    model = onnx.ModelProto(ir_version=max(source.ir_version, FIXED_IR))
    model.opset_import.extend(source.opset_import)
    model.functions.extend(source.functions)
    graph = model.graph
    graph.name = "part"
    graph.node.extend(nodes)
    graph.initializer.extend(t for t in source.graph.initializer if t.name in read)
    graph.initializer.extend(
        numpy_helper.from_array(np.asarray(values[name]), name) for name in sorted(met & fixed)
    )
    graph.initializer.extend(
        t for t in _constants(analysis, analysis.graph.extra) if t.name in read
    )
    graph.sparse_initializer.extend(
        t for t in source.graph.sparse_initializer if t.values.name in read
    )
    graph.value_info.extend(i for i in source.graph.value_info if i.name in made)
    graph.input.extend(value_info(tensors[name], source) for name in given if name in met)
    graph.output.extend(value_info(tensors[name], source) for name in wanted)
    return model


def declare_made(part: onnx.ModelProto, analysis: Analysis) -> None:
    """Says of what a part makes which shapes it has, as far as the whole model told."""
    known = {info.name for info in (*part.graph.value_info, *part.graph.output)}
    made = (name for node in part.graph.node for name in node.output)
    tensors = (analysis.graph.tensors.get(name) for name in made if name not in known)
    part.graph.value_info.extend(
        value_info(t, analysis.model)
        for t in tensors
        if t is not None and _is_tensor(t) and t.shape is not None
    )


def _nodes(analysis: Analysis) -> list[onnx.NodeProto]:
    """Those of the file, and those that it does not hold."""
    return [*in_order(analysis.model.graph.node), *map(exported, analysis.graph.extra)]


def _constants(analysis: Analysis, nodes: Iterable[Node]) -> list[onnx.TensorProto]:
    """What nodes that the file does not hold read, and the file does not hold either."""
    found = constants(nodes, analysis.graph.tensors)
    return [numpy_helper.from_array(np.asarray(t.values), t.name) for t in found]


def _fixed(analysis: Analysis, nodes: Sequence[onnx.NodeProto]) -> set[str]:
    """What is computed from the inputs, and yet the same at every run: extents mostly."""
    fed = {t.name for t in analysis.graph.inputs}
    return (_following(nodes, fed) - fed).intersection(analysis.graph.values)


def _is_tensor(tensor: Tensor | None) -> bool:
    """Is it one that a session can hand on to another?"""
    kind = getattr(tensor, "type", "tensor_type")
    return tensor is not None and tensor.dtype is not None and kind == "tensor_type"


def _following(nodes: Iterable[onnx.NodeProto], names: Collection[str]) -> set[str]:
    """These tensors and all that is computed from them."""
    found = set(names)
    for node in nodes:
        if not found.isdisjoint(names_read(node)):
            found.update(name for name in node.output if name)
    return found


def _leading(
    nodes: Sequence[onnx.NodeProto], ends: Iterable[str], stops: Callable[[str], bool]
) -> tuple[list[onnx.NodeProto], set[str]]:
    """The nodes that compute the ends, and where they stop: the tensors that are given."""
    needed, met, found = set(ends), set[str](), []
    for node in reversed(nodes):
        if needed.isdisjoint(node.output):
            continue
        found.append(node)
        for name in filter(None, names_read(node)):
            (met if stops(name) else needed).add(name)
    return found[::-1], met


def _without(node: onnx.NodeProto, given: Collection[str]) -> onnx.NodeProto:
    """The node under another name for an output that is given, and so not its own."""
    if not any(name in given for name in node.output):
        return node
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    copy.output[:] = [f"cam.again.{name}" if name in given else name for name in node.output]
    return copy
