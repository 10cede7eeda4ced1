"""What is appended: the original part stays message for message, and the whole is valid ONNX."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx_graphsurgeon as gs
import pytest
from onnx import numpy_helper

from backends.onnx.reading.prepare import prepare
from backends.onnx.writing.append import (
    append,
    exported_all,
    new_constants,
    promises,
    value_info,
)
from backends.onnx.writing.emit import Emitter
from tests.sessions import run
from tests.written import parsed

X = np.arange(6, dtype=np.float32).reshape(2, 3)


def source(ir: int = 8) -> onnx.ModelProto:
    more = ", float[3] w" if ir < 4 else ""
    model = parsed(f"float[N,3] x{more}", "a = Mul(x, w) y = Relu(a)", "float[N,3] y", ir=ir)
    weight = np.array([1.0, -2.0, 3.0], np.float32)
    model.graph.initializer.append(numpy_helper.from_array(weight, "w"))
    model.metadata_props.add(key="who", value="me")
    return model


def extents(info: onnx.ValueInfoProto) -> list[Any]:
    dims = info.type.tensor_type.shape.dim
    return [d.dim_value if d.HasField("dim_value") else d.dim_param for d in dims]


def test_the_original_part_stays_and_the_new_one_follows() -> None:
    model = source()
    before = model.SerializeToString()
    op = Emitter(prepare(model))
    t, given = op.graph.tensors, gs.Variable("by", np.dtype(np.float32), ("N", 1))
    op.Exp(t["x"])
    made = op.named(op.Add(op.Mul(t["a"], given), np.array([9, 8, 7], np.float32)), "more")
    found = append(op, inputs=[given], outputs=[made])
    assert model.SerializeToString() == before
    onnx.checker.check_model(found, full_check=True)
    for field in ("node", "input", "output", "initializer"):
        mine, theirs = (list(getattr(m.graph, field)) for m in (model, found))
        assert theirs[: len(mine)] == mine, field
    added = list(found.graph.node)[2:]
    assert [node.op_type for node in added] == ["Mul", "Add", "Identity"]  # not the Exp
    assert [list(numpy_helper.to_array(t)) for t in found.graph.initializer[1:]] == [[9, 8, 7]]
    assert (found.graph.input[1].name, extents(found.graph.input[1])) == ("by", ["N", 1])
    assert (found.graph.output[1].name, extents(found.graph.output[1])) == ("more", ["N", 3])
    assert [(p.key, p.value) for p in found.metadata_props] == [("who", "me")]
    by = np.array([[2.0], [3.0]], np.float32)
    results = run(found, x=X, by=by)
    np.testing.assert_array_equal(results["more"], X * [1, -2, 3] * by + [9, 8, 7])
    np.testing.assert_array_equal(results["y"], run(model, x=X)["y"])


def test_a_constant_of_the_model_is_held_once() -> None:
    model = source()
    op = Emitter(prepare(model))
    w = op.graph.tensors["w"]
    made = op.named(op.Mul(op.Add(w, 1.0), w), "z")
    nodes = op.needed([made])
    assert [t.values.tolist() for t in new_constants(op, nodes)] == [1.0]
    found = append(op, inputs=[], outputs=[made])
    assert [t.name for t in found.graph.initializer].count("w") == 1
    np.testing.assert_array_equal(run(found, x=X)["z"], [2, 2, 12])


@pytest.mark.parametrize("ir", [3, 8])
def test_an_old_file_is_raised_to_where_weights_are_no_inputs(ir: int) -> None:
    model = source(ir)
    op = Emitter(prepare(model))
    made = op.named(op.Add(op.graph.tensors["y"], 1.0), "z")
    found = append(op, inputs=[], outputs=[made])
    assert found.ir_version == max(ir, 4)
    np.testing.assert_array_equal(run(found, x=X)["z"], np.maximum(X * [1, -2, 3], 0) + 1)


def test_shapes_that_inference_cannot_know_are_declared() -> None:
    op = Emitter(prepare(parsed("float[N,3] x, int64[2] to", "y = Neg(x)", "float[N,3] y")))
    t = op.graph.tensors
    seen = op.typed(op.Reshape(t["x"], t["to"]), ("N", 3))
    fixed = op.typed(op.Reshape(op.Neg(t["x"]), t["to"]), (2, 3))
    plain = op.Abs(seen)
    infos = promises(op, op.needed([fixed, plain]))
    assert [(info.name, extents(info)) for info in infos] == [(seen.name, ["N", 3])]
    found = append(op, inputs=[], outputs=[op.named(plain, "z")])
    assert [info.name for info in found.graph.value_info] == [seen.name]
    onnx.checker.check_model(found, full_check=True)
    np.testing.assert_array_equal(run(found, x=-X, to=np.array([2, 3]))["z"], X)


@pytest.mark.parametrize(
    ("shape", "declared"),
    [((2, 3), [2, 3]), (("N", 3), ["N", 3]), (("10|14", None), ["", ""]), ((), [])],
)
def test_extents_that_the_inputs_do_not_name_stay_open(shape: Any, declared: list[Any]) -> None:
    info = value_info(gs.Variable("t", np.dtype(np.float16), shape), source())
    assert info.type.tensor_type.elem_type == onnx.TensorProto.FLOAT16
    assert extents(info) == declared


def test_bodies_have_constants_of_their_own() -> None:
    """What stands around a body is not held in it again."""
    op = Emitter(prepare(parsed("float[2,3] x, bool c", "y = Neg(x)", "float[2,3] y")))
    x, shared = op.graph.tensors["x"], op.constant(np.array(2.0, np.float32))
    before = op.Mul(x, shared)
    bodies = {}
    for name, number in (("then_branch", 5.0), ("else_branch", 7.0)):
        inner = op.within(op.graph, [])
        made = inner.Add(inner.Mul(x, shared), inner.constant(np.array(number, np.float32)))
        bodies[name] = gs.Graph(nodes=inner.nodes, inputs=[], outputs=[made], name=name)
    chosen = op.typed(op.If(op.graph.tensors["c"], **bodies), (2, 3))
    total = op.named(op.Add(chosen, before), "z")
    node = next(n for n in exported_all(op, op.needed([total])) if n.op_type == "If")
    held = {a.name: [*map(numpy_helper.to_array, a.g.initializer)] for a in node.attribute}
    assert held == {"then_branch": [5.0], "else_branch": [7.0]}
    found = append(op, inputs=[], outputs=[total])
    onnx.checker.check_model(found)
    for condition, number in ((True, 5), (False, 7)):
        result = run(found, x=X, c=np.array(condition))["z"]
        np.testing.assert_array_equal(result, 4 * X + number)
