"""Rows for pooling.py and maxpool.py (see test_rules.py); ties are in test_spatial_torch.py."""

import numpy as np

IMAGE = (2, 2, 6, 5)
NCHW = {"dynamic": {"x": ("N", 2, "H", "W")}, "opsets": (11, 17)}
SAME_OPSETS = {"opsets": (7, 17), "dynamic": {"x": ("N", 2, 6, 5)}}


def _max(attributes: str, x: tuple, note: str, **options: object) -> tuple:
    body = f"y = MaxPool<{attributes}>(x)"
    return "MaxPool", body, {"x": x}, note, options


def _average(attributes: str, x: tuple, note: str, **options: object) -> tuple:
    return "AveragePool", f"y = AveragePool<{attributes}>(x)", {"x": x}, note, options


WIDE = {"frozen": "the reference evaluator fails where a window holds padding alone"}
PLANE = {"frozen": "the reference evaluator's GlobalMaxPool knows two spatial axes only"}
OVERHANG = "kernel_shape=[3,3], strides=[2,2], ceil_mode=1"
LOWER = {"frozen": "the reference evaluator pads SAME_LOWER like SAME_UPPER"}
OLD = {"frozen": "the reference evaluator knows Upsample at opset 9 only"}
CEIL = {"frozen": "the reference evaluator counts the overhang, or gives another extent"}

NO_NORM = {"frozen": "the reference evaluator has no GlobalLpPool"}

