"""Lists that are known from the file, as plain operators: the same numbers in onnxruntime."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import NodeProto, helper, numpy_helper

from backends.onnx.reading.sequences import resolved
from tests.sessions import run
from tests.written import parsed

CONSTANTS = {
    "zero": np.array(0),
    "one": np.array(1),
    "two": np.array(2),
    "last": np.array(-1),
    "sizes": np.array([1, 3, 2]),
}
X = np.arange(12, dtype=np.float32).reshape(2, 6)
PAIR = "s = SequenceConstruct(x, u)"
LISTS = {
    "a member": f"{PAIR} y = SequenceAt(s, one)",
    "from the end": f"{PAIR} y = SequenceAt(s, last)",
    "filled from nothing": "e = SequenceEmpty() s = SequenceInsert(e, u) y = SequenceAt(s, zero)",
    "inserted at the end": f"{PAIR} t = SequenceInsert(s, n) y = SequenceAt(t, two)",
    "inserted first": f"{PAIR} t = SequenceInsert(s, n, zero) y = SequenceAt(t, zero)",
    "moved by what is inserted": f"{PAIR} t = SequenceInsert(s, n, zero) y = SequenceAt(t, one)",
    "inserted before the last": f"{PAIR} t = SequenceInsert(s, n, last) y = SequenceAt(t, one)",
    "the last erased": f"{PAIR} t = SequenceErase(s) y = SequenceAt(t, last)",
    "the first erased": f"{PAIR} t = SequenceErase(s, zero) y = SequenceAt(t, zero)",
    "handed through": f"{PAIR} t = Identity(s) y = SequenceAt(t, zero)",
    "cut to sizes": "s = SplitToSequence<axis = 1>(x, sizes) y = SequenceAt(s, one)",
    "cut to sizes, the last": "s = SplitToSequence<axis = -1>(x, sizes) y = SequenceAt(s, last)",
    "cut to one size": "s = SplitToSequence<axis = 1>(x, two) y = SequenceAt(s, two)",
    "cut to slices": "s = SplitToSequence<axis = 1>(x) y = SequenceAt(s, last)",
    "slices without the axis": """s = SplitToSequence<axis = 1, keepdims = 0>(x)
        y = SequenceAt(s, last)""",
    "joined": f"{PAIR} y = ConcatFromSequence<axis = -1>(s)",
    "stacked": f"{PAIR} y = ConcatFromSequence<axis = 1, new_axis = 1>(s)",
    "stacked behind": f"{PAIR} y = ConcatFromSequence<axis = -1, new_axis = 1>(s)",
    "an optional value": "o = Optional(u) y = OptionalGetElement(o)",
    "a list in an optional value": f"{PAIR} o = OptionalGetElement(s) y = SequenceAt(o, one)",
}
LEFT = {"cut to slices": "how many parts of one size there are is not asked"}
"""Rows that stay as they are, and why."""


def model(body: str, opset: int = 18) -> onnx.ModelProto:
    found = parsed("float[2,6] x, float[2,6] u, int64 at", f"n = Neg(x) {body}", "float y", opset)
    found.graph.output[0].type.tensor_type.ClearField("shape")
    held = [numpy_helper.from_array(v, name) for name, v in CONSTANTS.items() if name in body]
    found.graph.initializer.extend(held)
    return found


def read(source: onnx.ModelProto, opset: int = 18) -> list[NodeProto]:
    """The nodes that lead to y, after lists were resolved."""
    kept, wanted = [], {"y"}
    for node in reversed(list(resolved(source.graph.node, CONSTANTS, opset))):
        if wanted.intersection(node.output):
            kept.append(node)
            wanted.update(node.input)
    return kept[::-1]


@pytest.mark.parametrize("opset", [11, 18])
@pytest.mark.parametrize("what", LISTS)
def test_a_known_list_is_its_members(what: str, opset: int) -> None:
    if opset == 11 and ("Optional" in LISTS[what] or "Identity(s)" in LISTS[what]):
        opset = 18  # older ones have not all of these
    source = model(LISTS[what], opset)
    feed = {"x": X, "u": 100 + X, "at": np.array(1)}
    expected = run(source, feed)["y"]
    plain = onnx.ModelProto()
    plain.CopyFrom(source)
    del plain.graph.node[:]
    plain.graph.node.extend(read(source, opset))
    np.testing.assert_array_equal(run(plain, feed)["y"], expected)
    stays = {"SplitToSequence", "SequenceAt"} if what in LEFT else set()
    assert {n.op_type for n in plain.graph.node if "Sequence" in n.op_type} == stays


@pytest.mark.parametrize(
    "body",
    [
        f"{PAIR} y = SequenceAt(s, at)",
        f"{PAIR} y = SequenceAt(s, two)",
        "s = SplitToSequence<axis = 1>(x, at) y = SequenceAt(s, one)",
        "s = SplitToSequence<axis = 1>(x, at) y = ConcatFromSequence<axis = 1>(s)",
        f"{PAIR} t = SequenceInsert(s, n, at) y = SequenceAt(t, one)",
        f"{PAIR} t = SequenceErase(s, at) y = SequenceAt(t, zero)",
        "e = SequenceEmpty() y = ConcatFromSequence<axis = 0>(e)",
        "e = SequenceEmpty() t = SequenceErase(e) y = SequenceAt(t, zero)",
    ],
)
def test_what_hangs_on_the_run_or_is_not_there_stays(body: str) -> None:
    source = model(body)
    assert list(resolved(source.graph.node, CONSTANTS, 18)) == list(source.graph.node)


def test_constants_are_read_as_the_nodes_are_drawn() -> None:
    """A position may be a Constant that is met on the way."""
    met: dict[str, Any] = {}
    drawn = resolved(model(f"{PAIR} y = SequenceAt(s, at)").graph.node, met, 18)
    assert [next(drawn).op_type, next(drawn).op_type] == ["Neg", "SequenceConstruct"]
    met["at"] = np.array(1)
    (node,) = drawn
    assert (node.op_type, [*node.input]) == ("Identity", ["u"])


def test_an_operator_of_another_domain_is_nobodys_list() -> None:
    nodes = [
        helper.make_node("SequenceConstruct", ["x", "u"], ["s"], domain="my"),
        helper.make_node("SequenceAt", ["s", "one"], ["y"]),
    ]
    assert list(resolved(nodes, CONSTANTS, 18)) == nodes
