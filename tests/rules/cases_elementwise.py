"""Rows for elementwise.py (see test_rules.py)."""

import numpy as np


def above(least):
    """|values| + least."""
    return lambda x: np.abs(x) + least


def spread(gap):
    """Values at least `gap` away from 0."""
    return lambda x: x + np.sign(x) * gap


def inside(x):
    """Between -0.9 and 0.9."""
    return 0.9 * np.tanh(x)


def steps(shape, seed=0):
    """Distinct values, at least 0.5 apart."""
    order = np.random.default_rng(seed).permutation(int(np.prod(shape)))
    return lambda x: 0.5 * order.reshape(shape) - 0.25 * order.size + 0.1


ANYWHERE = ("Identity", "Neg", "Exp", "Sin", "Cos", "Tan", "Atan", "Sinh", "Cosh", "Asinh")
UNARY = [
    *((op, (lambda x: 0.5 * x)) for op in ANYWHERE),
    ("Abs", spread(0.1)),
    ("Log", above(0.3)),
    ("Sqrt", above(0.3)),
    ("Reciprocal", spread(0.5)),
    ("Asin", inside),
    ("Acos", inside),
    ("Atanh", inside),
    ("Acosh", above(1.3)),
]

CASES = [
    *((op, f"y = {op}(x)", {"x": ((2, 3, 4), domain)}, "one line") for op, domain in UNARY),
    ("Erf", "y = Erf(x)", {"x": (2, 3)}, "usual", {"frozen": "the reference's is float32"}),
    ("Abs", "y = Abs(x)", {"x": ((7,), spread(0.1))}, "old", {"opsets": (7,)}),
    ("Sqrt", "y = Sqrt(x)", {"x": ((7,), above(0.1))}, "old", {"opsets": (7, 9)}),
    ("Add", "y = Add(x, b)", {"x": (2, 3), "b": (3,)}, "broadcast the second"),
    (
        "Add",
        "y = Add(x, b)",
        {"x": (2, 3), "b": (2, 3)},
        "extents that may be 1",
        {"dynamic": {"x": ("A", 3), "b": ("B", 3)}},
    ),
    ("Add", "y = Add(x, b)", {"x": (1, 3), "b": (4, 3)}, "one row", {"dynamic": {"x": ("A", 3)}}),
    ("Sub", "y = Sub(x, b)", {"x": (3, 1), "b": (2, 1, 5)}, "broadcast both"),
    ("Mul", "y = Mul(x, b)", {"x": (2, 1, 3), "b": (4, 2, 5, 3)}, "broadcast both ways"),
    ("Mul", "y = Mul(x, x)", {"x": (2, 3)}, "the same tensor twice"),
    ("Div", "y = Div(x, b)", {"x": (2, 1, 3), "b": ((4, 3), spread(0.5))}, "broadcast both ways"),
    ("Div", "y = Div(x, x)", {"x": ((3,), spread(0.5))}, "the same tensor twice"),
    (
        "Mod",
        "y = Mod<fmod=1>(x, b)",
        {"x": ((2, 3), lambda x: steps((2, 3))(x) * 3), "b": np.array([0.7, 1.3, -2.1])},
        "float",
    ),
    (
        "Mod",
        "y = Mod<fmod=1>(c, x)",
        {"x": ((3,), above(2.0)), "c": np.array([13.7, -13.3, 7.0])},
        "the divisor",
    ),
    ("Pow", "y = Pow(x, e)", {"x": (2, 3), "e": np.array(2.0)}, "square", {"opsets": (7, 17)}),
    ("Pow", "y = Pow(x, e)", {"x": (2, 3), "e": np.array([3.0])}, "cube"),
    ("Pow", "y = Pow(x, e)", {"x": (2, 3), "e": np.array(3, np.int64)}, "integer exponent"),
    ("Pow", "y = Pow(x, e)", {"x": ((4,), above(0.3)), "e": np.array(0.5)}, "root"),
    ("Pow", "y = Pow(x, e)", {"x": ((4,), above(0.3)), "e": np.array(-0.5)}, "inverse root"),
    ("Pow", "y = Pow(x, e)", {"x": ((4,), spread(0.3)), "e": np.array(-1.0)}, "inverse"),
    (
        "Pow",
        "y = Pow(x, e)",
        {"x": ((2, 4), above(0.3)), "e": np.array([0.0, 1.0, 2.5, -1.5])},
        "an exponent a column",
    ),
    (
        "Pow",
        "y = Pow(x, e)",
        {"x": ((2, 3), above(0.3)), "e": (2, 1)},
        "exponent varies",
        {"opsets": (9, 17)},
    ),
    ("Pow", "y = Pow(c, x)", {"x": (2, 3), "c": np.array([0.5, 1.5, 3.0])}, "exponent only"),
    ("Sum", "y = Sum(x, b, x)", {"x": (2, 3), "b": (3,)}, "three, one of them twice"),
    ("Sum", "y = Sum(x)", {"x": (2, 3)}, "one"),
    (
        "Mean",
        "y = Mean(x, b)",
        {"x": (2, 3), "b": (3,)},
        "broadcast",
        {"frozen": "the reference cannot broadcast"},
    ),
    ("Mean", "y = Mean(x, b, c)", {"x": (2, 3), "b": (2, 3), "c": (2, 3)}, "three"),
    (
        "Max",
        "y = Max(x, b)",
        {"x": ((2, 3), steps((2, 3))), "b": ((2, 3), steps((2, 3), 7))},
        "two",
        {"opsets": (7, 11, 17)},
    ),
    (
        "Max",
        "y = Max(x, b, c)",
        {"x": ((2, 3), steps((2, 3))), "b": ((3, 1, 1), steps((3, 1, 1))), "c": np.array(-0.33)},
        "three, one constant",
    ),
    ("Max", "y = Max(x)", {"x": (2, 3)}, "one"),
    ("Max", "y = Max(c, x)", {"x": ((2, 3), spread(0.1)), "c": np.array(0.0)}, "a rectifier"),
    ("Min", "y = Min(x, c)", {"x": ((2, 3), steps((2, 3))), "c": np.array([0.33])}, "a bound"),
    (
        "Min",
        "y = Min(x, b, x)",
        {"x": ((2, 3), steps((2, 3))), "b": ((3,), lambda x: np.array([-0.7, 0.2, 0.9]))},
        "three, one of them twice",
    ),
    (
        "Clip",
        "y = Clip(x, low, high)",
        {"x": ((3, 4), steps((3, 4))), "low": np.array(-1.0), "high": np.array(1.2)},
        "both bounds",
        {"opsets": (11, 12, 17), "dynamic": {"x": ("N", 4)}},
    ),
    (
        "Clip",
        "y = Clip(x, , high)",
        {"x": ((3, 4), steps((3, 4))), "high": np.array(1.2)},
        "upper bound only",
    ),
    (
        "Clip",
        "y = Clip(x, low)",
        {"x": ((3, 4), steps((3, 4))), "low": np.array(0.0)},
        "lower bound only",
    ),
    (
        "Clip",
        "y = Clip(x, low, high)",
        {
            "x": ((3, 4), steps((3, 4))),
            "low": ((), lambda x: np.array(-0.7)),
            "high": ((), lambda x: np.array(0.8)),
        },
        "bounds that are made",
        {"opsets": (11, 13), "dynamic": {"x": ("N", 4)}},
    ),
    (
        "Clip",
        "y = Clip(x, low, high)",
        {
            "x": ((3, 4), steps((3, 4))),
            "low": ((), lambda x: np.array(0.9)),
            "high": ((), lambda x: np.array(0.3)),
        },
        "bounds that cross",
    ),
    (
        "Clip",
        "y = Clip(x, low)",
        {"x": ((3, 4), steps((3, 4))), "low": ((), lambda x: np.array(0.3))},
        "a lower bound that is made",
    ),
    ("Clip", "y = Clip(x)", {"x": (3, 4)}, "no bound"),
    (
        "Clip",
        "y = Clip<min=0.0, max=1.2>(x)",
        {"x": ((3, 4), steps((3, 4)))},
        "bounds as attributes",
        {"opsets": (7, 9)},
    ),
    ("Clip", "y = Clip<min=0.0>(x)", {"x": ((3, 4), steps((3, 4)))}, "one", {"opsets": (9,)}),
    (
        "Clip",
        "low = ReduceMin<keepdims=0>(b) y = Clip(x, low)",
        {"x": ((3, 4), steps((3, 4))), "b": ((3,), lambda x: np.array([0.0, -0.3, 1.0]))},
        "bound computed",
        {"wrt": ["x"]},
    ),
    (
        "Where",
        "y = Where(c, x, b)",
        {"x": (2, 1, 3), "b": (4, 1), "c": np.array([True, False, True])},
        "broadcast three ways",
        {"opsets": (9, 17), "dynamic": {"x": ("N", 1, 3)}},
    ),
    (
        "Cast",
        "h = Cast<to=1>(x) y = CastLike(h, x)",
        {"x": (2, 3)},
        "there and back",
        {"frozen": "passes through float32", "opsets": (17, 20)},
    ),
    ("CastLike", "y = CastLike(x, like)", {"x": (2, 3), "like": (1,)}, "floats"),
    ("Dropout", "y = Dropout(x)", {"x": (2, 3)}, "inference", {"opsets": (7, 10, 13, 17)}),
    (
        "Dropout",
        "y, mask = Dropout(x, r, t)",
        {"x": (2, 3), "r": np.array(0.3), "t": np.array(False)},
        "not training",
    ),
]
