"""Rows for products.py (see test_rules.py)."""

import numpy as np

ZEROS = np.random.default_rng(1).normal(size=(2, 6, 2))
ZEROS[0, [1, 4]] = ZEROS[1, 3] = 0


def _cum(attributes: str, axis: int, note: str, **options: object) -> tuple:
    x = (ZEROS.shape, lambda _: ZEROS)
    body = f"y = CumProd{attributes}(x, a)"
    return "CumProd", body, {"x": x, "a": np.array(axis)}, note, {"opsets": (26,), **options}


CASES = [
    _cum("", 1, "zeros among them", dynamic={"x": ("N", 6, "C")}),
    _cum("<exclusive=1>", -2, "exclusive"),
    _cum("<reverse=1>", 1, "from the end"),
    _cum("<reverse=1, exclusive=1>", 1, "exclusive, from the end"),
    _cum("", 0, "two factors"),
    *(
        ("Det", "y = Det(x)", {"x": (*lead, n, n)}, f"{lead} of {n}", {"opsets": (11, 22)})
        for lead, n in (((2,), 1), ((2, 3), 2), ((), 3), ((2,), 5))
    ),
    (
        "Det",
        "y = Det(x)",
        {"x": ((2, 3, 3), lambda x: np.concatenate([x[:, :2], x[:, :1] + x[:, 1:2]], 1))},
        "singular",
        {"dynamic": {"x": ("N", 3, 3)}},
    ),
]
