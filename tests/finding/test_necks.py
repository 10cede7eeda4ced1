"""Detectors: of each scale the last map that all its predictions are made of."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from backends.onnx import OnnxBackend
from backends.onnx.finding.analysis import analyse
from backends.onnx.finding.necks import necks
from tests.finding.nets import conv, net

HEAD = """
    #h = Conv(#n, wh)  #hr = Relu(#h)
    #k = Conv<pads = [1,1,1,1]>(#hr, wk)  #kr = Relu(#k)  #cls = Conv(#kr, wc)
    #b = Conv<pads = [1,1,1,1]>(#hr, wb)  #br = Relu(#b)  #box = Conv(#br, wx)
    #p = Sigmoid(#cls)  #both = Concat<axis = 1>(#box, #p)
    #flat = Reshape(#both, LAST)
"""
BODY = """
    c = Conv<strides = [2,2], pads = [1,1,1,1]>(x, w1)  fine = Relu(c)
    d = Conv<strides = [2,2], pads = [1,1,1,1]>(fine, w2)  coarse = Relu(d)
    up = Resize<mode = "nearest">(coarse, none, twice)  an = Add(up, fine)
    e = Conv<strides = [2,2], pads = [1,1,1,1]>(an, w3)  bn = Add(e, coarse)
    shape = Constant<value = int64[3] {0, 7, -1}>()
    twice = Constant<value = float[4] {1.0, 1.0, 2.0, 2.0}>()
    none = Constant<value = float[1] {1.0}>()
"""
WEIGHTS = {
    **{"w1": conv(8, 3), "w2": conv(8, 8), "w3": conv(8, 8), "wh": conv(6, 8, 1)},
    **{"wk": conv(6, 6), "wb": conv(6, 6), "wc": conv(3, 6, 1), "wx": conv(4, 6, 1)},
}
PLAIN = BODY.replace("(coarse, none, twice)", '(coarse, "", twice)').replace(
    "none = Constant<value = float[1] {1.0}>()", ""
)


def detector(joined: str) -> onnx.ModelProto:
    heads = "".join(HEAD.replace("#", scale).replace("LAST", "shape") for scale in "ab")
    return net(PLAIN + heads + joined, WEIGHTS, "1, 3, 16, 16")


JOINED = {
    "[N, 4 + K, A]": "y = Concat<axis = 2>(aflat, bflat)",
    "[N, A, 4 + K]": "j = Concat<axis = 2>(aflat, bflat)  y = Transpose<perm = [0,2,1]>(j)",
}


@pytest.mark.parametrize("name", JOINED)
def test_each_scale_ends_where_its_heads_part(name: str) -> None:
    route = analyse(detector(JOINED[name])).layers.route
    assert route.dense
    assert [t.name for t in necks(route, route.spatial_maps)] == ["ahr", "bhr"]


@pytest.mark.parametrize("name", JOINED)
def test_the_default_is_the_finest_of_them(name: str) -> None:
    backend = OnnxBackend(detector(JOINED[name]))
    assert backend.default_layer == "ahr"
    assert backend.layer_note == "the score is read at 2 scales, the ends of the neck"
    x = np.random.default_rng(0).normal(size=(1, 3, 16, 16)).astype(np.float32)
    found, _ = backend.capture(x, lambda y, _: np.ones_like(y))
    assert np.count_nonzero(found.gradients) > found.gradients.size // 8


REGIONS = """
    first = Flatten(bn)  moved = Gemm(first, wm)  four = Constant<value = int64[2] {2, 4}>()
    i0 = Constant<value = int64[2] {0, 0}>()  r0 = Reshape(moved, four)  r1 = Add(r0, r0)
    f0 = RoiAlign<output_height = 2, output_width = 2, spatial_scale = 0.5>(an, r0, i0)
    f1 = RoiAlign<output_height = 2, output_width = 2, spatial_scale = 0.25>(bn, r1, i0)
    all = Concat<axis = 0>(f0, f1)  flat = Flatten(all)  h = Gemm(flat, wg)  boxes = Gemm(flat, wr)
    p = Softmax<axis = 1>(h)  scores = ReduceMax<axes = [1], keepdims = 0>(p)
    labels = ArgMax<axis = 1, keepdims = 0>(h)  y = Identity(scores)
"""


def test_of_two_stages_they_are_what_regions_are_pooled_of() -> None:
    """And the regions themselves, made of maps too, are no way to the score."""
    sizes = {"wg": (32, 3), "wr": (32, 4), "wm": (128, 8)}
    weights = {name: WEIGHTS[name] for name in ("w1", "w2", "w3")} | sizes
    model = net(PLAIN + REGIONS, weights, "1, 3, 16, 16")
    del model.graph.output[:]
    for name, kind, shape in (("boxes", 1, [4, 4]), ("labels", 7, [4]), ("scores", 1, [4])):
        model.graph.output.append(onnx.helper.make_tensor_value_info(name, kind, shape))
    route = analyse(model).layers.route
    assert route.score.heads[0].asked == "boxes"
    assert [t.name for t in necks(route, route.spatial_maps)] == ["an", "bn"]
    assert not route.path & {"moved", "r0", "r1"}
