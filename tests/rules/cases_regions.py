"""Rows for regions.py (see test_rules.py)."""

import numpy as np

ROIS = np.array([[0.3, 0.9, 4.1, 3.7], [1.2, -1.5, 6.3, 5.8], [2.23, 2.3, 2.65, 2.84]])
BATCH = np.array([1, 0, 1])
PLACED = {"x": (2, 3, 6, 5), "rois": (ROIS.shape, lambda _: ROIS), "b": BATCH}
SHIFTED = "the reference evaluator shifts by half a cell, which opset 10 does not"


def _row(attributes: str, note: str, opset: int = 16, **options: object) -> tuple:
    body = f"y = RoiAlign<output_height=3, output_width=2, {attributes}>(x, rois, b)"
    return "RoiAlign", body, PLACED, note, {"opsets": (opset,), **options}


CASES = [
    _row("sampling_ratio=2", "two samples a bin", dynamic={"x": ("N", "C", "H", "W")}),
    _row("sampling_ratio=0", "as many as cells", dynamic={"rois": ("R", 4)}),
    _row("sampling_ratio=2, spatial_scale=0.6", "from the corner", 10, wrt=["x"], frozen=SHIFTED),
    _row(
        'sampling_ratio=1, coordinate_transformation_mode="output_half_pixel"',
        "one sample, from the corner",
    ),
    _row('sampling_ratio=2, mode="max"', "largest", dynamic={"x": ("N", "C", "H", "W")}),
    _row('sampling_ratio=0, mode="max"', "largest of as many as cells"),
]
