"""Rows for branches.py and loops.py (see test_rules.py; test_control_flow.py holds the rest)."""

import numpy as np

TURN = "d = Identity(c) f = CastLike(i, s) a = Mul(s, w) b = Add(a, f) t = Sin(b) z = Mul(t, s)"
COUNT = {"n": np.array(3), "go": np.array(True)}
BOTH = {"s0": (2, 3), "w": (3,)}
SEQUENCE = {"s0": (2, 3), "xs": (4, 3), "w": (2, 3)}
STEP = "(s, x) => (t, z) { a = Mul(s, x) b = Add(a, w) t = Tanh(b) z = Mul(t, s) }"

BACKWARDS = "the reference has no Scan from the end"
JOINED = "the reference joins what a Loop stacks"

IF = [
    (
        "If",
        f"""m = ReduceMax<keepdims=0>(x) c = {comparison}(m, low)
            y = If (c) <then_branch = a () => (p) {{ u = Sin(x) p = Mul(u, w) }},
                        else_branch = b () => (q) {{ v = Sub(x, w) q = Exp(v) }}>""",
        {"x": (2, 3), "w": (3,), "low": np.array(-9.0)},
        note,
        {"opsets": (11, 13, 17), "dynamic": {"x": ("N", 3)}},
    )
    for comparison, note in (("Greater", "taken"), ("Less", "not taken"))
]

SCAN = [
    (
        "Scan",
        f"""last, all = Scan<num_scan_inputs=1, body = f {STEP}>(s0, xs)
            k = Constant<value = int64[1] {{0}}>() z = ReduceSum<keepdims=0>(all, k)
            y = Mul(last, z)""",
        SEQUENCE,
        "last state and stack",
        {"opsets": (13, 17), "dynamic": {"xs": ("T", 3)}, "frozen": BACKWARDS},
    ),
    (
        "Scan",
        f"last, y = Scan<num_scan_inputs=1, body = f {STEP}>(s0, xs)",
        SEQUENCE,
        "stack",
        {"opsets": (9, 11, 16), "frozen": BACKWARDS},
    ),
]

LOOP = [
    (
        "Loop",
        f"y, all = Loop<body = f (int64 i, bool c, s) => (d, t, z) {{ {TURN} }}>(n, go, s0)",
        BOTH | COUNT,
        "last state",
        {"opsets": (15, 17), "dynamic": {"s0": ("N", 3)}, "frozen": JOINED},
    ),
    (
        "Loop",
        f"last, y = Loop<body = f (int64 i, bool c, s) => (d, t, z) {{ {TURN} }}>(n, go, s0)",
        BOTH | COUNT,
        "stack",
        {"opsets": (16,), "frozen": JOINED},
    ),
]

CASES = IF + SCAN + LOOP
