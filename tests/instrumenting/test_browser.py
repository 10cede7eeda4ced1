"""What a browser makes of a model itself: told by the operators that it has, and by its size."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx
import pytest

from backends.onnx.finding.analysis import analyse
from backends.onnx.instrumenting.browser import LIMIT, Left, in_browser
from tests.external import written
from tests.instrumenting.nets import net
from tests.paths import DATA

MIXED = """<ir_version: 8, opset_import: ["" : {opset}]>
mixed (float[1, 3, 8, 8] x) => (float[1, 3] y)
<float[3, 3, 1, 1] w = {{1, 2, 3, 4, 5, 6, 7, 8, 9}}> {{
    c = Conv(x, w)
    [first] n1 = LRN<size = 3>(c)
    [second] n2 = LRN<size = 3>(n1)
    s = Sign(n2)
    m = Mul(s, n2)
    shape = Shape(m)
    same = Reshape(m, shape)
    g = GlobalAveragePool(same)
    y = Flatten(g)
}}"""


def mixed(opset: int = 17) -> onnx.ModelProto:
    return onnx.parser.parse_model(MIXED.format(opset=opset))


def test_what_leaves_webgpu_is_counted_and_named() -> None:
    """Shape is known as the sizes are, so that it is computed when the file is loaded."""
    found = in_browser(analyse(mixed()))
    assert found.left == (Left("LRN", 2, ("first", "second")), Left("Sign", 1, ("s",)))
    assert (found.nodes, found.opset, found.notes) == (9, 17, [])
    assert found.said.startswith("3 of 9 nodes run on WASM (onnxruntime-web 1.30.0): 2 LRN, 1 Sign")


def test_a_network_that_stays() -> None:
    found = in_browser(analyse(net(), static=[1, 3, 8, 12]))
    assert found.left == ()
    assert found.said == "all 9 nodes run on WebGPU (onnxruntime-web 1.30.0)"


def test_an_operator_that_is_too_new_says_its_version() -> None:
    found = in_browser(analyse(mixed(22)))
    assert [one.operator for one in found.left] == ["LRN", "GlobalAveragePool of opset 22", "Sign"]


@pytest.mark.parametrize(("change", "words"), [
    ({"bytes": LIMIT + 1}, "2.0 GiB, and a page takes less than 2: it will not load"),
    ({"external": ("a.data",)}, "its weights lie in 'a.data': the page must fetch them too"),
    ({"external": ("a.data", "b", "c")}, "its weights lie in 'a.data' and 2 more"),
    ({"opset": 25}, "opset 25 is newer than 24"),
])  # fmt: skip
def test_what_else_is_in_the_way(change: Any, words: str) -> None:
    found = replace(in_browser(analyse(mixed())), **change)
    assert [words in note for note in found.notes] == [True]
    assert found.record()["notes"] == found.notes


def test_weights_beside_the_file_count(tmp_path: Path) -> None:
    path = written(tmp_path)
    found = in_browser(analyse(path))
    beside = sum(f.stat().st_size for f in tmp_path.rglob("*") if f.is_file() and f != path)
    assert found.external
    assert found.bytes == path.stat().st_size + beside


def test_a_quantised_model_leaves_where_it_quantises() -> None:
    path = DATA / "models" / "mobilenetv2-int8-qdq.onnx"
    if not path.is_file():
        pytest.skip("the shared models are not here")
    count = sum(node.op_type == "QuantizeLinear" for node in onnx.load(path).graph.node)
    (left,) = in_browser(analyse(path, static=[1, 3, 224, 224])).left
    assert (left.operator, left.count) == ("QuantizeLinear", count)
    assert all(left.names)
