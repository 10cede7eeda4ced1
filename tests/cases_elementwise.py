"""Rows for elementwise.py (see test_rules.py)."""

CASES = [
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
]