CASES = [
    ("GlobalAveragePool", "y = GlobalAveragePool(x)", {"x": IMAGE}, "2-D", NCHW),
    ("GlobalAveragePool", "y = GlobalAveragePool(x)", {"x": IMAGE}, "batch", SAME_OPSETS),
    ("GlobalAveragePool", "y = GlobalAveragePool(x)", {"x": (2, 3, 7)}, "1-D"),
    ("GlobalAveragePool", "y = GlobalAveragePool(x)", {"x": (2, 3, 2, 3, 2)}, "3-D"),
    ("GlobalMaxPool", "y = GlobalMaxPool(x)", {"x": IMAGE}, "2-D", NCHW),
    ("GlobalMaxPool", "y = GlobalMaxPool(x)", {"x": IMAGE}, "batch", SAME_OPSETS),
    ("GlobalMaxPool", "y = GlobalMaxPool(x)", {"x": (2, 3, 7)}, "1-D", PLANE),
    ("GlobalMaxPool", "y = GlobalMaxPool(x)", {"x": (2, 3, 2, 3, 2)}, "3-D", PLANE),
    _max("kernel_shape=[2,2], strides=[2,2]", (2, 2, 6, 4), "tiles", opsets=(7, 9, 17, 22)),
    _max("kernel_shape=[2,2], strides=[2,2]", IMAGE, "tiles and a rest", **NCHW),
    _max("kernel_shape=[3,2]", IMAGE, "stride 1", **NCHW),
    _max("kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1]", IMAGE, "stem", **NCHW),
    _max("kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1]", IMAGE, "old", **SAME_OPSETS),
    _max("kernel_shape=[3,3], strides=[2,2], pads=[0,0,1,1]", IMAGE, "end-heavy pads", **NCHW),
    _max("kernel_shape=[5,5], pads=[2,2,2,2]", IMAGE, "wide, stride 1", **NCHW, **WIDE),
    _max("kernel_shape=[2,2], strides=[3,3]", IMAGE, "gaps", **NCHW),
    _max("kernel_shape=[1,1], strides=[2,2]", IMAGE, "kernel 1", **NCHW),
    _max("kernel_shape=[1,3], strides=[1,2]", IMAGE, "one axis", **NCHW),
    _max("kernel_shape=[6,5]", IMAGE, "one window"),
    _max(OVERHANG, IMAGE, "ceil", **NCHW),
    _max(OVERHANG + ", pads=[1,0,1,1]", (2, 2, 5, 6), "ceil, pads", **NCHW),
    _max("kernel_shape=[2,2], strides=[2,2], ceil_mode=1", (2, 2, 5, 7), "tiles, ceil", **NCHW),
    _max("kernel_shape=[2,3], dilations=[2,1], strides=[2,1]", IMAGE, "dilated", **NCHW),
    _max("kernel_shape=[2,2], dilations=[2,2], strides=[4,3]", (1, 2, 9, 9), "dilated, gaps"),
    _max('kernel_shape=[3,2], strides=[2,2], auto_pad="SAME_UPPER"', IMAGE, "upper", **NCHW),
    _max(
        'kernel_shape=[2,2], strides=[1,3], auto_pad="SAME_LOWER"',
        IMAGE,
        "lower",
        **NCHW,
        **LOWER,
    ),
    _max('kernel_shape=[3,2], strides=[2,2], auto_pad="VALID"', IMAGE, "valid", **NCHW),
    _max("kernel_shape=[3], strides=[2], pads=[1,0]", (2, 2, 8), "1-D", opsets=(8, 17)),
    _max("kernel_shape=[2,3,2], strides=[2,1,1]", (1, 2, 4, 4, 3), "3-D"),
    _average("kernel_shape=[2,2], strides=[2,2]", (2, 2, 6, 4), "tiles", opsets=(11, 17, 22)),
    _average("kernel_shape=[2,2], strides=[2,2]", (2, 2, 6, 4), "old tiles", opsets=(7,), **OLD),
    _average("kernel_shape=[2,2], strides=[2,2]", IMAGE, "tiles and a rest", **NCHW),
    _average("kernel_shape=[6,5]", IMAGE, "one window", **SAME_OPSETS),
    _average("kernel_shape=[3,3], pads=[1,1,1,1]", IMAGE, "same size", **NCHW),
    _average("kernel_shape=[3,3], pads=[1,1,1,1]", IMAGE, "old", **SAME_OPSETS),
    _average(
        "kernel_shape=[3,3], pads=[1,1,1,1], count_include_pad=1", IMAGE, "pads count", **NCHW
    ),
    _average("kernel_shape=[3,2], strides=[2,3], pads=[0,1,2,0]", IMAGE, "asymmetric pads", **NCHW),
    _average(
        "kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1], count_include_pad=1",
        IMAGE,
        "stride 2, pads count",
        **NCHW,
    ),
    _average("kernel_shape=[2,2], strides=[3,4]", (2, 2, 8, 9), "gaps", **NCHW),
    _average(OVERHANG, IMAGE, "ceil", **NCHW, **CEIL),
    _average(OVERHANG + ", pads=[1,0,1,1]", (2, 2, 6, 6), "ceil, pads", **NCHW, **CEIL),
    _average(
        OVERHANG + ", pads=[1,1,1,1], count_include_pad=1",
        (2, 2, 6, 6),
        "ceil, pads count",
        **NCHW,
        **CEIL,
    ),
    _average(
        "kernel_shape=[2,3], dilations=[3,2], pads=[1,1,0,2]",
        (2, 2, 7, 8),
        "dilated",
        opsets=(19, 22),
        dynamic={"x": ("N", 2, "H", "W")},
    ),
    _average('kernel_shape=[3,2], strides=[2,2], auto_pad="SAME_UPPER"', IMAGE, "upper", **NCHW),
    _average(
        'kernel_shape=[2,4], strides=[1,3], auto_pad="SAME_LOWER"',
        IMAGE,
        "lower",
        **NCHW,
        **LOWER,
    ),
    _average(
        'kernel_shape=[3,2], strides=[2,2], auto_pad="SAME_UPPER", count_include_pad=1',
        IMAGE,
        "upper, pads count",
        **NCHW,
    ),
    _average('kernel_shape=[3,2], strides=[2,2], auto_pad="VALID"', IMAGE, "valid", **NCHW),
    _average("kernel_shape=[3], strides=[2], pads=[1,0]", (2, 2, 8), "1-D"),
    _average("kernel_shape=[3], strides=[2]", (2, 2, 8), "1-D, old", opsets=(7, 9), **OLD),
    _average("kernel_shape=[2,3,2], strides=[2,1,1]", (1, 2, 4, 4, 3), "3-D"),
    *(
        (
            "LpPool",
            f"y = LpPool<kernel_shape=[3,2], strides=[2,1], p={p}>(x)",
            {"x": (IMAGE, lambda x: x + np.sign(x))},
            f"p={p}",
            {"dynamic": {"x": ("N", "C", "H", "W")}, "opsets": (11, 22)},
        )
        for p in (1, 2, 3, 4)
    ),
    (
        "LpPool",
        "y = LpPool<kernel_shape=[2,2], strides=[2,2]>(x)",
        {"x": (2, 2, 6, 4)},
        "tiles",
        {"opsets": (7,)} | OLD,
    ),
    ("GlobalLpPool", "y = GlobalLpPool<p=3>(x)", {"x": (2, 3, 7)}, "1-D", NO_NORM),
    ("GlobalLpPool", "y = GlobalLpPool(x)", {"x": IMAGE}, "2-D", NO_NORM | {"opsets": (7, 17)}),
    (
        "MaxUnpool",
        "y = MaxUnpool<kernel_shape=[2,2], strides=[2,2]>(x, i)",
        {"x": (1, 2, 2, 2), "i": np.array([[[[0, 2], [8, 15]], [[17, 19], [26, 29]]]])},
        "where the maxima were",
        {"opsets": (9, 11, 22), "dynamic": {"x": ("N", "C", "H", "W")}},
    ),
    (
        "MaxUnpool",
        "y = MaxUnpool<kernel_shape=[2], strides=[2]>(x, i, s)",
        {"x": (1, 2, 2), "i": np.array([[[1, 4], [5, 9]]]), "s": np.array([1, 2, 5])},
        "a longer output",
        {"frozen": "the reference counts cells of a shorter output", "shape": (1, 2, 5)},
    ),
]
