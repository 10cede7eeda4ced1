"""What a file must hold: sound models pass, and each damage is told by the name of what has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import onnx
import pytest
from onnx import AttributeProto, helper

from backends.onnx.reading.wellformed import (
    require_made,
    require_nodes,
    require_sizes,
    require_text,
    require_typed,
)
from cam_core.errors import ModelError
from tests.external import net
from tests.instrumenting.nets import net as small_net
from tests.written import parsed

BRANCHES = """h = Sin(x)
    y = If (c) <then_branch = t () => (p) { p = Neg(h) },
                else_branch = e () => (q) { q = Transpose<perm = [0]>(h) }>"""


def branched() -> onnx.ModelProto:
    return parsed("float[2] x, bool c", BRANCHES, "float[2] y")


def clip() -> onnx.ModelProto:
    return parsed("float[N] x, float h", "b = Clip(x, , h) y = Softmax<axis = 0>(b)", "float[N] y")


@pytest.mark.parametrize("make", [net, small_net, branched, clip])
def test_a_sound_model_passes(make: Callable[[], onnx.ModelProto]) -> None:
    model = make()
    onnx.checker.check_model(model)
    require_text(model)
    require_made(model.graph)
    require_typed(model.graph)
    require_nodes(model.graph, {"": 17}, ())


def nested(model: onnx.ModelProto) -> Any:
    return model.graph.node[1].attribute[0].g.node[0]


@pytest.mark.parametrize("old", [b"Sin", b"\x01h", b"cam.x", b"Neg", b"then_branch", b"rows"])
def test_a_name_that_is_no_text_is_refused(old: bytes) -> None:
    """0xff, which is no UTF-8, in the bytes of a name."""
    model = branched()
    model.metadata_props.add(key="cam.x", value="v")
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "rows"
    data = model.SerializeToString()
    assert old in data
    damaged = onnx.ModelProto.FromString(data.replace(old, old[:-1] + b"\xff"))
    with pytest.raises(ModelError, match="a name that is no text"):
        require_text(damaged)


Damages = dict[str, tuple[Callable[[onnx.GraphProto], Any], str]]
MADE: Damages = {
    "read, not made": (lambda g: g.node[0].input.append("ghost"), "'Clip' reads 'ghost', which no"),
    "made twice": (lambda g: g.node[1].output.append("b"), "tensor 'b' is made twice"),
    "an input that is made": (lambda g: g.node[1].output.append("x"), "tensor 'x' is made twice"),
    "two inputs": (lambda g: g.input.append(g.input[0]), "tensor 'x' is made twice"),
    "no output": (lambda g: g.output.add(name="z"), "output 'z' is made by nothing"),
    "an output without name": (lambda g: g.output.add(), "output '' is made by nothing"),
}
TYPED: Damages = {
    "an unknown type": (lambda g: setattr(g.output[0].type.tensor_type, "elem_type", 99),
        r"tensor 'y' is of no known type \(99\)"),
    "no type": (lambda g: g.input[0].ClearField("type"), "input 'x' is no tensor of a known type"),
    "a list": (lambda g: g.input[0].type.sequence_type.elem_type.tensor_type.SetInParent(),
        "input 'x' is no tensor of a known type"),
}  # fmt: skip
NODES: Damages = {
    "no operator": (lambda g: setattr(g.node[0], "op_type", "Clop"), "no operator Clop in ONNX"),
    "too many inputs": (lambda g: g.node[1].input.append("h"),
        "node 'Softmax' has 2 inputs, Softmax takes 1"),
    "an input left out": (lambda g: g.node[1].input.__setitem__(0, ""),
        "node 'Softmax' has 0 inputs, Softmax takes 1"),
    "no output": (lambda g: g.node[0].ClearField("output"), "node 'Clip' has 0 outputs"),
    "another type": (lambda g: setattr(g.node[1].attribute[0], "type", AttributeProto.FLOAT),
        r"node 'Softmax' \(Softmax\): attribute 'axis' is no INT"),
    "of a function": (lambda g: setattr(g.node[1].attribute[0], "ref_attr_name", "axis"),
        "'axis' has no value"),
    "an attribute is lacking": (lambda g: g.node.append(helper.make_node("Cast", ["b"], ["i"])),
        r"node 'Cast' \(Cast\) lacks its attribute 'to'"),
    "of no schema": (lambda g: g.node.append(helper.make_node("Affine", [], ["i"])),
        r"node 'Affine' \(Affine\) lacks its input or output"),
    "a border of two sides": (
        lambda g: g.node.append(helper.make_node("Crop", ["b"], ["i"], border=[1, 2])),
        r"node 'Crop' \(Crop\): 'border' is not 4 numbers"),
    "no border": (lambda g: g.node.append(helper.make_node("Crop", ["b"], ["i"])),
        r"node 'Crop' \(Crop\): 'border' is not 4 numbers"),
    "a size of one side": (
        lambda g: g.node.append(
            helper.make_node("Crop", ["b"], ["i"], border=[0, 0, 0, 0], scale=[3])),
        r"node 'Crop' \(Crop\): 'scale' is not 2 numbers"),
}  # fmt: skip


def _nodes(graph: onnx.GraphProto) -> None:
    require_nodes(graph, {"": 17}, ["Affine", "Crop"])


@pytest.mark.parametrize(
    ("require", "damage", "told"),
    [
        pytest.param(require, *row, id=what)
        for require, rows in ((require_made, MADE), (require_typed, TYPED), (_nodes, NODES))
        for what, row in rows.items()
    ],
)
def test_a_damage_is_told(require: Any, damage: Any, told: str) -> None:
    graph = clip().graph
    damage(graph)
    with pytest.raises(ModelError, match=told):
        require(graph)


def test_a_damage_in_a_branch_is_told() -> None:
    model = branched()
    nested(model).op_type = "Nog"
    with pytest.raises(ModelError, match="no operator Nog"):
        require_nodes(model.graph, {"": 17}, ())


def test_what_others_define_is_not_ours_to_judge() -> None:
    graph = clip().graph
    graph.node.append(helper.make_node("Clop", [], ["i"], domain="my"))
    graph.node.append(helper.make_node("Attention", ["x"], ["j"]))  # newer than opset 17
    require_nodes(graph, {"": 17}, ())


@pytest.mark.parametrize(
    ("shape", "told"),
    [((3, "N", -2), r"tensor 'a' comes out as \[3, 'N', -2\]"),
     ((2**16, "N", 2**16), "tensor 'a' would hold 4,294,967,296 numbers")],
)  # fmt: skip
def test_impossible_sizes(shape: Any, told: str) -> None:
    with pytest.raises(ModelError, match=told):
        require_sizes({"b": (1, None), "a": shape})
    require_sizes({"b": (2**15, 2**16), "c": (), "d": (0, "N"), "e": (None, None)})
