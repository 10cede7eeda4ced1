"""Arrangements: every cell is where loops put it, and goes back to where it was."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from cam_core.errors import InputError, LayerError
from cam_core.maps.arrangement import Arrangement, Place, pieces

WINDOWS = Arrangement(
    (("N", "a", "b"), ("c", "d"), ("C",)),
    {"a": 2, "b": 3, "c": 4, "d": 2, "C": 5},
    ("N",),
    ("C",),
    (Place(("a", "c")), Place(("b", "d"))),
)
FRAMES = Arrangement(
    (("N", "f"), ("C",), ("h",), ("w",)),
    {"f": 3, "C": 2, "h": 4, "w": 5},
    ("N", "f"),
    ("C",),
    (Place(("h",)), Place(("w",))),
)
ON_ITS_SIDE = Arrangement(
    (("N",), ("C",), ("w",), ("h",)),
    {"C": 2, "h": 4, "w": 5},
    ("N",),
    ("C",),
    (Place(("h",), backwards=True), Place(("w",), cells=(3, 4, 0, 1, 2))),
)
TOKENS = Arrangement(
    (("w", "h"), ("N",), ("C",)),
    {"C": 3, "h": 2, "w": 4},
    ("N",),
    ("C",),
    (Place(("h",)), Place(("w",))),
    {0: (1, 2)},
)
UNSHUFFLED = Arrangement(
    (("N",), ("C", "p", "q"), ("h",), ("w",)),
    {"C": 2, "p": 2, "q": 2, "h": 3, "w": 2},
    ("N",),
    ("C", "p", "q"),
    (Place(("h",)), Place(("w",))),
)
KINDS = {
    "windows": (WINDOWS, (12, 8, 5)),
    "frames": (FRAMES, (6, 2, 4, 5)),
    "on its side": (ON_ITS_SIDE, (2, 2, 5, 4)),
    "tokens": (TOKENS, (11, 2, 3)),
    "unshuffled": (UNSHUFFLED, (2, 8, 3, 2)),
}


def by_loops(kind: Arrangement, t: Any, rows: int) -> Any:
    """[N, K, *S], one cell of the tensor after the other."""
    extents = {"N": rows, **kind.extents}

    def place(names: Any, at: dict[str, int]) -> int:
        found = 0
        for name in names:
            found = found * extents[name] + at[name]
        return found

    def extent(names: Any) -> int:
        return int(np.prod([extents[name] for name in names], dtype=int))

    sizes = [extent(p.pieces) for p in kind.space]
    A = np.full((extent(kind.rows), extent(kind.channels), *sizes), np.nan)
    names = [name for axis in kind.axes for name in axis]
    for numbers in itertools.product(*(range(extents[name]) for name in names)):
        at = dict(zip(names, numbers, strict=True))
        where = []
        for p, size in zip(kind.space, sizes, strict=True):
            cell = place(p.pieces, at)
            cell = p.cells[cell] if p.cells else cell
            where.append(size - 1 - cell if p.backwards else cell)
        source = [place(axis, at) + kind.kept.get(i, (0, 0))[0] for i, axis in enumerate(kind.axes)]
        A[(place(kind.rows, at), place(kind.channels, at), *where)] = t[tuple(source)]
    return A


@pytest.mark.parametrize("name", KINDS)
def test_every_cell_is_where_loops_put_it(name: str) -> None:
    kind, shape = KINDS[name]
    t = np.random.default_rng(0).normal(size=shape)
    A = kind.apply(t)
    np.testing.assert_array_equal(A, by_loops(kind, t, 2))
    assert not np.isnan(A).any()


@pytest.mark.parametrize("name", KINDS)
def test_there_and_back(name: str) -> None:
    kind, shape = KINDS[name]
    t = np.random.default_rng(1).normal(size=shape)
    np.testing.assert_array_equal(kind.invert(kind.apply(t), t), t)


@pytest.mark.parametrize("name", KINDS)
def test_its_text_says_it_all(name: str) -> None:
    kind, shape = KINDS[name]
    again = Arrangement.parse(kind.text())
    assert again == kind
    t = np.random.default_rng(2).normal(size=shape)
    np.testing.assert_array_equal(again.apply(t), kind.apply(t))


def test_texts() -> None:
    assert WINDOWS.text() == "(N a2 b3) (c4 d2) C5 -> N C (a c) (b d)"
    assert TOKENS.text() == "(1+w4 h2+2) N C3 -> N C h w"
    assert ON_ITS_SIDE.text() == "N C2 w5 h4 -> N C -h w[3,4,0,1,2]"
    assert FRAMES.maps == (3,)
    assert WINDOWS.maps == ()
    assert (TOKENS.summary, WINDOWS.summary) == (3, 0)


@pytest.mark.parametrize("long", [64, 65, 100_000])
def test_a_long_roll_is_spelled_in_few_words(long: int) -> None:
    cells = tuple(int(cell) for cell in np.roll(np.arange(long), -7))
    rolled = Arrangement(
        (("N",), ("C",), ("h",)), {"h": long}, ("N",), ("C",), (Place(("h",), False, cells),)
    )
    assert Arrangement.parse(rolled.text()) == rolled
    listed = rolled.text().replace(f"7-{long - 1},0-6", ",".join(map(str, cells)))
    assert Arrangement.parse(listed) == rolled  # as it was spelled before
    assert (len(rolled.text()) < 50) == (long > 64)
    assert Arrangement.parse(rolled.text()).apply(np.ones((1, 2, long))).shape == (1, 2, long)


@pytest.mark.parametrize("text", ["", "N C h", "N C ->", "-> N C h"])
def test_another_text_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is not understood"):
        Arrangement.parse(text)


def test_another_rank_is_refused() -> None:
    with pytest.raises(LayerError, match="needs rank 3"):
        WINDOWS.apply(np.zeros((2, 3)))
    with pytest.raises(LayerError, match="summary tokens must be given"):
        TOKENS.invert(np.zeros((2, 3, 2, 4)))


def test_names_do_not_run_out() -> None:
    names = list(itertools.islice(pieces(), 100))
    assert len(set(names)) == 100
    assert names[:2] == ["a", "b"]
