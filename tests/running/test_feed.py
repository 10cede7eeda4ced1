"""What a caller hands over becomes what the model takes, or a line says why not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backends.onnx.running.feed import feed, rows
from cam_core.backend import InputInfo
from cam_core.errors import InputError

IMAGE = InputInfo("x", (None, 3, 4, "W"), "float32")
TOKENS = InputInfo("t", (1, 5), "int64")


def zeros(*shape: int, kind: Any = np.float32) -> Any:
    return np.zeros(shape, kind)


@pytest.mark.parametrize(
    ("x", "infos", "told"),
    [
        (zeros(1, 3, 4, 9), [IMAGE, TOKENS], "takes 2 inputs, 'x', 't': give them by name"),
        ({"y": 1}, [IMAGE], "no input 'y'; the model takes x"),
        ({"x": zeros(1, 3, 4, 9)}, [IMAGE, TOKENS], "input 't' is not given"),
        (zeros(3, 4, 9), [IMAGE], r"'x' has shape \[3, 4, 9\], expected \[\?, 3, 4, W\]"),
        (zeros(1, 2, 4, 9), [IMAGE], r"has shape \[1, 2, 4, 9\], expected"),
        (zeros(0, 5, kind=np.int64), [TOKENS], r"has shape \[0, 5\], expected \[1, 5\]"),
        (zeros(1, 3, 4, 9, kind=complex), [IMAGE], "is complex128, the model takes float32"),
        (zeros(1, 5), [TOKENS], "is float32, the model takes int64"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_refused(x: Any, infos: list[InputInfo], told: str) -> None:
    with pytest.raises(InputError, match=told):
        feed(x, infos)


def test_types_are_the_models() -> None:
    x = np.arange(24.0).reshape(1, 3, 4, 2)
    (found,) = feed(x, [IMAGE]).values()
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, x)
    single = zeros(1, 3, 4, 2)
    assert feed({"x": single}, [IMAGE])["x"] is single
    assert feed(zeros(7, 5, kind=np.int32), [TOKENS])["t"].dtype == np.int64


def test_a_batch_of_one_is_run_row_by_row() -> None:
    t, x = np.arange(15).reshape(3, 5), np.arange(36.0).reshape(3, 3, 4, 1)
    scale, infos = np.array([2.0]), [TOKENS, IMAGE, InputInfo("s", (1,), "float64")]
    parts = rows({"t": t, "x": x, "s": scale}, infos)
    assert len(parts) == 3
    for i, part in enumerate(parts):
        np.testing.assert_array_equal(part["t"], t[i : i + 1])
        np.testing.assert_array_equal(part["x"], x[i : i + 1])
        np.testing.assert_array_equal(part["s"], scale)  # one for all rows


def test_any_other_batch_is_run_at_once() -> None:
    feeds = {"x": zeros(4, 3, 4, 2), "t": zeros(1, 5, kind=np.int64)}
    assert rows(feeds, [IMAGE, TOKENS]) == [feeds]


def test_rows_that_do_not_fit() -> None:
    two = InputInfo("u", (1, 2), "float32")
    with pytest.raises(InputError, match="inputs of 2, 3 rows do not fit"):
        rows({"t": zeros(3, 5), "u": zeros(2, 2)}, [TOKENS, two])
    with pytest.raises(InputError, match="the batch has no rows"):
        rows({"t": zeros(0, 5)}, [TOKENS])
    with pytest.raises(InputError, match="'x' has 2 rows where others have 3"):
        rows({"t": zeros(3, 5), "x": zeros(2, 3, 4, 9)}, [TOKENS, IMAGE])


WORDS = InputInfo("words", (3, 7), "int64", row_axis=None)
STATE = InputInfo("state", (2, "N", 4), "float32", row_axis=1)
RATE = InputInfo("rate", (), "int64")


def test_what_counts_no_rows_is_given_whole_to_each() -> None:
    words, t = np.arange(21).reshape(3, 7), np.arange(10).reshape(2, 5)
    parts = rows({"t": t, "words": words, "rate": np.array(16)}, [TOKENS, WORDS, RATE])
    assert [part["t"].tolist() for part in parts] == [[t[0].tolist()], [t[1].tolist()]]
    for part in parts:
        np.testing.assert_array_equal(part["words"], words)
        assert part["rate"] == 16


def test_a_state_is_cut_along_its_own_axis() -> None:
    t, state = np.arange(15).reshape(3, 5), np.arange(24.0).reshape(2, 3, 4)
    parts = rows({"t": t, "state": state}, [TOKENS, STATE])
    for i, part in enumerate(parts):
        assert part["state"].tolist() == [[state[0][i].tolist()], [state[1][i].tolist()]]
    one = InputInfo("state", (2, 1, 4), "float64", row_axis=1)
    assert len(rows(feed({"state": state}, [one]), [one])) == 3
    with pytest.raises(InputError, match=r"has shape \[3, 7\], expected \[1, 7\]"):
        feed(
            {"words": zeros(3, 7, kind=np.int64)}, [InputInfo("words", (1, 7), "int64", None, None)]
        )
