"""Any number of any output, by its index."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cam_core.errors import TargetError
from cam_core.targets import OutTarget, Seen, parse_target

Y = np.arange(2 * 3 * 4, dtype=np.float32).reshape(2, 3, 4) ** 2

INDICES: list[tuple[str, Any]] = [
    ("[1,2]", lambda row: row[1, 2]),
    ("[-1, 0]", lambda row: row[2, 0]),
    ("[1]", lambda row: row[1].sum()),
    ("[:,2]", lambda row: row[:, 2].sum()),
    ("[0:2, 1:3]", lambda row: row[0:2, 1:3].sum()),
    ("[:]", lambda row: row.sum()),
]


@pytest.mark.parametrize(("index", "taken"), INDICES, ids=[i for i, _ in INDICES])
def test_the_number_is_there(index: str, taken: Any) -> None:
    (target,) = parse_target(f"out:some/name:0{index}")
    assert (target.tensor, target.label) == (
        "some/name:0",
        f"out:some/name:0{index}".replace(" ", ""),
    )
    np.testing.assert_allclose(target.score(Y), [taken(row) for row in Y])
    for at in np.ndindex(*Y.shape):
        more = Y.copy()
        more[at] += 1
        np.testing.assert_allclose(target(Y)[at], (target.score(more) - target.score(Y))[at[0]])
    assert parse_target(target.label) == (target,)


def test_the_only_number_needs_no_index() -> None:
    np.testing.assert_array_equal(OutTarget("y").score(Y[:, :1, :1]), [0, 144])


REFUSED = [
    (lambda: OutTarget("y")(Y), r"out:y: which of its numbers \[3, 4\]\? Write out:y\[0\]"),
    (lambda: parse_target("out:y[3,0]")[0](Y), r"out:y\[3,0\]: its numbers are \[3, 4\], 0 to 2"),
    (lambda: parse_target("out:y[3:,0]")[0](Y), r"its numbers are \[3, 4\], 0 to 2 there"),
    (lambda: parse_target("out:y[0,0,0]")[0](Y), r"its numbers are \[3, 4\], 2 axes"),
    (lambda: parse_target("out:y[a]"), "an index is numbers and slices"),
    (lambda: parse_target("out:y[]"), "an index is numbers and slices"),
    (
        lambda: parse_target("out:y[0]")[0].found_in(Seen(Y, {"a": Y, "b": Y})),
        "no such output; the model gives 'a', 'b'",
    ),
]


@pytest.mark.parametrize(("attempt", "words"), REFUSED, ids=[w for _, w in REFUSED])
def test_what_is_not_there(attempt: Any, words: str) -> None:
    with pytest.raises(TargetError, match=words) as refusal:
        attempt()
    assert "\n" not in str(refusal.value)
