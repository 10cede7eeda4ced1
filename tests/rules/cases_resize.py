"""Rows for resize.py (see test_rules.py). A Resize is linear, so float32 differences are exact, and
the rule follows the runtime, from which the reference evaluator differs in several corners.
"""

import numpy as np

IMAGE = (2, 2, 4, 3)
FROZEN = {"frozen": "the reference evaluator's Resize differs from the runtime's"}
NCHW = {"dynamic": {"x": ("N", 2, "H", "W")}}


def _scaled(attributes: str, x: tuple, scales: list, note: str, **options: object) -> tuple:
    given = {"x": x, "scales": np.array(scales, np.float32)}
    body = f'y = Resize<{attributes}>(x, "", scales)'
    return "Resize", body, given, note, {**FROZEN, **options}


def _sized(attributes: str, x: tuple, sizes: list, note: str, **options: object) -> tuple:
    given = {"x": x, "sizes": np.array(sizes, np.int64)}
    body = f'y = Resize<{attributes}>(x, "", "", sizes)'
    return "Resize", body, given, note, {**FROZEN, **options}


def _old(mode: str, scales: list, note: str, **options: object) -> tuple:
    given = {"x": IMAGE, "scales": np.array(scales, np.float32)}
    body = f'y = Resize<mode="{mode}">(x, scales)'
    return "Resize", body, given, note, {**FROZEN, "opsets": (10,), **options}


def _upsample(mode: str, scales: list, **options: object) -> tuple:
    body = f'y = Upsample<mode="{mode}", scales={scales}>(x)'
    return "Resize", body, {"x": IMAGE}, f"Upsample {mode}", {**FROZEN, "opsets": (7, 8), **options}


def _mode(mode: str, coordinates: str, more: str = "") -> str:
    return f'mode="{mode}", coordinate_transformation_mode="{coordinates}"{more}'


FLOOR = ', nearest_mode="floor"'
BATCH = {"dynamic": {"x": ("N", 2, 4, 3)}}
LIKE_INPUT = """
    shape = Shape(x)
    half = Resize<mode="linear">(x, "", scales)
    y = Resize<mode="cubic", cubic_coeff_a=-0.6>(half, "", "", shape)
"""

