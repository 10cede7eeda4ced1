"""Rows for linear.py (see test_rules.py)."""

CASES = [
    ("MatMul", "y = MatMul(x, b)", {"x": (3, 4), "b": (4, 5)}, "matrices"),
    ("MatMul", "y = MatMul(x, b)", {"x": (2, 1, 3, 4), "b": (5, 4, 6)}, "stacks that broadcast"),
    ("MatMul", "y = MatMul(x, b)", {"x": (4,), "b": (2, 4, 6)}, "vector on the left"),
    ("MatMul", "y = MatMul(x, b)", {"x": (2, 3, 4), "b": (4,)}, "vector on the right"),
    ("MatMul", "y = MatMul(x, b)", {"x": (4,), "b": (4,)}, "two vectors", {"opsets": (8, 17)}),
    (
        "MatMul",
        "y = MatMul(x, b)",
        {"x": (2, 3, 4), "b": (2, 4, 5)},
        "batches",
        {"dynamic": {"x": ("N", 3, 4), "b": ("N", 4, 5)}, "opsets": (9, 13)},
    ),
    ("Gemm", "y = Gemm(x, b, c)", {"x": (3, 4), "b": (4, 5), "c": (5,)}, "bias row"),
    (
        "Gemm",
        "y = Gemm<alpha=0.5, beta=2.0, transA=1>(x, b, c)",
        {"x": (4, 3), "b": (4, 5), "c": (3, 1)},
        "transA, scaled, bias column",
    ),
    (
        "Gemm",
        "y = Gemm<alpha=0.5, transA=1>(x, b, c)",
        {"x": (4, 3), "b": (4, 5), "c": (3, 5)},
        "transA, old",
        {"opsets": (7, 9)},
    ),
    (
        "Gemm",
        "y = Gemm<alpha=0.5, transB=1>(x, b)",
        {"x": (3, 4), "b": (5, 4)},
        "transB, no bias",
    ),
    (
        "Gemm",
        "y = Gemm<transA=1, transB=1>(x, b)",
        {"x": (4, 3), "b": (5, 4)},
        "both transposed",
        {"opsets": (11, 17)},
    ),
]
