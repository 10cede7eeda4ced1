"""A detector of two scales, of few operators: 64 fine anchors and 16 coarse ones, three classes."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx.parser
from onnx import numpy_helper

TEXT = """<ir_version: 8, opset_import: ["" : 17]>
two_scales (float[{rows}, 3, 32, 32] x) => (float[{rows}, 7, 80] y)
<int64[3] four = {{0, 4, -1}}, int64[3] three = {{0, 3, -1}}> {{
    f = Conv<strides = [4, 4]>(x, w1) fine = Relu(f)
    c = Conv<strides = [2, 2]>(fine, w2) coarse = Relu(c)
    nf = Conv(fine, n1) neck_fine = Relu(nf)
    nc = Conv(coarse, n2) neck_coarse = Relu(nc)
    kf = Conv(neck_fine, k1) kc = Conv(neck_coarse, k2)
    bf = Conv(neck_fine, b1) bc = Conv(neck_coarse, b2)
    kfr = Reshape(kf, three) kcr = Reshape(kc, three)
    bfr = Reshape(bf, four) bcr = Reshape(bc, four)
    scored = Concat<axis = 2>(kfr, kcr) classes = Add(scored, bias)
    offsets = Concat<axis = 2>(bfr, bcr) small = Mul(offsets, step) boxes = Add(small, grid)
    p = Sigmoid(classes)
    y = Concat<axis = 1>(boxes, p)
}}"""
NECKS = ("neck_fine", "neck_coarse")
SHAPES = {
    **{"w1": (6, 3, 4, 4), "w2": (6, 6, 2, 2), "n1": (8, 6, 1, 1), "n2": (8, 6, 1, 1)},
    **{"k1": (3, 8, 1, 1), "k2": (3, 8, 1, 1), "b1": (4, 8, 1, 1), "b2": (4, 8, 1, 1)},
}
NAMES = {0: "cup", 1: "fork", 2: "spoon"}


def two_scales(rows: str = "N") -> onnx.ModelProto:
    """Seeded; boxes are near the cells of their anchors, as large as these."""
    model = onnx.parser.parse_model(TEXT.format(rows=rows))
    rng = np.random.default_rng(11)
    weights: dict[str, Any] = {
        name: rng.normal(size=shape) / np.sqrt(np.prod(shape[1:])) for name, shape in SHAPES.items()
    }
    weights |= {"bias": np.full((1, 1, 1), -1.0), "step": np.float32(0.1), "grid": grid()}
    for name, weight in weights.items():
        model.graph.initializer.append(numpy_helper.from_array(np.float32(weight), name))
    said = {"names": str(NAMES), "stride": "4", "imgsz": "[32, 32]", "task": "detect"}
    for key, value in said.items():
        model.metadata_props.add(key=key, value=value)
    return model


def grid() -> Any:
    """Centre and size [1, 4, 80] of each anchor's cell, in pixels."""
    cells = [
        [(i % n + 0.5) * 32 / n, (i // n + 0.5) * 32 / n, 28 / n, 28 / n]
        for n in (8, 4)
        for i in range(n * n)
    ]
    return np.array(cells).T[None]


def scene(seed: int = 0) -> Any:
    """x [1, 3, 32, 32] with a few bright spots."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(1, 3, 32, 32), scale=0.2)
    for _ in range(6):
        row, column = rng.integers(0, 28, 2)
        x[0, :, row : row + 4, column : column + 4] += rng.normal(size=(3, 1, 1), scale=4)
    return x.astype(np.float32)
