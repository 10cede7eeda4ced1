"""Rows for shape.py (see test_rules.py)."""

import numpy as np


def ints(*values):
    return np.array(values, np.int64)


OPSETS = (9, 11, 13, 18, 21)


VIEWS = [
    (
        "Reshape",
        "y = Reshape(x, s)",
        {"x": (2, 3, 4), "s": ints(0, -1)},
        "copy and infer",
        {"opsets": OPSETS, "dynamic": {"x": ("N", 3, 4)}},
    ),
    (
        "Reshape",
        "y = Reshape(x, s)",
        {"x": (2, 3, 4), "s": ints(-1, 4)},
        "batch merged",
        {"opsets": OPSETS, "dynamic": {"x": ("N", "T", 4)}},
    ),
    (
        "Reshape",
        "h = Shape(x) f = Gather(h, zero) s = Concat<axis=0>(f, m)\ny = Reshape(x, s)",
        {"x": (2, 3, 4), "zero": ints(0), "m": ints(-1)},
        "shape chain",
        {"opsets": (13, 18), "dynamic": {"x": ("N", 3, "T")}},
    ),
    ("Reshape", "y = Reshape(x, s)", {"x": (1,), "s": np.zeros(0, np.int64)}, "to a scalar"),
    *(
        ("Flatten", f"y = Flatten<axis={axis}>(x)", {"x": (2, 3, 4)}, f"axis {axis}", options)
        for axis, options in [
            (0, {"opsets": (13,)}),
            (1, {"opsets": OPSETS, "dynamic": {"x": ("N", "C", 4)}}),
            (2, {"opsets": (9, 13), "dynamic": {"x": ("N", 3, 4)}}),
            (-1, {"opsets": (13,)}),
            (3, {"opsets": (13,)}),
        ]
    ),
    (
        "Squeeze",
        "y = Squeeze<axes=[1, 3]>(x)",
        {"x": (2, 1, 3, 1)},
        "attribute",
        {"opsets": (7, 9, 11), "dynamic": {"x": ("N", 1, 3, 1)}},
    ),
    (
        "Squeeze",
        "y = Squeeze(x, a)",
        {"x": (2, 1, 3, 1), "a": ints(-1, 1)},
        "input",
        {"opsets": (13, 21), "dynamic": {"x": ("N", 1, "T", 1)}},
    ),
    ("Squeeze", "y = Squeeze(x)", {"x": (1, 3, 1)}, "all", {"opsets": (9, 13)}),
    (
        "Unsqueeze",
        "y = Unsqueeze<axes=[0, 3]>(x)",
        {"x": (2, 3)},
        "attribute",
        {"opsets": (7, 9, 11), "dynamic": {"x": ("N", 3)}},
    ),
    (
        "Unsqueeze",
        "y = Unsqueeze(x, a)",
        {"x": (2, 3), "a": ints(-1, 0)},
        "input",
        {"opsets": (13, 21), "dynamic": {"x": ("N", "T")}},
    ),
    (
        "Transpose",
        "y = Transpose<perm=[2, 0, 3, 1]>(x)",
        {"x": (2, 3, 4, 5)},
        "permutation",
        {"opsets": (7, 13, 21), "dynamic": {"x": ("N", 3, "H", "W")}},
    ),
    (
        "Transpose",
        "y = Transpose(x)",
        {"x": (2, 3, 4)},
        "reversed",
        {"dynamic": {"x": ("N", 3, 4)}},
    ),
    (
        "Transpose",
        "t = Transpose<perm=[0, 2, 3, 1]>(x) y = ReduceMean<axes=[1, 2], keepdims=1>(t)",
        {"x": (2, 3, 4, 5)},
        "of a broadcast cotangent",
        {"dynamic": {"x": ("N", 3, "H", "W")}},
    ),
    (
        "Expand",
        "y = Expand(x, s)",
        {"x": (3, 1), "s": ints(2, 1, 4)},
        "both ways",
        {"opsets": (8, 13)},
    ),
    (
        "Expand",
        "h = Shape(b) z = Mul(b, k) e = Expand(x, h) y = Add(e, z)",
        {"x": (1, 1, 4), "b": (2, 3, 4), "k": np.zeros(1)},
        "to a dynamic batch",
        {"opsets": (9, 13), "dynamic": {"b": ("N", 3, 4)}, "wrt": ["x"]},
    ),
]

