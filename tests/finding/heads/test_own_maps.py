"""What boxes of one picture have maps of: masks and heat maps as outputs, and what is none."""

from __future__ import annotations

import pytest

from backends.onnx import OnnxBackend
from tests.finding.heads.texts import net

pytest.importorskip("onnxruntime")

BOXES = """one = Constant<value = int64[1] {0}>() four = Constant<value = int64[2] {-1, 4}>()
    b4 = Conv(a, k4) bt = Transpose<perm = [0, 2, 3, 1]>(b4) boxes = Reshape(bt, four)
    s1 = Conv(a, k1) sp = Sigmoid(s1) flat = Constant<value = int64[1] {-1}>()
    scores = Reshape(sp, flat) labels = Cast<to = 7>(scores)
    z = Conv(a, k5) zt = Transpose<perm = [0, 2, 3, 1]>(z)
    shape = Constant<value = int64[4] {-1, 5, 1, 1}>() each = Reshape(zt, shape)
    tile = Constant<value = int64[4] {1, 1, 6, 6}>() maps = Expand(each, tile)"""
ENDS = {  # nodes, output -> (masks, mask_logits, heats)
    "probabilities of all classes": ("m = Sigmoid(maps)", "float[n, 5, 6, 6] m", ("", "", "")),
    "of one class": (
        "p = Sigmoid(maps) i = Constant<value = int64[1] {2}>() m = Gather<axis = 1>(p, i)",
        "float[n, 1, 6, 6] m",
        ("m", "maps", ""),
    ),
    "no probabilities": ("m = Identity(maps)", "float[n, 5, 6, 6] m", ("", "", "")),
    "numbers": ("m = Reshape(zt, five)", "float[n, 5] m", ("", "", "")),
}


@pytest.mark.parametrize("case", ENDS)
def test_maps_of_boxes(case: str) -> None:
    nodes, output, expected = ENDS[case]
    body = f"{BOXES.replace('k5', 'k')} five = Constant<value = int64[2] {{-1, 5}}>() {nodes}"
    outputs = f"float[n, 4] boxes, int64[n] labels, float[n] scores, {output}"
    model = net(body, outputs, x="float[1, 3, 8, 8] x")
    (boxes,) = (head.boxes for head in OnnxBackend(model).heads() if head.boxes is not None)
    assert (boxes.masks, boxes.mask_logits, boxes.heats) == expected


BATCH = """four = Constant<value = int64[3] {0, 4, 64}>() b4 = Conv(a, k4) br = Reshape(b4, four)
    bt = Transpose<perm = [0, 2, 1]>(br) s1 = Conv(a, k1) sp = Sigmoid(s1)
    one = Constant<value = int64[3] {0, 1, 64}>() sr = Reshape(sp, one)
    st = Transpose<perm = [0, 2, 1]>(sr) dets = Concat<axis = 2>(bt, st)
    flat = Constant<value = int64[2] {0, 64}>() lf = Reshape(sp, flat) labels = Cast<to = 7>(lf)
    each = Constant<value = int64[4] {0, 64, 1, 1}>() zr = Reshape(s1, each)
    tile = Constant<value = int64[4] {1, 1, 6, 6}>() z = Expand(zr, tile)"""
MASKS = {  # nodes, output -> (masks, mask_logits)
    "one a box": ("m = Sigmoid(z)", "float[1, 64, 6, 6] m", ("m", "z")),
    "pasted": (
        """p1 = Sigmoid(z) n1 = Constant<value = int64[4] {64, 1, 6, 6}>() p2 = Reshape(p1, n1)
        h = Constant<value = float {0.5}>() to = Constant<value = int64[4] {64, 4, 4, 2}>()
        zero = ConstantOfShape(to) whole = GridSample(p2, zero) t = Greater(whole, h)
        back = Constant<value = int64[4] {1, 64, 4, 4}>() m = Reshape(t, back)""",
        "bool[1, 64, 4, 4] m",
        ("p2", "z"),
    ),
    "other maps": ("c5 = Conv(a, k) m = Sigmoid(c5)", "float[1, 5, 8, 8] m", ("", "")),
    "no probabilities": ("m = Identity(z)", "float[1, 64, 6, 6] m", ("", "")),
}


@pytest.mark.parametrize("case", MASKS)
def test_masks_of_a_batch(case: str) -> None:
    nodes, output, expected = MASKS[case]
    outputs = f"float[1, 64, 5] dets, int64[1, 64] labels, {output}"
    model = net(f"{BATCH} {nodes}", outputs, x="float[1, 3, 8, 8] x")
    (boxes,) = (head.boxes for head in OnnxBackend(model).heads() if head.boxes is not None)
    assert (boxes.masks, boxes.mask_logits) == expected
