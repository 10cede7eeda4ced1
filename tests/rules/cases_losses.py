"""Rows for losses.py (see test_rules.py)."""

import numpy as np

FLAT = {"x": (4, 5), "t": np.array([3, 0, 4, 3])}
SPACE = {"x": (2, 3, 2, 2), "t": np.array([[[0, 2], [1, 1]], [[2, 2], [0, 1]]])}
WEIGHTED = {"w": ((5,), lambda v: np.abs(v) + 0.5)}
CHANNELS = {"dynamic": {"x": (2, "C", 2, 2)}}


def _row(op: str, attributes: str, inputs: dict, note: str, **options: object) -> tuple:
    body = f"y = {op}<{attributes}>({', '.join(inputs)})"
    return op, body, inputs, note, {"opsets": (12, 13), **options}


CASES = [
    row
    for op in ("NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss")
    for row in (
        _row(op, 'reduction="mean"', FLAT, "mean", dynamic={"x": (4, "C")}),
        _row(op, 'reduction="sum"', FLAT | WEIGHTED, "weighted sum"),
        _row(op, 'reduction="mean"', FLAT | WEIGHTED, "weighted mean"),
        _row(op, 'reduction="none", ignore_index=2', SPACE, "a map", **CHANNELS),
        _row(op, "ignore_index=3", FLAT, "some ignored"),
    )
] + [
    (
        "SoftmaxCrossEntropyLoss",
        "loss, y = SoftmaxCrossEntropyLoss(x, t)",
        SPACE,
        "its log probabilities",
        {"opsets": (13,)},
    ),
    (
        "SoftmaxCrossEntropyLoss",
        "loss, p = SoftmaxCrossEntropyLoss(x, t) y = Mul(p, loss)",
        SPACE,
        "both outputs",
        {"opsets": (13,)},
    ),
]
