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
