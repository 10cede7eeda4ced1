"""A model as every later step reads it: who comes before whom, what is constant, what is typed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from backends.onnx.reading.fold import FOLD_LIMIT
from backends.onnx.reading.prepare import in_order, names_read, prepare
from cam_core.errors import ModelError
from tests.external import COLUMNS, net
from tests.external import written as external
from tests.sessions import run
from tests.written import parsed

BRANCHES = """h = Sin(x)
    y = If (c) <then_branch = t () => (p) { k = Exp(h) p = Mul(k, z) },
                else_branch = e () => (q) { q = Identity(h) }>"""


def test_who_makes_comes_before_who_reads(rng: np.random.Generator) -> None:
    text = "a = Exp(x) b = Neg(a) c = Add(a, b) d = Mul(c, x) y = Sub(d, b)"
    nodes = list(parsed("float[2] x", text, "float[2] y").graph.node)
    for _ in range(5):
        shuffled = [nodes[i] for i in rng.permutation(len(nodes))]
        made = {"x"}
        for node in in_order(shuffled):
            assert made.issuperset(node.input)
            made.update(node.output)
        assert made >= {"a", "b", "c", "d", "y"}


def test_a_sorted_file_keeps_its_order() -> None:
    """Of several orders that would do it is the file's own."""
    text = "y = Neg(x) a = Exp(x) b = Abs(a) c = Sin(x)"
    nodes = list(parsed("float[2] x", text, "float[2] y").graph.node)
    assert in_order(nodes) == nodes


def test_what_a_branch_captures_is_made_before() -> None:
    model = parsed("float[2] x, float[2] z, bool c", BRANCHES, "float[2] y")
    sine, branches = model.graph.node
    assert {*names_read(branches)} == {"c", "h", "z"}
    assert [node.op_type for node in in_order([branches, sine])] == ["Sin", "If"]


def test_a_cycle_is_named() -> None:
    nodes = [
        helper.make_node("Neg", ["x"], ["a"]),
        helper.make_node("Add", ["a", "c"], ["b"]),
        helper.make_node("Exp", ["b"], ["c"], "back"),
    ]
    with pytest.raises(ModelError, match=r"cycle through node '(Add|back)'$"):
        in_order(nodes)


def test_constants_are_known_and_weights_are_left() -> None:
    model = parsed(
        "float[N,2] x",
        "k = Constant<value_floats = [3.0, 4.0]>() a = Mul(x, k) b = Add(a, w) y = MatMul(b, v)",
        f"float[N,{FOLD_LIMIT}] y",
    )
    w, v = np.array([1.0, 2.0], np.float32), np.ones((2, FOLD_LIMIT), np.float32)
    model.graph.initializer.extend([numpy_helper.from_array(w, "w"), helper.make_tensor(
        "v", onnx.TensorProto.FLOAT, v.shape, v.tobytes(), raw=True)])  # fmt: skip
    before = model.SerializeToString()
    graph = prepare(model)
    assert graph.model is model
    assert model.SerializeToString() == before
    assert [t.name for t in graph.inputs] == ["x"]
    assert [t.name for t in graph.outputs] == ["y"]
    assert [node.op for node in graph.nodes] == ["Mul", "Add", "MatMul"]
    assert graph.weights == {"k", "w", "v"}
    assert "v" not in graph.values
    np.testing.assert_array_equal(graph.values["k"], [3, 4])
    np.testing.assert_array_equal(graph.values["w"], w)


def test_every_tensor_is_typed_as_the_runtime_makes_it() -> None:
    text = """s = Shape(x) h = Cast<to = 10>(x) i = ArgMax<axis = 1, keepdims = 0>(h)
        t = Transpose<perm = [0, 2, 1]>(h) g = Greater(t, t) y = Flatten(t)"""
    model = parsed("float[N,3,4] x", text, "float16[N,12] y")
    graph = prepare(model)
    names = [t.name for node in graph.nodes for t in node.outputs]
    del model.graph.output[:]
    model.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names)
    for name, value in run(model, x=np.ones((2, 3, 4), np.float32)).items():
        tensor = graph.tensors[name]
        assert tensor.dtype == value.dtype, name
        assert tuple({"N": 2}.get(d, d) for d in tensor.shape) == value.shape, name
    assert sorted(names) == ["g", "h", "i", "s", "t", "y"]


def test_operators_are_in_one_form() -> None:
    graph = prepare(parsed("float[2,1,3] x", "y = Squeeze<axes = [1]>(x)", "float[2,3] y", 11))
    (node,) = graph.nodes
    np.testing.assert_array_equal(graph.value(node.inputs[1]), [1])
    assert "axes" not in node.attrs


def test_small_weights_in_other_files_are_read_where_the_folder_is_known(tmp_path: Path) -> None:
    path = external(tmp_path / "source")
    model = onnx.load(path, load_external_data=False)
    np.testing.assert_array_equal(prepare(model, folder=path.parent).values["columns"], COLUMNS)
    assert "columns" not in prepare(model).values
    assert prepare(model).weights == {t.name for t in net().graph.initializer}


def test_a_body_knows_what_is_constant_around_it() -> None:
    around = prepare(
        parsed("float[N,2] x", "k = Constant<value_floats = [3.0]>() y = Mul(x, k)", "float[N,2] y")
    )
    body = parsed("float[N,2] x, float[1] k", "z = Div(x, k)", "float[N,2] z")
    graph = prepare(body, around)
    assert graph.weights == {"k"}
    np.testing.assert_array_equal(graph.values["k"], [3])
    assert [t.name for t in graph.inputs] == ["x"]
    assert graph.probed["N"] == around.probed["N"]


REFUSED = {
    "nothing makes it": ("y = Neg(a)", "reads 'a', which nothing makes"),
    "no such operator": ("y = Nagate(x)", "there is no operator Nagate"),
    "an input is lacking": ("y = Add(x)", "has 1 inputs, Add takes 2"),
    "a negative extent": (
        "k = Constant<value_ints = [0, -9]>() y = Pad(x, k)",
        "the shapes of the model contradict",
    ),
    "an attribute of another type": (
        "y = Squeeze<axes = 1>(x)",
        "attribute 'axes' is no INTS",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_a_broken_model_is_refused(what: str) -> None:
    body, told = REFUSED[what]
    model = parsed("float[3] x", body, "float[3] y", 11)
    with pytest.raises(ModelError, match=told):
        prepare(model)