CASES = [
    _scaled(_mode("nearest", "asymmetric", FLOOR), IMAGE, [1, 1, 2, 3], "blocks", **NCHW),
    _scaled(_mode("nearest", "half_pixel"), IMAGE, [1, 1, 4, 2], "half-pixel blocks", **BATCH),
    _scaled(_mode("nearest", "half_pixel"), IMAGE, [1, 1, 1.5, 0.7], "nearest", **NCHW),
    _scaled(_mode("nearest", "asymmetric"), IMAGE, [1, 1, 3, 2], "rounded blocks", **NCHW),
    _scaled(
        _mode("nearest", "align_corners", ', nearest_mode="ceil"'), IMAGE, [1, 1, 2, 2], "ceil"
    ),
    _scaled(_mode("nearest", "asymmetric", FLOOR), (2, 2, 5), [1, 1, 2], "blocks, 1-D"),
    _scaled(_mode("nearest", "asymmetric", FLOOR), (1, 2, 2, 3, 2), [1, 1, 2, 1, 2], "blocks, 3-D"),
    _scaled(_mode("nearest", "asymmetric", FLOOR), (2, 3, 2, 2), [1, 2, 2, 1], "blocks, NHWC"),
    *(
        _scaled(_mode("linear", name), IMAGE, [1, 1, 2, 1.6], f"linear, {name}", **NCHW)
        for name in ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric")
    ),
    _scaled(
        _mode("linear", "half_pixel_symmetric"), IMAGE, [1, 1, 2.4, 1.6], "symmetric", opsets=(19,)
    ),
    (
        "Resize",
        f"y = Resize<{_mode('nearest', 'tf_half_pixel_for_nn')}>(x, roi, roi, sizes)",
        {"x": IMAGE, "roi": np.zeros(0, np.float32), "sizes": np.array([2, 2, 7, 2])},
        "tf, sizes",
        FROZEN | {"opsets": (11,)},
    ),
    _sized(_mode("linear", "half_pixel"), IMAGE, [2, 2, 7, 2], "sizes", opsets=(13, 17, 21)),
    _sized(_mode("nearest", "half_pixel"), IMAGE, [2, 2, 8, 6], "sizes that are multiples"),
    _sized(_mode("linear", "half_pixel"), (2, 2, 4), [2, 2, 7], "linear, 1-D"),
    _sized(_mode("linear", "half_pixel"), (1, 2, 2, 3, 2), [1, 2, 3, 4, 5], "linear, 3-D"),
    _sized(_mode("linear", "half_pixel"), (2, 4, 3, 2), [2, 7, 5, 2], "linear, NHWC"),
    *(
        _scaled(_mode("cubic", name), IMAGE, [1, 1, 2, 1.6], f"cubic, {name}", **NCHW)
        for name in ("half_pixel", "align_corners", "pytorch_half_pixel")
    ),
    _scaled(
        _mode("cubic", "half_pixel", ", cubic_coeff_a=-0.5, exclude_outside=1"),
        IMAGE,
        [1, 1, 2, 0.7],
        "cubic, coefficient, exclude outside",
    ),
    *(
        _sized(
            _mode(mode, "half_pixel", ", antialias=1"),
            (1, 2, 8, 9),
            [1, 2, 3, 4],
            f"{mode}, antialias",
            opsets=(18, 21),
        )
        for mode in ("linear", "cubic")
    ),
    _sized(
        _mode("linear", "half_pixel", ", axes=[-1, 2]"),
        IMAGE,
        [5, 6],
        "axes",
        opsets=(18,),
        **NCHW,
    ),
    (
        "Resize",
        LIKE_INPUT,
        {"x": IMAGE, "scales": np.array([1, 1, 2, 2], np.float32)},
        "there and back",
        FROZEN | NCHW,
    ),
    _old("nearest", [1, 1, 2, 2], "old, blocks", **NCHW),
    _old("nearest", [1, 1, 0.5, 1.5], "old, nearest down"),
    _old("linear", [1, 1, 2, 1.5], "old, linear", **BATCH),
    _upsample("nearest", [1.0, 1.0, 2.0, 3.0], **BATCH),
    _upsample("linear", [1.0, 1.0, 2.0, 1.5], **BATCH),
    (
        "Resize",
        'y = Upsample<mode="linear">(x, scales)',
        {"x": IMAGE, "scales": np.array([1, 1, 2, 2], np.float32)},
        "Upsample with an input",
        FROZEN | {"opsets": (9,)},
    ),
    *(
        (
            "Resize",
            f"y = Resize<{_mode(mode, 'tf_crop_and_resize', more)}>(x, roi, {rest})",
            {
                "x": (2, 2, 5, 6),
                "roi": np.array([*before, 0.1, -0.2, *after, 0.8, 0.9], np.float32),
                "none": np.zeros(0, np.float32),
                "sizes": np.array([2, 2, 4, 6][-len(after) - 2 :]),
            },
            f"a region, {mode}{more}",
            FROZEN | {"opsets": opsets, "dynamic": {"x": ("N", "C", 5, 6)}},
        )
        for mode, more, rest, before, after, opsets in (
            ("linear", ", extrapolation_value=7.0", '"", sizes', [0, 0], [1, 1], (13, 17)),
            ("linear", "", "none, sizes", [0, 0], [1, 1], (11,)),
            ("nearest", "", '"", sizes', [0, 0], [1, 1], (13,)),
            ("cubic", "", '"", sizes', [0, 0], [1, 1], (17,)),
            ("linear", ", axes=[2,3]", '"", sizes', [], [], (18,)),
        )
    ),
]
