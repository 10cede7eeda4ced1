"""A part of a model in float64, for differences over steps that float32 cannot tell apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import onnx
from onnx import AttributeProto, TensorProto, numpy_helper

from ..reading.graph import Shape
from .wide_ops import LOWERINGS, Part

OLDEST = 13
"""The opset in whose form operators are rewritten; older parts are raised to it."""
SAME = {TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.BOOL, TensorProto.INT32}
SAME |= {TensorProto.INT64}
"""Types that can be had in float64: what rounds to fewer bits is another function there."""

LARGE = 2**16
"""Weights of so many numbers are cast where they are read."""


def widened(model: onnx.ModelProto, shapes: Mapping[str, Shape]) -> onnx.ModelProto | None:
    """The same part with float64 for float32, by operators that runtimes have in float64.

    None where one of them is not known to have such a form, or a tensor is of fewer bits: the
    runtime then is not asked. `shapes`: of the model's tensors, as far as they are known.
    """
    if any(node.domain not in ("", "ai.onnx") for node in model.graph.node):
        return None
    raised = _raised(model)
    if raised is None or not _plain(raised.graph):
        return None
    graph = raised.graph
    values = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    _widen(graph)
    part = Part(values | _constants(graph.node), shapes)
    for node in graph.node:
        lowering = LOWERINGS.get(node.op_type)
        if lowering is None:
            part.nodes.append(node)
        elif not lowering(part, node):
            return None
    return _of(raised, part)


def _of(model: onnx.ModelProto, part: Part) -> onnx.ModelProto:
    """The model with the nodes of the part, and what is constant in them in float64."""
    graph = model.graph
    bodies = any(a.HasField("g") for node in part.nodes for a in node.attribute)
    read = {name for node in part.nodes for name in node.input}
    kept = [_copied(t) for t in graph.initializer if bodies or t.name in read]
    casts = [_wide_weight(t) for t in kept]
    del graph.node[:], graph.initializer[:]
    graph.node.extend([*filter(None, casts), *part.nodes])
    graph.initializer.extend(kept)
    graph.initializer.extend(numpy_helper.from_array(a, name) for name, a in part.made.items())
    return model


def _raised(model: onnx.ModelProto) -> onnx.ModelProto | None:
    """A copy, of an opset that is not too old; None where ONNX cannot raise it."""
    own = next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), 0)
    if own >= OLDEST:
        copy = onnx.ModelProto()
        copy.CopyFrom(model)
        return copy
    try:
        from onnx import version_converter

        return version_converter.convert_version(model, OLDEST)
    except Exception:  # it raises several kinds; without it the part stays as it is
        return None


def _plain(graph: onnx.GraphProto) -> bool:
    """Is nothing in it of fewer bits than float32, sparse or stored elsewhere?"""
    tensors = [*graph.initializer, *(t for node in graph.node for t in _tensors(node))]
    if graph.sparse_initializer or any(t.data_location for t in tensors):
        return False
    infos = [i.type.tensor_type.elem_type for i in (*graph.input, *graph.output)]
    casts = [a.i for n in graph.node if n.op_type == "Cast" for a in n.attribute if a.name == "to"]
    return SAME.issuperset([*infos, *casts, *(t.data_type for t in tensors)])


def _tensors(node: onnx.NodeProto) -> Iterable[TensorProto]:
    return (a.t for a in node.attribute if a.type == AttributeProto.TENSOR)


def _widen(graph: onnx.GraphProto) -> None:
    """Types, casts, and constants in nodes and bodies; in place, in a copy."""
    del graph.value_info[:]
    for info in (*graph.input, *graph.output):
        if info.type.tensor_type.elem_type == TensorProto.FLOAT:
            info.type.tensor_type.elem_type = TensorProto.DOUBLE
    for node in graph.node:
        _widen_node(node)


def _widen_node(node: onnx.NodeProto) -> None:
    for attribute in node.attribute:
        if attribute.type == AttributeProto.TENSOR:
            _double(attribute.t)
        elif attribute.type == AttributeProto.GRAPH:
            _widen(attribute.g)
            for tensor in attribute.g.initializer:
                _double(tensor)
        elif node.op_type == "Constant" and attribute.name in ("value_float", "value_floats"):
            value = np.asarray(onnx.helper.get_attribute_value(attribute), np.float64)
            attribute.CopyFrom(onnx.helper.make_attribute("value", numpy_helper.from_array(value)))
        elif node.op_type == "Cast" and attribute.name == "to":
            attribute.i = TensorProto.DOUBLE if attribute.i == TensorProto.FLOAT else attribute.i
    if node.op_type == "ConstantOfShape" and not node.attribute:
        zero = numpy_helper.from_array(np.zeros(1))
        node.attribute.append(onnx.helper.make_attribute("value", zero))


def _copied(tensor: TensorProto) -> TensorProto:
    copy = TensorProto()
    copy.CopyFrom(tensor)
    return copy


def _double(tensor: TensorProto) -> None:
    if tensor.data_type == TensorProto.FLOAT:
        wide = numpy_helper.to_array(tensor).astype(np.float64)
        tensor.CopyFrom(numpy_helper.from_array(wide, tensor.name))


def _wide_weight(tensor: TensorProto) -> onnx.NodeProto | None:
    """Makes it float64; a large one is left, and the node that casts it takes its name.

    A message may not be of 2 GiB. The runtime casts when it loads.
    """
    if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < LARGE:
        _double(tensor)
        return None
    name, tensor.name = tensor.name, f"cam.narrow.{tensor.name}"
    return onnx.helper.make_node("Cast", [tensor.name], [name], to=TensorProto.DOUBLE)


def _constants(nodes: Sequence[onnx.NodeProto]) -> dict[str, np.ndarray]:
    """What Constant nodes hold."""
    return {
        node.output[0]: numpy_helper.to_array(tensor)
        for node in nodes
        if node.op_type == "Constant"
        for tensor in _tensors(node)
    }
