"""Scores that are products of two sigmoids are told from other numbers beside boxes."""

from __future__ import annotations

import pytest

from backends.onnx import OnnxBackend
from tests.finding.heads.texts import net

pytest.importorskip("onnxruntime")

BODY = """to5 = Constant<value = int64[3] {0, 64, 5}>()
    to1 = Constant<value = int64[3] {0, 64, 1}>()
    to4 = Constant<value = int64[4] {0, 64, 1, 4}>()
    z = Conv(a, k) zt = Transpose<perm = [0, 2, 3, 1]>(z) zr = Reshape(zt, to5) zs = Sigmoid(zr)
    o = Conv(a, k1) ot = Transpose<perm = [0, 2, 3, 1]>(o) r = Reshape(ot, to1) os = Sigmoid(r)
    b = Conv(a, k4) bt = Transpose<perm = [0, 2, 3, 1]>(b) boxes = Reshape(bt, to4)"""
CASES = {  # what the scores are -> are they products?
    "confs = Mul(zs, os)": True,
    "both = Mul(zs, os) i = Identity(both) confs = Concat<axis = 1>(i)": True,
    "confs = Mul(zs, r)": False,
    "confs = Add(zs, os)": False,
    "confs = Identity(zr)": False,
}


@pytest.mark.parametrize("nodes", CASES)
def test_products_of_sigmoids(nodes: str) -> None:
    outputs = "float[N, 64, 1, 4] boxes, float[N, 64, 5] confs"
    backend = OnnxBackend(net(f"{BODY} {nodes}", outputs))
    head = backend.heads()[0]
    assert ("classes o p" in head.evidence) == CASES[nodes]
    if CASES[nodes]:
        assert head.boxes is not None
        assert (head.activation, head.boxes.output, head.boxes.axis) == ("Log", "boxes", 3)
        assert (backend.classes, backend.class_axis) == (5, 2)