JOINS = [
    (
        "Concat",
        "y = Concat<axis=1>(a, b, c)",
        {"a": (2, 1, 3), "b": (2, 4, 3), "c": (2, 2, 3)},
        "channels",
        {
            "opsets": (7, 13),
            "dynamic": {"a": ("N", 1, 3), "b": ("N", 4, 3), "c": ("N", 2, 3)},
        },
    ),
    (
        "Concat",
        "y = Concat<axis=-2>(a, b, c)",
        {"a": (2, 1, 3), "b": (2, 4, 3), "c": (2, 2, 3)},
        "one extent dynamic",
        {"opsets": (10, 13), "dynamic": {"b": ("N", "T", 3)}},
    ),
    (
        "Concat",
        "y = Concat<axis=0>(a, b, c)",
        {"a": (2, 3), "b": (4, 3), "c": (1, 3)},
        "all extents dynamic",
        {"opsets": (10, 13), "dynamic": {"a": ("A", 3), "b": ("B", 3), "c": ("C", 3)}},
    ),
    ("Concat", "y = Concat<axis=0>(a)", {"a": (2, 3)}, "one"),
    ("Concat", "y = Concat<axis=1>(a, a)", {"a": (2, 3)}, "the same twice"),
    (
        "Split",
        "p, q, r = Split<axis=1, split=[1, 2, 1]>(x) t = Mul(p, r) y = Mul(t, q)",
        {"x": (2, 4)},
        "attribute",
        {"opsets": (7, 11), "dynamic": {"x": ("N", 4)}},
    ),
    (
        "Split",
        "p, q, r = Split<axis=-1>(x, s) y = Concat<axis=1>(r, q, p)",
        {"x": (2, 6), "s": ints(1, 2, 3)},
        "input",
        {"opsets": (13, 18), "dynamic": {"x": ("N", 6)}},
    ),
    (
        "Split",
        "p, q = Split<axis=1>(x) y = Mul(p, q)",
        {"x": (2, 4)},
        "equal parts",
        {"opsets": (9, 13), "dynamic": {"x": ("N", 4)}},
    ),
    (
        "Split",
        "p, q, r = Split<axis=1, num_outputs=3>(x) y = Concat<axis=1>(r, p)",
        {"x": (2, 8)},
        "last part smaller, middle unread",
        {"opsets": (18, 21), "dynamic": {"x": ("N", 8)}},
    ),
    *(
        (
            "Split",
            f"p, q, r = Split<axis=1>(x, s) y = Tanh({part})",
            {"x": (2, 6), "s": ints(1, 2, 3)},
            f"only {part} read",
            {"opsets": (13,), "dynamic": {"x": ("N", 6)}},
        )
        for part in "pqr"
    ),
    (
        "Split",
        "p, q = Split<axis=1, num_outputs=2>(x) y = Tanh(q)",
        {"x": (2, 4, 3)},
        "dynamic extent",
        {"opsets": (18,), "dynamic": {"x": ("N", "T", 3)}},
    ),
    (
        "Tile",
        "y = Tile(x, r)",
        {"x": (2, 3), "r": ints(3, 2)},
        "constant",
        {"opsets": (7, 13), "dynamic": {"x": ("N", 3)}},
    ),
    (
        "Tile",
        "y = Tile(x, r)",
        {"x": (2, 3, 1), "r": ints(1, 2, 4)},
        "some axes",
        {"opsets": (11, 13), "dynamic": {"x": ("N", "T", 1)}},
    ),
    ("Tile", "y = Tile(x, r)", {"x": (2, 3), "r": ints(1, 1)}, "once"),
    (
        "Tile",
        "h = Shape(b) e = Tile(x, h) z = Mul(b, k) y = Add(e, z)",
        {"x": (1, 1), "b": (2, 3), "k": np.zeros(1)},
        "dynamic repeats",
        {"opsets": (13,), "dynamic": {"b": ("N", "T")}, "wrt": ["x"]},
    ),
]

BLOCKS = [
    (
        "DepthToSpace",
        "y = DepthToSpace<blocksize=2>(x)",
        {"x": (2, 8, 2, 3)},
        "depth, column, row",
        {"opsets": (9, 11, 13), "dynamic": {"x": ("N", 8, "H", "W")}},
    ),
    (
        "DepthToSpace",
        'y = DepthToSpace<blocksize=2, mode="CRD">(x)',
        {"x": (2, 12, 2, 3)},
        "column, row, depth",
        {"opsets": (11, 13), "dynamic": {"x": ("N", 12, "H", "W")}},
    ),
    (
        "SpaceToDepth",
        "y = SpaceToDepth<blocksize=2>(x)",
        {"x": (2, 3, 4, 6)},
        "plain",
        {"opsets": (9, 13), "dynamic": {"x": ("N", 3, "H", "W")}},
    ),
    *(
        (
            "Trilu",
            f"y = Trilu<upper={upper}>(x{', k' if k is not None else ''})",
            {"x": (2, 3, 4)} | ({"k": np.array(k)} if k is not None else {}),
            f"upper {upper} k {k}",
            {"opsets": (14, 18), "dynamic": {"x": ("N", "T", 4)}},
        )
        for upper, k in [(1, None), (0, None), (1, -1), (0, 1)]
    ),
]


CASES = [*VIEWS, *JOINS, *BLOCKS]
