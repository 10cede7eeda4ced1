"""Some of many photos."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest

from cam_core.audit.data import Item, count, drawn
from cam_core.errors import InputError


def photos(total: int) -> Iterator[Item]:
    return (Item(str(i), Path(str(i))) for i in range(total))


def names(total: int, sample: int | None, seed: int = 0) -> list[str]:
    return [item.id for item in drawn(photos(total), total, sample, seed)]


def test_all_of_them_where_nobody_asks_for_less() -> None:
    assert names(4, None) == names(4, 4) == names(4, 9) == ["0", "1", "2", "3"]


def test_the_same_seed_draws_the_same_and_in_order() -> None:
    found = names(1000, 20, seed=3)
    assert found == names(1000, 20, seed=3) != names(1000, 20, seed=4)
    assert len(set(found)) == 20
    assert sorted(found, key=int) == found


def test_each_set_is_as_likely() -> None:
    """Ten pairs of five, 300 draws: of each about 30, with a standard deviation of 5.2."""
    met = Counter(tuple(names(5, 2, seed)) for seed in range(300))
    assert set(met) == set(combinations("01234", 2))
    assert all(30 - 4 * 5.2 < n < 30 + 4 * 5.2 for n in met.values())


def test_data_is_not_gone_through_beyond_the_last() -> None:
    def endless() -> Iterator[Item]:
        yield from photos(10)
        raise AssertionError("read on")

    assert len(list(drawn(endless(), 10, 3, seed=0))) == 3


def test_no_photo_at_all_is_told() -> None:
    assert count(photos(3)) == 3
    with pytest.raises(InputError, match="no photo in the data"):
        count(photos(0))
