"""Pools of no region at all, as at a level of a pyramid that no proposal is of."""

from __future__ import annotations

import numpy as np
import onnx.parser
import pytest

from tests.gradients import with_gradient
from tests.sessions import open_session

pytest.importorskip("onnxruntime")

TEXT = """<ir_version: 8, opset_import: ["" : 17]>
net (float[1, 3, 8, 8] x, float[R, 4] rois, int64[R] b) => (float[R, 3, 2, 2] y) {
    y = RoiAlign<output_height = 2, output_width = 2, ATTRIBUTES>(x, rois, b)
}"""


@pytest.mark.parametrize("attributes", ["sampling_ratio = 2", "sampling_ratio = 0",
                                        'sampling_ratio = 2, mode = "max"'])  # fmt: skip
def test_without_a_region_the_derivative_is_zero(attributes: str) -> None:
    """Also where memory was used before: onnxruntime leaves it in sums over nothing."""
    model = onnx.parser.parse_model(TEXT.replace("ATTRIBUTES", attributes))
    full, (name,) = with_gradient(model, ["x"])
    session = open_session(full)
    x = np.ones((1, 3, 8, 8), np.float32)
    regions = np.array([[0, 0, 7, 7]] * 5, np.float32)
    for count in (5, 0, 5, 0):
        feed = {"x": x, "rois": regions[:count], "b": np.zeros(count, np.int64)}
        feed["cot"] = np.ones((count, 3, 2, 2), np.float32)
        (g,) = session.run([name], feed)
        assert g.shape == x.shape
        assert bool(g.any()) == bool(count)
