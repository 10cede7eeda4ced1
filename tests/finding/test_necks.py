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
def test_the_default_is_all_of_them_the_finest_first(name: str) -> None:
    backend = OnnxBackend(detector(JOINED[name]))
    assert backend.default_layer == "ahr"
    assert backend.layer_note == "the score is read at 2 scales, the ends of the neck"
    x = np.random.default_rng(0).normal(size=(1, 3, 16, 16), scale=0.01).astype(np.float32)
    found = backend.capture(x, lambda y, _: np.ones_like(y))
    assert [capture.layer for capture in found] == ["ahr", "bhr"]
    for capture in found:
        assert np.count_nonzero(capture.gradients) > capture.gradients.size // 8
