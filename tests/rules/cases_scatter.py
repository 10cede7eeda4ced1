"""Rows for scatter.py (see test_rules.py)."""

import numpy as np

from tests.rules.cases_index import ints


def with_zeros(u):
    """Some exact zeros: alone in their cell, and two in one."""
    u.flat[[0, 3, 4]] = 0
    return u


WRITES = [
    *(
        (
            "OneHot",
            f"y = OneHot<axis={axis}>(i, depth, v)",
            {"v": (2,), "i": ints(0, 3, last), "depth": np.array(4)},
            f"its two values, axis {axis}",
            {"opsets": opsets},
        )
        for axis, last, opsets in ((-1, 2, (9,)), (0, -1, (11, 17)))
    ),
    (
        "OneHot",
        "c = Floor(x) h = OneHot(c, depth, v) s = ReduceSum<keepdims=0>(x) y = Mul(h, s)",
        {"x": ((3,), lambda _: np.array([0.2, 2.5, 1.7])), "v": (2,), "depth": np.array(4.0)},
        "indices that depend on x",
        {"opsets": (11, 13)},
    ),
    *(
        (
            "ScatterElements",
            f"y = ScatterElements<axis=1{kind}>(x, i, u)",
            {"x": (2, 4), "i": np.array([[0, 3, 1], [1, -1, 2]]), "u": (2, 3)},
            f"constant{kind}",
            {"opsets": opsets, "dynamic": {"x": ("N", "T"), "u": ("N", 3)}},
        )
        for kind, opsets in [("", (11, 13, 18)), (', reduction="add"', (16, 18))]
    ),
    (
        "ScatterElements",
        'f = Floor(k) i = Cast<to=7>(f)\ny = ScatterElements<axis=0, reduction="add">(x, i, u)',
        {"x": (3, 2), "k": ((4, 2), lambda v: abs(v) % 3), "u": (4, 2)},
        "computed with repeats",
        {"opsets": (16, 18), "wrt": ["x", "u"]},
    ),
    *(
        (
            "ScatterND",
            f"y = ScatterND{kind}(x, i, u)",
            {"x": (4, 3), "i": index, "u": shape},
            f"{note}{kind}",
            {"opsets": opsets, "dynamic": {"x": (4, "C"), "u": (*shape[:-1], "C")}},
        )
        for note, index, shape in [
            ("rows in a run", np.array([[1], [2]]), (2, 3)),
            ("rows scattered", np.array([[3], [0], [1]]), (3, 3)),
            ("all rows", np.array([[0], [1], [2], [3]]), (4, 3)),
            ("last row", np.array([[-1]]), (1, 3)),
        ]
        for kind, opsets in [("", (11, 13, 18)), ('<reduction="add">', (16, 18))]
    ),
    (
        "ScatterND",
        "y = ScatterND(x, i, u)",
        {"x": (3, 4, 2), "i": np.array([[[0, 1], [2, 3]], [[1, 1], [0, 0]]]), "u": (2, 2, 2)},
        "points",
        {"opsets": (11, 18), "dynamic": {"x": (3, 4, "C"), "u": (2, 2, "C")}},
    ),
    *(
        (
            "ScatterND",
            f"f = Floor(k) i = Cast<to=7>(f) y = ScatterND{kind}(x, i, u)",
            {"x": (5, 2), "k": ((3, 1), lambda _: np.array([[4.5], [0.5], [-1.5]])), "u": (3, 2)},
            f"computed{kind}",
            {"opsets": opsets, "wrt": ["x", "u"], "dynamic": {"x": ("N", 2)}},
        )
        for kind, opsets in [("", (11, 18)), ('<reduction="add">', (16, 18))]
    ),
    (
        "ScatterND",
        'y = ScatterND<reduction="add">(x, i, u)',
        {"x": (5, 2), "i": np.array([[1], [1], [4]]), "u": (3, 2)},
        "add with a repeat",
        {"opsets": (16,)},
    ),
]
MEETING = np.array([[0, 2, 1], [0, 2, 2], [3, 2, 0], [0, -1, 1]])
MET = [
    *(
        (
            "ScatterElements",
            f'y = ScatterElements<axis=0, reduction="{kind}">(x, i, u)',
            {"x": (4, 3), "i": MEETING, "u": (4, 3)},
            kind,
            {"opsets": (18,), "dynamic": {"x": ("N", "C"), "u": ("M", "C")}},
        )
        for kind in ("mul", "max", "min")
    ),
    *(
        (
            "ScatterND",
            f'y = ScatterND<reduction="{kind}">(x, i, u)',
            {"x": (3, 4, 2), "i": ints([[0, 1], [2, 3]], [[0, 1], [0, -3]]), "u": (2, 2, 2)},
            kind,
            {"opsets": (18,), "dynamic": {"x": (3, "T", "C"), "u": (2, 2, "C")}},
        )
        for kind in ("mul", "max", "min")
    ),
    (
        "ScatterElements",
        'y = ScatterElements<axis=0, reduction="mul">(x, i, u)',
        {"x": (4, 3), "i": MEETING, "u": ((4, 3), with_zeros)},
        "zeros in a product",
        {"opsets": (16,)},
    ),
]

CASES = [*WRITES, *MET]
