"""Rows for sequences.py (see test_rules.py): lists that are known from the file."""

import numpy as np


def _row(body: str, note: str, *opsets: int, **options: object) -> tuple:
    constants = {
        "zero": np.array(0),
        "one": np.array(1),
        "last": np.array(-1),
        "three": np.array(3),
        "sizes": np.array([1, 3, 2]),
    }
    read = {name: value for name, value in constants.items() if name in body}
    readers = "SequenceAt", "ConcatFromSequence", "OptionalGetElement"
    op = next(name for name in readers if name in body)
    given = {"x": (2, 6), "u": (2, 6)} | read
    return (
        op,
        body,
        given,
        note,
        options
        | {
            "opsets": opsets or (11, 17),
            "dynamic": {"x": ("N", 6), "u": ("N", 6)},
        },
    )


LIST = {"frozen": "the reference evaluator gives a list"}
PAIR = "a = SequenceAt(s, zero) b = SequenceAt(s, last) y = Mul(a, b)"
CASES = [
    _row(f"s = SequenceConstruct(x, u) {PAIR}", "two members"),
    _row(
        f"e = SequenceEmpty() q = SequenceInsert(e, x) r = SequenceInsert(q, u, zero) "
        f"d = Mul(x, u) t = SequenceInsert(r, d, last) s = SequenceErase(t, one) {PAIR}",
        "inserted and erased",
    ),
    _row(
        "m = Mul(x, u) s = SplitToSequence<axis=1>(m, sizes) a = SequenceAt(s, zero) "
        "b = SequenceAt(s, last) y = Mul(a, b)",
        "parts of given sizes",
    ),
    _row(
        "m = Mul(x, u) s = SplitToSequence<axis=-1>(m, three) a = SequenceAt(s, zero) "
        "b = SequenceAt(s, one) y = Mul(a, b)",
        "parts of one size",
    ),
    _row(
        "m = Mul(x, u) s = SplitToSequence<axis=1, keepdims=0>(m) a = SequenceAt(s, zero) "
        "b = SequenceAt(s, three) y = Mul(a, b)",
        "single slices",
    ),
    _row(
        "d = Mul(x, u) s = SequenceConstruct(x, d, u) y = ConcatFromSequence<axis=1>(s)",
        "joined",
    ),
    _row(
        "d = Mul(x, u) s = SequenceConstruct(d, u) t = Identity(s) "
        "y = ConcatFromSequence<axis=-1, new_axis=1>(t)",
        "stacked",
        14,
        17,
    ),
    _row(
        "d = Mul(x, u) s = SequenceConstruct(d, u) y = ConcatFromSequence<axis=1, new_axis=1>(s)",
        "stacked, old",
        11,
    ),
    _row("d = Mul(x, u) o = Optional(d) y = OptionalGetElement(o)", "optional", 15, 18, **LIST),
]
