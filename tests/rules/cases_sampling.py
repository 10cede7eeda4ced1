"""Rows for sampling.py (see test_rules.py); positions, borders and kinks are in
test_operators_torch.py, because the reference evaluator rounds positions to float32.
"""

import numpy as np

GRID = np.random.default_rng(1).normal(size=(2, 3, 2, 2))
MOVES = 0.6 * np.random.default_rng(2).normal(size=(2, 8, 3, 3))
SLOW = {"frozen": "the reference evaluator takes seconds a run; all is linear here"}

CASES = [
    (
        "GridSample",
        'y = GridSample<mode="cubic", padding_mode="reflection">(x, grid)',
        {"x": (2, 2, 4, 3), "grid": GRID},
        "cubic",
        {"opsets": (20, 22)},
    ),
    (
        "GridSample",
        'y = GridSample<padding_mode="border">(x, grid)',
        {"x": (2, 2, 20, 18), "grid": GRID},
        "many cells",
        {"opsets": (16, 20), "dynamic": {"x": (2, "C", "H", "W")}},
    ),
    (
        "AffineGrid",
        "y = AffineGrid(theta, size)",
        {"theta": (2, 2, 3), "size": np.array([2, 1, 3, 4])},
        "2-D",
        {"opsets": (20,), "frozen": "the reference evaluator computes in float32"},
    ),
    (
        "DeformConv",
        "y = DeformConv<pads=[0,1,1,0]>(x, w, moves)",
        {
            "x": (2, 2, 4, 3),
            "w": (3, 2, 2, 2),
            "moves": np.concatenate([MOVES, MOVES], 2)[:, :, :4],
        },
        "asymmetric pads",
        SLOW | {"opsets": (19, 22)},
    ),
    (
        "DeformConv",
        "y = DeformConv<group=2, offset_group=2>(x, w, moves, b, mask)",
        {
            "x": (2, 4, 4, 4),
            "w": (6, 2, 2, 2),
            "moves": np.concatenate([MOVES, -MOVES], 1),
            "b": (6,),
            "mask": (2, 8, 3, 3),
        },
        "groups, mask and bias",
        SLOW | {"opsets": (19,), "dynamic": {"x": ("N", 4, "H", "W")}},
    ),
]
