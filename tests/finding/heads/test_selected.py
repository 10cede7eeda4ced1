"""What is no selection of boxes: four classes, their best one and its score are a classifier's."""

from __future__ import annotations

import pytest

from backends.onnx import OnnxBackend
from tests.finding.heads.texts import net

pytest.importorskip("onnxruntime")

OF_PICTURE = """h = Gemm<transB = 1>(f, c4)  y = Softmax(h)
    scores = ReduceMax<axes = [1], keepdims = 0>(y)  labels = ArgMax<axis = 1, keepdims = 0>(h)"""
AT_PLACES = """four = Constant<value = int64[3] {0, 4, -1}>()
    b = Conv(a, k4)  r = Reshape(b, four)  h = Transpose<perm = [0, 2, 1]>(r)
    y = Softmax<axis = 2>(h)  scores = ReduceMax<axes = [2], keepdims = 0>(y)
    labels = ArgMax<axis = 2, keepdims = 0>(y)"""
NOT = {
    "of a picture": (OF_PICTURE, "float[N, 4] y, float[N] scores, int64[N] labels"),
    "at places": (AT_PLACES, "float[N, 64, 4] y, float[N, 64] scores, int64[N, 64] labels"),
    "logits": (AT_PLACES, "float[N, 64, 4] h, float[N, 64] scores, int64[N, 64] labels"),
}


@pytest.mark.parametrize("case", NOT)
def test_four_classes_are_no_boxes(case: str) -> None:
    nodes, outputs = NOT[case]
    heads = OnnxBackend(net(nodes, outputs)).heads()
    assert heads[0].boxes is None
    assert all(head.kind != "boxes" for head in heads)
