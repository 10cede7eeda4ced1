"""Rows for activation.py (see test_rules.py)."""

import numpy as np


def away(*kinks):
    """The values, moved at least 0.05 away from each kink."""

    def move(x):
        for kink in kinks:
            near = np.abs(x - kink) < 0.05
            x = np.where(near, kink + np.where(x < kink, -0.1, 0.1), x)
        return x

    return move


def wide(*kinks):
    """The same, three times as wide."""
    return lambda x: away(*kinks)(3 * x)


SMOOTH = ("Sigmoid", "Tanh", "Softplus")

CASES = [
    *((op, f"y = {op}(x)", {"x": (2, 3, 4)}, "smooth", {"opsets": (7, 17)}) for op in SMOOTH),
    ("Softsign", "y = Softsign(x)", {"x": ((2, 3, 4), away(0))}, "kink at 0 in its parts"),
    (
        "Relu",
        "y = Relu(x)",
        {"x": ((2, 3, 4), away(0))},
        "maps",
        {"opsets": (7, 9, 14, 17), "dynamic": {"x": ("N", 3, "W")}},
    ),
    (
        "LeakyRelu",
        "y = LeakyRelu<alpha=0.2>(x)",
        {"x": ((2, 3), away(0))},
        "usual",
        {"opsets": (7, 17)},
    ),
    ("LeakyRelu", "y = LeakyRelu<alpha=-0.5>(x)", {"x": ((2, 3), away(0))}, "falling"),
    ("LeakyRelu", "y = LeakyRelu<alpha=0.0>(x)", {"x": ((2, 3), away(0))}, "flat"),
    (
        "PRelu",
        "y = PRelu(x, slope)",
        {"x": ((2, 3, 4), away(0)), "slope": (3, 1)},
        "a slope a channel",
        {"opsets": (7, 9, 17), "dynamic": {"x": ("N", 3, 4)}},
    ),
    ("PRelu", "y = PRelu(x, slope)", {"x": ((2, 3, 4), away(0)), "slope": (1,)}, "one slope"),
    (
        "ThresholdedRelu",
        "y = ThresholdedRelu<alpha=0.4>(x)",
        {"x": ((2, 8), away(0.4))},
        "above",
        {"opsets": (10, 17)},
    ),
    ("ThresholdedRelu", "y = ThresholdedRelu<alpha=-0.4>(x)", {"x": ((2, 8), away(-0.4))}, "below"),
    ("Shrink", "y = Shrink<lambd=0.4, bias=0.1>(x)", {"x": ((2, 8), away(0.4, -0.4))}, "both"),
    ("Elu", "y = Elu<alpha=0.7>(x)", {"x": ((2, 8), away(0))}, "alpha", {"opsets": (7, 17)}),
    ("Selu", "y = Selu(x)", {"x": ((2, 8), away(0))}, "usual", {"opsets": (7, 17)}),
    ("Selu", "y = Selu<alpha=0.5, gamma=2.0>(x)", {"x": ((2, 8), away(0))}, "its own numbers"),
    (
        "Celu",
        "y = Celu<alpha=0.6>(x)",
        {"x": ((2, 8), away(0))},
        "alpha",
        {"frozen": "specified for float32 only"},
    ),
    (
        "HardSigmoid",
        "y = HardSigmoid(x)",
        {"x": ((3, 8), wide(-2.5, 2.5))},
        "usual",
        {"opsets": (7, 17)},
    ),
    (
        "HardSigmoid",
        "y = HardSigmoid<alpha=0.4, beta=0.1>(x)",
        {"x": ((3, 8), wide(-0.25, 2.25))},
        "its own line",
    ),
    ("HardSwish", "y = HardSwish(x)", {"x": ((3, 8), wide(-3, 3))}, "usual", {"opsets": (14, 20)}),
    (
        "Gelu",
        "y = Gelu(x)",
        {"x": (3, 4)},
        "erf",
        {"opsets": (20,), "frozen": "the reference's Erf is float32"},
    ),
    ("Gelu", 'y = Gelu<approximate="tanh">(x)', {"x": (3, 4)}, "tanh", {"opsets": (20,)}),
    ("Mish", "y = Mish(x)", {"x": (3, 4)}, "usual", {"opsets": (18,)}),
    ("Swish", "y = Swish(x)", {"x": (3, 4)}, "usual", {"opsets": (24,)}),
    ("Swish", "y = Swish<alpha=1.7>(x)", {"x": (3, 4)}, "alpha", {"opsets": (24,)}),
    *(
        (op, f"y = {op}<axis={axis}>(x)", {"x": (2, 3, 4)}, f"axis {axis}", {"opsets": (13,)})
        for op in ("Softmax", "LogSoftmax")
        for axis in (0, 1, -1)
    ),
    *(
        (
            op,
            f"y = {op}<axis={axis}>(x)",
            {"x": (2, 3, 4)},
            f"flattened at {axis}",
            {"opsets": (7, 11), "frozen": "the reference does not flatten"},
        )
        for op in ("Softmax", "LogSoftmax")
        for axis in (0, 1, -1)
    ),
    (
        "Softmax",
        "y = Softmax<axis=1>(x)",
        {"x": (2, 3, 4)},
        "free sizes",
        {"opsets": (17,), "dynamic": {"x": ("N", 3, "W")}},
    ),
    ("LogSoftmax", "y = LogSoftmax(x)", {"x": (2, 3)}, "axis left out", {"opsets": (7, 17)}),
    (
        "ImageScaler",
        "y = ImageScaler<scale=0.5, bias=[1.0, 2.0]>(x)",
        {"x": (1, 2, 3, 4)},
        "channels",
        {"opsets": (7,), "frozen": "in onnxruntime only", "shape": (1, 2, 3, 4)},
    ),
]
