"""A refusal says where places were lost, and what was the last map before."""

from __future__ import annotations

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import numpy_helper

from backends.onnx import OnnxBackend, instrument
from cam_core.errors import LayerError

STEM = "c = Conv(x, w) r = Relu(c) "
BODIES = {
    "by Reshape": """s = Constant<value = int64[3] {1, 12, 9}>() t = Reshape(r, s) u = Relu(t)
        m = ReduceMean<axes = [2], keepdims = 0>(u) y = MatMul(m, v)""",
    "by TopK": """s = Constant<value = int64[3] {1, 3, 36}>() f = Reshape(r, s)
        k = Constant<value = int64[1] {12}>() b, i = TopK(f, k) u = Relu(b)
        q = Transpose<perm = [0,2,1]>(u) m = ReduceMean<axes = [2], keepdims = 0>(q)
        y = MatMul(m, v)""",
}


def model_of(body: str) -> onnx.ModelProto:
    head = '<ir_version: 8, opset_import: ["" : 17]> g (float[1,3,6,6] x) => (float[1,5] y)'
    model = onnx.parser.parse_model(f"{head} {{ {body} }}")
    rng = np.random.default_rng(0)
    used = {name for node in model.graph.node for name in node.input}
    for name, shape in {"w": (3, 3, 1, 1), "v": (12, 5)}.items():
        if name in used:
            value = rng.normal(size=shape).astype(np.float32)
            model.graph.initializer.append(numpy_helper.from_array(value, name))
    return model


@pytest.mark.parametrize("why", BODIES)
def test_a_layer_behind_the_loss_says_where_it_is(why: str) -> None:
    model = model_of(STEM + BODIES[why])
    lost_at = next(n for n in model.graph.node if n.op_type == why.removeprefix("by "))
    with pytest.raises(LayerError) as caught:
        instrument(model, layer="u")
    said = str(caught.value)
    assert f"lost at node '{lost_at.output[0]}' ({why})" in said
    assert "the last map before it is '" in said
    assert OnnxBackend(model).default_layer in ("r", "c", "f")


def test_where_everything_is_lost_the_first_node_is_named() -> None:
    body = BODIES["by Reshape"].replace("Reshape(r, s)", "Reshape(x, s)")
    with pytest.raises(LayerError, match=r"lost at node 't' \(by Reshape\); name a layer"):
        _ = OnnxBackend(model_of(body)).default_layer


@pytest.mark.parametrize("batch", ["1", "N"])
def test_rows_that_were_merged_with_places_name_the_view(batch: str) -> None:
    """Anchors of all rows one under the other: whose score is whose, the rows do not say."""
    body = (
        STEM
        + """t = Transpose<perm = [0,2,3,1]>(r) s = Constant<value = int64[2] {-1, 3}>()
        y = Reshape(t, s)"""
    )
    model = model_of(body)
    if batch == "N":
        model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "N"
    model.graph.output[0].type.tensor_type.shape.dim[0].dim_param = "rows"
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 3
    words = r"Reshape \(node 'y'\) merges the rows of 't' \[(1|N), 6, 6, 3\].* give --score 't'"
    with pytest.raises(LayerError, match=words):
        _ = OnnxBackend(model).default_layer
    assert OnnxBackend(model, score="t").default_layer in ("r", "c")


TILES = {
    "a picture": (
        "N,3,8,8",
        """s = Constant<value = int64[6] {-1,3,2,4,2,4}>() a = Reshape(x, s)
        b = Transpose<perm = [0,2,4,1,3,5]>(a)""",
        r"'b' \[N, 2, 2, 3, 4, 4\]",
    ),
    "a bag of pictures": ("N,4,3,4,4", "b = Identity(x)", r"'b' \[N, 4, 3, 4, 4\]"),
}


@pytest.mark.parametrize("name", TILES)
@pytest.mark.parametrize("layer", [None, "r"])
def test_a_score_of_each_tile_is_refused_with_what_would_help(name: str, layer: str | None) -> None:
    """Rows of pictures and of tiles are one axis then; no tensor before it is a score."""
    shape, cut, source = TILES[name]
    model = model_of(
        cut
        + """ t = Constant<value = int64[4] {-1,3,4,4}>() p = Reshape(b, t) c = Conv(p, w)
        r = Relu(c) m = ReduceMean<axes = [2,3], keepdims = 0>(r) y = MatMul(m, u)"""
    )
    for tensor, extents in ((model.graph.input[0], shape), (model.graph.output[0], "R,5")):
        del tensor.type.tensor_type.shape.dim[:]
        for extent in extents.split(","):
            dim = tensor.type.tensor_type.shape.dim.add()
            setattr(
                dim, *(("dim_value", int(extent)) if extent.isdigit() else ("dim_param", extent))
            )
    model.graph.initializer.append(numpy_helper.from_array(np.ones((3, 5), np.float32), "u"))
    words = rf"Reshape \(node 'p'\) merges the rows of {source} .* score 'y', \[\?, 5\]; export"
    with pytest.raises(LayerError, match=words):
        instrument(model, layer=layer)


def test_an_attention_matrix_is_no_map() -> None:
    body = (
        STEM
        + """s = Constant<value = int64[3] {1, 3, 36}>() f = Reshape(r, s)
        t = Transpose<perm = [0,2,1]>(f) u = MatMul(t, f)
        m = ReduceMean<axes = [1,2], keepdims = 1>(u) q = Mul(f, m)
        g = ReduceMean<axes = [1], keepdims = 0>(q) k = Constant<value = int64[2] {1, 12}>()
        three = Constant<value = int64[3] {1, 12, 3}>() h = Reshape(g, three)
        n = ReduceMean<axes = [2], keepdims = 0>(h) y = MatMul(n, v)"""
    )
    with pytest.raises(LayerError, match="walk over the same places several times"):
        instrument(model_of(body), layer="u")
