"""Rows for recurrent.py (see test_rules.py; test_recurrent.py holds the attributes)."""

import numpy as np

rng = np.random.default_rng(6)
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


def weights(op, directions=1, size=3, inputs=2):
    """W, R and B as initialisers."""
    rows = GATES[op] * size
    shapes = {"W": (rows, inputs), "R": (rows, size), "B": (2 * rows,)}
    return {name: rng.normal(size=(directions, *shape)) for name, shape in shapes.items()}


def row(op, attributes, outputs, inputs, note, **options):
    """A node that gives y, its first or another output."""
    directions = 2 if "bidirectional" in attributes else 1
    body = f"{outputs} = {op}<hidden_size=3{attributes}>({', '.join(inputs)})"
    shapes = {"x": (4, 2, 2), "h": (directions, 2, 3), "c": (directions, 2, 3)}
    given = {n: shapes[n] for n in inputs if n in shapes} | weights(op, directions)
    options = {"opsets": (7, 14, 17), "wrt": [n for n in inputs if n in shapes]} | options
    return (op, body, given, note, options)


def rows(op, extra=()):
    """The forms that the reference evaluates too."""
    full = ["x", "W", "R", "B", "", "h", *extra]
    last = "_, _, y" if op == "LSTM" else "_, y"
    return [
        row(op, "", "y", ["x", "W", "R"], "all states"),
        row(op, "", "y", full, "from initial states"),
        row(op, "", last.replace("_, _", "a, b").replace("_,", "a,"), full, "the last state"),
        row(op, ', direction="bidirectional"', "y", full, "both ways", opsets=(17,)),
        row(op, ', direction="reverse"', "y", full, "backwards", opsets=(17,)),
    ]


CASES = [*rows("RNN"), *rows("GRU"), *rows("LSTM", ("c",))]
