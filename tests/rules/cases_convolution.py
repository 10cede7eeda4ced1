"""Rows for convolution.py (see test_rules.py); test_random_windows.py draws many more."""

import numpy as np

NCHW = {"dynamic": {"x": ("N", 2, "H", "W")}}
BATCH = {"dynamic": {"x": ("N", 2, 6, 5)}}


def _conv(attributes: str, x: tuple, w: tuple, note: str, **options: object) -> tuple:
    return "Conv", f"y = Conv<{attributes}>(x, w)", {"x": x, "w": w}, note, options


def _transposed(attributes: str, x: tuple, w: tuple, note: str, **options: object) -> tuple:
    body = f"y = ConvTranspose<{attributes}>(x, w)"
    return "ConvTranspose", body, {"x": x, "w": w}, note, options


GROUPS = {"frozen": "the reference evaluator's ConvTranspose knows no groups"}
SHAPED = {"frozen": "the reference evaluator does not place output_shape"}
IMAGE = (2, 2, 6, 5)
SQUARE = (3, 2, 3, 3)


def _col2im(attributes: str, x: tuple, image: list, block: list, note: str) -> tuple:
    given = {"x": x, "image": np.array(image), "block": np.array(block)}
    dynamic = {"dynamic": {"x": ("N", *x[1:])}, "opsets": (18,)}
    return "Col2Im", f"y = Col2Im<{attributes}>(x, image, block)", given, note, dynamic


