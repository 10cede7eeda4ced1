"""The gate: an If around all that was added, so that `cam_enable` false costs nothing.

onnxruntime runs every node of a graph, whichever outputs are asked for; only a branch is skipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import onnx_graphsurgeon as gs
from onnx import TensorProto, helper

from ..reading.graph import Tensor
from ..reading.kinds import REARRANGING, WINDOWED_PRODUCTS
from ..reading.names import ENABLE_INPUT
from ..writing.op import Op

UNITED = 11
"""Since this opset the branches of an If may differ in shape, as far as inference is concerned."""


def condition() -> Tensor:
    """The input that opens the gate: a bool scalar."""
    return gs.Variable(ENABLE_INPUT, np.dtype(bool), ())


def close(
    model: onnx.ModelProto,
    source: onnx.ModelProto,
    op: Op,
    outputs: Sequence[Tensor],
    enable: Tensor,
) -> None:
    """Moves what `model` has beyond `source`, nodes and constants, into the branch of an If."""
    original = source.graph
    nodes = list(model.graph.node)[len(original.node) :]
    constants = list(model.graph.initializer)[len(original.initializer) :]
    del model.graph.node[len(original.node) :]
    del model.graph.initializer[len(original.initializer) :]
    promised = list(model.graph.value_info)[len(original.value_info) :]
    del model.graph.value_info[len(original.value_info) :]
    infos = list(model.graph.output)[len(original.output) :]
    constants += _carry_in(nodes, original)
    inner = {t.name: f"{t.name}.then" for t in outputs}
    for node in nodes:
        node.output[:] = [inner.get(name, name) for name in node.output]
        node.input[:] = [inner.get(name, name) for name in node.input]
    then = helper.make_graph(
        nodes,
        "cam.then",
        [],
        [_renamed(i, inner[i.name]) for i in infos],
        constants,
        value_info=promised,
    )
    other = _empty(infos, enable.name if op.opset < UNITED else "")
    model.graph.node.append(
        helper.make_node(
            "If",
            [enable.name],
            [t.name for t in outputs],
            name=op.name("If"),
            then_branch=then,
            else_branch=other,
        )
    )
    for info in model.graph.output[len(original.output) :]:
        info.type.tensor_type.shape.dim[0].Clear()  # N rows, or none


def _carry_in(nodes: Sequence[onnx.NodeProto], original: onnx.GraphProto) -> list[TensorProto]:
    """Copies, under names of their own, of the weights that the branch lays out anew."""
    folded: set[str] = set()
    for node in reversed(nodes):
        if node.op_type in WINDOWED_PRODUCTS:
            folded.update(node.input[1:2])
        elif node.op_type in REARRANGING and folded.intersection(node.output):
            folded.update(node.input[:1])
    weights = {t.name: t for t in original.initializer if t.name in folded}
    copies = []
    for name, weight in weights.items():
        copy = TensorProto()
        copy.CopyFrom(weight)
        copy.name = f"cam.then.{name}"
        copies.append(copy)
        for node in nodes:
            node.input[:] = [copy.name if i == name else i for i in node.input]
    return copies


def _renamed(info: onnx.ValueInfoProto, name: str) -> onnx.ValueInfoProto:
    copy = onnx.ValueInfoProto()
    copy.CopyFrom(info)
    copy.name = name
    return copy


def _empty(infos: Sequence[onnx.ValueInfoProto], hidden: str) -> onnx.GraphProto:
    """A graph whose outputs have 0 rows.

    `hidden` is the name of something that is 0 when the graph runs, and added to all shapes: no
    inference sees the 0 rows then, nor any folding of constants.
    """
    nodes, outputs = [], []
    for info in infos:
        kind = info.type.tensor_type
        shape = [0, *(d.dim_value or 1 for d in kind.shape.dim[1:])]
        dtype = helper.tensor_dtype_to_np_dtype(kind.elem_type)
        name = f"{info.name}.else"
        given = hidden or not np.issubdtype(dtype, np.floating)  # opset 8 has no other constants
        first = f"{name}.float" if given else name
        zeros = np.zeros(shape, np.float32 if given else dtype)
        nodes.append(_constant(first, zeros))
        if hidden:
            nodes.append(_constant(f"{name}.shape", np.array(shape, np.float32)))
            closed, total, size = (f"{name}.{part}" for part in ("closed", "total", "size"))
            nodes += [
                helper.make_node("Cast", [hidden], [closed], to=TensorProto.FLOAT),
                helper.make_node("Add", [f"{name}.shape", closed], [total]),
                helper.make_node("Cast", [total], [size], to=TensorProto.INT64),
                helper.make_node("Reshape", [first, size], [f"{name}.hidden"]),
            ]
            first = f"{name}.hidden"
        if given:
            nodes.append(helper.make_node("Cast", [first], [name], to=kind.elem_type))
        outputs.append(
            helper.make_tensor_value_info(name, kind.elem_type, [None if hidden else 0, *shape[1:]])
        )
    return helper.make_graph(nodes, "cam.else", [], outputs)


def _constant(name: str, value: np.ndarray[Any, Any]) -> onnx.NodeProto:
    held = onnx.numpy_helper.from_array(value, f"{name}.value")
    return helper.make_node("Constant", [], [name], name=name, value=held)
