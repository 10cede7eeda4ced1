"""Maps of undecoded boxes are told from other maps of several scales."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import numpy_helper

from backends.onnx import OnnxBackend

pytest.importorskip("onnxruntime")


def two_scales(ends: str, shapes: list[str], kernel: int, channels: int, names: str = "") -> Any:
    """Convolutions of `channels` over maps of 8 x 8 and 4 x 4, of an input of 64."""
    outputs = ", ".join(f"float[1, {shape}] y{i}" for i, shape in enumerate(shapes))
    model = onnx.parser.parse_model(f"""<ir_version: 8, opset_import: ["" : 17]>
    net (float[1, 3, 64, 64] x) => ({outputs}) {{
        a = Conv<strides = [8, 8]>(x, w) fine = Relu(a)
        b = Conv<strides = [2, 2]>(fine, v) coarse = Relu(b)
        p0 = Conv<pads = [{kernel // 2}, {kernel // 2}, {kernel // 2}, {kernel // 2}]>(fine, k)
        p1 = Conv<pads = [{kernel // 2}, {kernel // 2}, {kernel // 2}, {kernel // 2}]>(coarse, k)
        {ends}
    }}""")
    rng = np.random.default_rng(2)
    weights = {"w": (6, 3, 8, 8), "v": (6, 6, 2, 2), "k": (channels, 6, kernel, kernel)}
    arrays = {n: rng.normal(scale=0.3, size=s).astype(np.float32) for n, s in weights.items()}
    arrays |= {"to0": np.array([1, 3, -1, 8, 8]), "to1": np.array([1, 3, -1, 4, 4])}
    used = {name for node in model.graph.node for name in node.input}
    held = [numpy_helper.from_array(v, n) for n, v in arrays.items() if n in used]
    model.graph.initializer.extend(held)
    if names:
        model.metadata_props.add(key="names", value=names)
    return model


APART = """r0 = Reshape(p0, to0) r1 = Reshape(p1, to1)
y0 = Transpose<perm = [0, 1, 3, 4, 2]>(r0) y1 = Transpose<perm = [0, 1, 3, 4, 2]>(r1)"""
SAME = "y0 = Identity(p0) y1 = Identity(p1)"
SIGMOIDS = "y0 = Sigmoid(p0) y1 = Sigmoid(p1)"
MAPS = ["{c}, 8, 8", "{c}, 4, 4"]
CASES = {  # nodes, shapes, kernel, channels, names -> how the boxes are written
    "anchors apart": (APART, ["3, 8, 8, 10", "3, 4, 4, 10"], 1, 30, "", "prior logits"),
    "of a larger kernel": (APART, ["3, 8, 8, 10", "3, 4, 4, 10"], 3, 30, "", "prior logits"),
    "one map of all": (SAME, MAPS, 1, 30, "", "prior logits"),
    "sigmoids inside": (SIGMOIDS, MAPS, 1, 30, "", "prior offsets"),
    "coarse first": ("y0 = Identity(p1) y1 = Identity(p0)", MAPS[::-1], 1, 30, "",
                     "prior logarithms"),
    "coarse first, sigmoids inside": ("y0 = Sigmoid(p1) y1 = Sigmoid(p0)", MAPS[::-1], 1, 30, "",
                                      "prior offsets"),
    "as many as are named": (SAME, MAPS, 3, 21, "{0: 'a', 1: 'b'}", "prior logits"),
    "as many as COCO has": (SAME, MAPS, 3, 255, "", "prior logits"),
    "features": (SAME, MAPS, 3, 30, "", None),
    "channels that are no three": (SAME, MAPS, 1, 32, "", None),
    "too few": (SAME, MAPS, 1, 15, "", None),
    "scales that are no halves": ("y0 = Identity(p0) y1 = MaxPool<kernel_shape=[2,2]>(p1)",
                                  ["{c}, 8, 8", "{c}, 3, 3"], 1, 30, "", None),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_undecoded_boxes_are(case: str) -> None:
    ends, shapes, kernel, channels, names, written = CASES[case]
    model = two_scales(ends, [s.format(c=channels) for s in shapes], kernel, channels, names)
    backend = OnnxBackend(model)
    boxes = backend.heads()[0].boxes
    assert (None if boxes is None else boxes.written) == written
    if written is not None:
        assert backend.classes == channels // 3 - 5
        assert boxes.priors == ()


SIZES = {"[[[1, 2], [3, 4]], [[5, 6], [7, 8]]]": (((1, 2), (3, 4)), ((5, 6), (7, 8))), "many": ()}


@pytest.mark.parametrize("text", SIZES)
def test_sizes_in_the_metadata(text: str) -> None:
    model = two_scales(SAME, ["30, 8, 8", "30, 4, 4"], 1, 30)
    model.metadata_props.add(key="anchors", value=text)
    boxes = OnnxBackend(model).heads()[0].boxes
    assert boxes is not None
    assert boxes.priors == SIZES[text]