CASES = [
    (
        "Conv",
        "y = Conv(x, w, b)",
        {"x": IMAGE, "w": SQUARE, "b": (3,)},
        "bias, no attributes",
        {"opsets": (7, 11, 17, 21)} | BATCH,
    ),
    _conv("pads=[1,1,1,1]", IMAGE, SQUARE, "same size", opsets=(7, 9, 13), **BATCH),
    _conv("pads=[1,2,0,1]", IMAGE, SQUARE, "asymmetric pads", opsets=(11, 17), **NCHW),
    _conv("pads=[3,0,4,2]", IMAGE, SQUARE, "pads beyond the kernel", **NCHW),
    _conv("dilations=[2,1], pads=[2,0,1,1]", IMAGE, SQUARE, "dilated", **NCHW),
    _conv("strides=[2,2]", IMAGE, SQUARE, "stride 2, a rest at the end", opsets=(7, 17), **BATCH),
    _conv("strides=[2,2]", IMAGE, SQUARE, "stride 2, dynamic", opsets=(11, 17), **NCHW),
    _conv("strides=[2,3], pads=[0,0,1,1]", IMAGE, SQUARE, "end-heavy pads", **NCHW),
    _conv("strides=[3,2], dilations=[2,2], pads=[2,1,1,3]", IMAGE, SQUARE, "all at once", **NCHW),
    _conv("strides=[1,2], pads=[0,1,0,1]", IMAGE, (3, 2, 1, 3), "kernel 1x3", **NCHW),
    _conv("strides=[1,1]", IMAGE, (3, 2, 1, 1), "pointwise", opsets=(7, 17), **NCHW),
    _conv("strides=[2,2]", IMAGE, (3, 2, 1, 1), "pointwise, stride 2", **NCHW),
    _conv("strides=[2,2]", (2, 2, 6, 4), (3, 2, 2, 2), "patches", opsets=(9, 17)),
    _conv(
        "group=2, pads=[1,1,1,1]", (2, 4, 4, 5), (6, 2, 3, 3), "grouped", opsets=(7, 17), **GROUPS
    ),
    _conv("group=2, strides=[2,2]", (2, 4, 4, 5), (6, 2, 3, 3), "grouped, stride 2", **GROUPS),
    _conv(
        "group=2, strides=[2,2]",
        (2, 4, 4, 5),
        (6, 2, 3, 3),
        "grouped, dynamic",
        dynamic={"x": ("N", 4, "H", "W")},
        **GROUPS,
    ),
    _conv("group=2, pads=[1,1,1,1]", IMAGE, (2, 1, 3, 3), "depthwise", opsets=(7, 17), **NCHW),
    _conv("group=2, pads=[1,1,1,1]", IMAGE, (4, 1, 3, 3), "depthwise, multiplier 2", **NCHW),
    _conv("group=2, strides=[2,2], pads=[1,0,1,1]", IMAGE, (2, 1, 3, 3), "depthwise, s2", **NCHW),
    _conv(
        "group=2, strides=[2,2]", IMAGE, (4, 1, 3, 3), "multiplier 2, stride 2", **GROUPS, **NCHW
    ),
    _conv('auto_pad="SAME_UPPER"', IMAGE, (3, 2, 2, 3), "same upper", opsets=(7, 17), **NCHW),
    _conv('auto_pad="SAME_LOWER"', IMAGE, (3, 2, 2, 2), "same lower", **NCHW),
    _conv('auto_pad="SAME_UPPER", strides=[2,2]', IMAGE, SQUARE, "same upper, s2", wrt=["x"]),
    _conv(
        'auto_pad="SAME_LOWER", strides=[3,2]',
        IMAGE,
        (3, 2, 4, 2),
        "same lower, strided, dynamic",
        wrt=["x"],
        opsets=(11, 17),
        frozen="the reference evaluator pads SAME_LOWER like SAME_UPPER",
        **NCHW,
    ),
    _conv(
        'auto_pad="SAME_UPPER", strides=[2,2], group=2',
        IMAGE,
        (2, 1, 3, 3),
        "same upper, depthwise, dynamic",
        wrt=["x"],
        **NCHW,
    ),
    _conv('auto_pad="VALID", strides=[2,1]', IMAGE, SQUARE, "valid", **NCHW),
    _conv("strides=[2], pads=[1,0]", (2, 2, 7), (3, 2, 3), "1-D", dynamic={"x": ("N", 2, "T")}),
    _conv("pads=[2,1]", (2, 2, 7), (3, 2, 4), "1-D, stride 1", dynamic={"x": ("N", 2, "T")}),
    _conv("pads=[1,0,1,1,1,0]", (1, 2, 3, 4, 3), (2, 2, 2, 3, 2), "3-D"),
    _conv(
        "strides=[2,1,2], pads=[1,0,1,1,1,0]",
        (1, 2, 3, 4, 3),
        (2, 2, 2, 3, 2),
        "3-D, strided",
        dynamic={"x": ("N", 2, "D", "H", "W")},
    ),
    (
        "ConvTranspose",
        "y = ConvTranspose<strides=[2,2]>(x, w, b)",
        {"x": IMAGE, "w": (2, 3, 3, 3), "b": (3,)},
        "bias",
        {"opsets": (7, 11, 17)} | NCHW,
    ),
    _transposed("pads=[1,0,0,1]", IMAGE, (2, 3, 3, 3), "asymmetric pads", **NCHW),
    _transposed("strides=[3,2], output_padding=[2,1]", IMAGE, (2, 3, 3, 2), "rest", **NCHW),
    _transposed("group=2, strides=[2,1]", IMAGE, (2, 3, 3, 3), "grouped", **GROUPS, **NCHW),
    _transposed('auto_pad="SAME_UPPER", strides=[2,2]', IMAGE, (2, 3, 3, 3), "same upper", **NCHW),
    _transposed('auto_pad="SAME_LOWER", strides=[2,2]', IMAGE, (2, 3, 3, 3), "same lower", **NCHW),
    _transposed("strides=[2,2], output_shape=[12,10]", IMAGE, (2, 3, 3, 3), "shape", **SHAPED),
    _transposed(
        'strides=[2,2], output_shape=[11,11], auto_pad="SAME_UPPER"',
        IMAGE,
        (2, 3, 4, 5),
        "shape, the odd cell at the end",
        **SHAPED,
    ),
    _transposed(
        'auto_pad="SAME_LOWER", strides=[3,4]',
        IMAGE,
        (2, 3, 2, 3),
        "same, gaps between kernels",
        frozen="the reference evaluator gives another extent than onnxruntime",
    ),
    _transposed("strides=[2], output_padding=[1]", (2, 2, 5), (2, 3, 3), "1-D"),
    _transposed("strides=[2,1,2]", (1, 2, 3, 2, 3), (2, 2, 2, 2, 3), "3-D"),
    _col2im("pads=[1,0,1,2], strides=[2,1]", (2, 12, 15), [4, 5], [2, 3], "patches laid out"),
    _col2im("dilations=[2,1]", (2, 8, 12), [5, 5], [2, 2], "dilated"),
    _col2im("strides=[1]", (1, 6, 4), [6], [3], "1-D"),
]
