"""A graph knows who makes and reads each tensor, what is constant, and what types are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx_graphsurgeon as gs
import pytest
from onnx import TensorProto, helper, numpy_helper

from backends.onnx.reading.graph import (
    BFLOAT16,
    Graph,
    captures,
    floating,
    names_in,
    numpy_type,
    reads,
    static,
    tiny,
    told,
)
from backends.onnx.reading.prepare import prepare
from tests.external import net
from tests.external import written as external
from tests.written import parsed

NESTED = """h = Sin(x) z = Cos(x)
    y = If (c) <then_branch = t () => (p) { u = Exp(h)
                  p = If (c) <then_branch = a () => (r) { r = Mul(u, z) },
                              else_branch = b () => (s) { s = Neg(x) }> },
                else_branch = e () => (q) { w = Mul(h, h) q = Abs(w) }>"""


@pytest.fixture
def nested() -> Graph:
    return prepare(parsed("float[2] x, bool c", NESTED, "float[2] y"))


def test_a_node_reads_what_its_bodies_capture(nested: Graph) -> None:
    node = nested.producer["y"]
    assert {t.name for t in reads(node)} == {"c", "h", "z", "x"}
    then, other = (node.attrs[name] for name in ("then_branch", "else_branch"))
    assert sorted(t.name for t in captures(then)) == ["c", "h", "x", "z"]
    assert [t.name for t in captures(other)] == ["h", "h"]  # as often as it is read


def test_an_operand_left_out_is_not_read() -> None:
    (node,) = prepare(parsed("float[2] x, float h", "y = Clip(x, , h)", "float[2] y")).nodes
    assert [t.name for t in reads(node)] == ["x", "h"]


def test_every_name_in_bodies_is_taken(nested: Graph) -> None:
    found = set(names_in(nested.producer["y"]))
    assert found >= {*"purswqhzxc"}
    assert "y" not in found


def test_who_makes_and_who_reads(nested: Graph) -> None:
    makers = {n: node.op for n, node in nested.producer.items()}
    assert makers == {"h": "Sin", "z": "Cos", "y": "If"}
    readers = {n: [node.op for node in nodes] for n, nodes in nested.consumers.items()}
    assert readers == {"x": ["Sin", "Cos", "If"], "c": ["If"], "h": ["If"], "z": ["If"]}
    nested.nodes.append(gs.Node("Neg", "more", {}, [nested.tensors["y"]], [gs.Variable("more")]))
    assert "more" not in nested.producer
    nested.link()
    assert nested.producer["more"] is nested.consumers["y"][0]
    assert nested.output_names == {"y"}


def weighted(ir: int = 8, *, given: bool = False) -> onnx.ModelProto:
    """A weight that is an input too where it is given, and a sparse one."""
    more = ", float[3] w" if given else ""
    model = parsed(f"float[N,3] x{more}", "a = Mul(x, w) y = Add(a, v)", "float[N,3] y", 13, ir)
    model.graph.initializer.append(numpy_helper.from_array(np.arange(3, dtype=np.float32), "w"))
    sparse = model.graph.sparse_initializer.add(dims=[3])
    sparse.values.CopyFrom(numpy_helper.from_array(np.array([5.0], np.float32), "v"))
    sparse.indices.CopyFrom(numpy_helper.from_array(np.array([1])))
    return model


def test_values_of_constants() -> None:
    graph = prepare(weighted())
    for name, expected in {"w": [0, 1, 2], "v": [0, 5, 0]}.items():
        tensor = graph.tensors[name]
        np.testing.assert_array_equal(graph.value(tensor), expected)
        np.testing.assert_array_equal(graph.weight(tensor), expected)
        assert graph.constant(tensor)
    assert graph.value(graph.tensors["x"]) is graph.weight(graph.tensors["x"]) is None
    assert not graph.constant(graph.tensors["x"])
    assert graph.value(None) is graph.value(gs.Variable.empty()) is None
    own = gs.Constant("own", np.array([7]))
    assert graph.value(own).tolist() == [7]
    assert graph.constant(own)
    assert graph.nbytes == 3 * 4 + 4 + 8


@pytest.mark.parametrize(("ir", "known"), [(3, True), (4, False), (8, False)])
def test_a_weight_that_a_feed_overrides_is_none(ir: int, known: bool) -> None:
    """Below IR 4 every weight is an input, and is one all the same."""
    model = weighted(ir, given=True)
    del model.graph.sparse_initializer[:]
    model.graph.node[1].input[1] = "x"
    graph = prepare(model)
    assert (graph.weight(graph.tensors["w"]) is not None) == known


def test_a_weight_in_another_file(tmp_path: Path) -> None:
    path, expected = (
        external(tmp_path / "source"),
        numpy_helper.to_array(net().graph.initializer[1]),
    )
    model = onnx.load(path, load_external_data=False)
    graph = prepare(model, folder=path.parent)
    np.testing.assert_array_equal(graph.weight(graph.tensors["w"]), expected)
    assert prepare(model).weight(graph.tensors["w"]) is None
    assert graph.nbytes == sum(numpy_helper.to_array(t).nbytes for t in net().graph.initializer)


KINDS = [k for k in TensorProto.DataType.values() if k not in (0, TensorProto.STRING)]


@pytest.mark.parametrize("kind", KINDS, ids=TensorProto.DataType.Name)
def test_types_as_onnx_calls_them(kind: int) -> None:
    word = TensorProto.DataType.Name(kind)
    numpy: Any = helper.tensor_dtype_to_np_dtype(kind)
    tensor = gs.Variable("x", numpy)
    whole = word in ("FLOAT", "DOUBLE", "FLOAT16", "BFLOAT16")
    assert floating(tensor) == whole
    assert tiny(tensor) == (word.startswith("FLOAT") and word[5:6] in ("4", "6", "8"))
    expected = np.float32 if word == "BFLOAT16" else numpy
    assert numpy_type(numpy) == expected
    assert (numpy == BFLOAT16) == (word == "BFLOAT16")


def test_what_has_no_type_of_numpy() -> None:
    assert floating(gs.Variable("x", TensorProto.BFLOAT16))
    assert not floating(gs.Variable("x", TensorProto.STRING))
    assert not floating(gs.Variable("x"))


@pytest.mark.parametrize(
    ("shape", "known"), [((2, 3), True), ((), True), (("N", 3), False), ((None,), False), (None, 0)]
)
def test_a_static_shape_has_numbers_alone(shape: Any, known: bool) -> None:
    assert static(shape) == known


@pytest.mark.parametrize(("extent", "shown"), [(3, 3), ("N", "N"), (None, None), ("112|144", None)])
def test_people_are_not_told_the_probes(extent: int | str | None, shown: object) -> None:
    assert told(extent) == shown
