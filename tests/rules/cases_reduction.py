"""Rows for reduction.py (see test_rules.py)."""

import numpy as np


def steps(shape):
    """Distinct values at least 0.3 apart."""
    order = np.random.default_rng(3).permutation(int(np.prod(shape)))
    return lambda x: 0.3 * order.reshape(shape) - 0.15 * order.size + 0.1


def above(least):
    """|values| + least."""
    return lambda x: np.abs(x) + least


def zero_at(*places):
    """The values with zeros at these places."""

    def put(x):
        x = x.copy()
        for place in places:
            x[place] = 0
        return x

    return put


DOMAIN = {
    "ReduceSum": lambda x: x,
    "ReduceMean": lambda x: x,
    "ReduceMax": steps((2, 3, 4)),
    "ReduceMin": steps((2, 3, 4)),
    "ReduceL1": steps((2, 3, 4)),
    "ReduceL2": lambda x: x,
    "ReduceSumSquare": lambda x: x,
    "ReduceLogSum": above(0.2),
    "ReduceLogSumExp": lambda x: x,
    "ReduceProd": lambda x: x,
}
SINCE = dict.fromkeys(DOMAIN, 18) | {"ReduceSum": 13}
"""The opset that made the axes an input."""
ATTRIBUTE = (
    ("axes=[1]", "one axis"),
    ("axes=[2, 0], keepdims=0", "two axes dropped"),
    ("keepdims=0", "all dropped"),
    ("keepdims=1", "all kept"),
)
INPUT = (
    ("", [-1], "negative axis"),
    ("keepdims=0", [-1, 0], "negative axes dropped"),
    ("keepdims=0", [], "no axes dropped"),
)


def text(op, attributes, operands="x"):
    return f"y = {op}{f'<{attributes}>' if attributes else ''}({operands})"


CASES = [
    *(
        (op, text(op, attributes), {"x": ((2, 3, 4), domain)}, note, {"opsets": (7, 11)})
        for op, domain in DOMAIN.items()
        for attributes, note in ATTRIBUTE
    ),
    *(
        (
            op,
            text(op, attributes, "x, axes"),
            {"x": ((2, 3, 4), domain), "axes": np.array(axes, np.int64)},
            note,
            {"opsets": (SINCE[op],)},
        )
        for op, domain in DOMAIN.items()
        for attributes, axes, note in INPUT
    ),
    *(
        (
            op,
            text(op, "keepdims=0", "x, axes"),
            {"x": ((2, 3, 4), domain), "axes": np.array([1, 2])},
            "dynamic",
            {"opsets": (18,), "dynamic": {"x": ("N", "H", "W")}},
        )
        for op, domain in DOMAIN.items()
    ),
    *(
        (
            op,
            text(op, "axes=[2], keepdims=0"),
            {"x": ((2, 3, 4), DOMAIN[op])},
            "dynamic, old",
            {"opsets": (9, 11), "dynamic": {"x": ("N", 3, 4)}},
        )
        for op in ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceL2")
    ),
    (
        "ReduceMean",
        "y = ReduceMean<axes=[0, 2], keepdims=0>(x)",
        {"x": (2, 3, 4)},
        "over the batch",
        {"opsets": (11, 13), "dynamic": {"x": ("N", 3, "W")}},
    ),
    *(
        (
            op,
            text(op, "noop_with_empty_axes=1"),
            {"x": ((2, 3, 4), domain)},
            "nothing to reduce",
            {"opsets": (18,)},
        )
        for op, domain in DOMAIN.items()
    ),
    (
        "ReduceMean",
        "s = Shape<start=2, end=3>(b) two = Sub(s, one) y = ReduceMean<keepdims=0>(x, two)",
        {"x": (2, 3, 4), "b": (2, 3, 3), "one": np.array([1])},
        "axes computed",
        {"opsets": (18,), "dynamic": {"b": (2, 3, "R")}, "wrt": ["x"]},
    ),
    (
        "ReduceProd",
        "y = ReduceProd<axes=[1]>(x)",
        {"x": ((4, 3), zero_at((0, 1), (1, 0), (1, 2)))},
        "one and two zeros",
    ),
    *(
        (
            "CumSum",
            f"y = CumSum<{attributes}>(x, axis)",
            {"x": (2, 3, 4), "axis": np.array(axis)},
            note,
            {"opsets": (11, 17), "dynamic": {"x": ("N", 3, "W")}},
        )
        for attributes, axis, note in (
            ("exclusive=0", 1, "plain"),
            ("exclusive=1", -1, "exclusive"),
            ("reverse=1", 0, "reverse"),
            ("exclusive=1, reverse=1", 2, "both"),
        )
    ),
]
