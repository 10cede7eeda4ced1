"""A function of arrays, and of whatever answers for itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cam_core.targets.traceable import traceable


@traceable
def scaled(y: Any, by: float = 2.0, *, plus: float = 0.0) -> Any:
    """y by a number."""
    return y * by + plus


class Symbol:
    """Keeps what it is asked for."""

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return function, types, args, kwargs


def test_arrays_are_computed_with() -> None:
    np.testing.assert_array_equal(scaled(np.array([1.0, 2.0]), 3.0, plus=1.0), [4, 7])
    kept = scaled(np.ma.masked_array([1.0, 2.0], [False, True]))
    assert kept.tolist() == [2.0, None]


def test_anything_else_is_asked_for_this_very_function() -> None:
    symbol = Symbol()
    assert scaled(symbol, 3.0, plus=1.0) == (scaled, (Symbol,), (symbol, 3.0), {"plus": 1.0})
    assert scaled(symbol) == (scaled, (Symbol,), (symbol,), {})


def test_its_name_and_its_words_stay() -> None:
    assert (scaled.__name__, scaled.__doc__) == ("scaled", "y by a number.")


@pytest.mark.parametrize("first", [1.5, [1.0, 2.0], None])
def test_what_is_no_array_and_answers_nothing_is_an_error(first: Any) -> None:
    with pytest.raises(AttributeError, match="__array_function__"):
        scaled(first)
