"""Why a map is zero or broken."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.answers import from_capture
from cam_core.backend import Capture
from cam_core.maps import diagnosis
from cam_core.maps.diagnosis import Finite, finite_rows, nothing
from cam_core.targets import ClassTarget, ProbabilityTarget
from tests.core.linear import one

DIAGNOSES = [  # capture, target, reason, whether the map is blank
    (one([[1, 2]], [[1, 1]]), ClassTarget(0), "", False),
    (one([[1, 2]], [[0, 0]]), ClassTarget(0), "gradient is exactly zero", True),
    (one([[0, 0]], [[1, 1]]), ClassTarget(0), "every activation of this layer is zero", True),
    (one([[1, 2]], [[1, -1]]), ClassTarget(0), "every weight is: it cancels", True),
    (one([[1, 2]], [[-1, -1]]), ClassTarget(0), "every weighted value is negative", True),
    (one([[1, 1], [1, 1]], [[1, 1], [-1, -1 + 1e-7]]), ClassTarget(0), "rounding noise", True),
    (one([[1, 2]], [[0, 0]], (0, 1)), ClassTarget(1), "it looks like a probability, 1;", True),
    (
        one([[1, 2]], [[1e-9, 0]], (0, 30)),
        ProbabilityTarget(1, how="softmax"),
        "score saturated",
        False,
    ),
    (
        one([[1, 2]], [[0, 0]], (0, 300)),
        ProbabilityTarget(1, how="softmax"),
        "the probability is 1;",
        True,
    ),
]


@pytest.mark.parametrize(("capture", "target", "reason", "blank"), DIAGNOSES)
def test_diagnosis(capture: Capture, target: object, reason: str, blank: bool) -> None:
    e = from_capture(capture, target)
    assert reason in e.diagnosis[0]
    assert bool(e.diagnosis[0]) == bool(reason)
    assert e.blank.tolist() == [blank]
    assert bool(e.heatmap().any()) is not blank


def test_rows_without_nan_and_inf() -> None:
    values = np.ones((3, 2, 2))
    values[0, 1, 1], values[2, 0, 0] = np.nan, -np.inf
    assert finite_rows(values).tolist() == [False, True, False]
    assert finite_rows(values[:0]).tolist() == []
    assert finite_rows(np.broadcast_to(np.nan, (2, 3))).tolist() == [False, False]
    assert finite_rows(np.broadcast_to(0.0, (2, 3))).tolist() == [True, True]


def test_nothing_is_zero_everywhere() -> None:
    assert nothing(np.zeros((2, 3)))
    assert nothing(np.broadcast_to(0.0, (2, 3)))
    assert nothing(np.zeros((0, 3)))
    for values in (np.array([[0, 1e-30]]), np.array([[np.nan, 0]]), np.broadcast_to(2.0, (2, 3))):
        assert not nothing(values)


def test_what_is_known_is_not_read_again(monkeypatch) -> None:
    """And never taken for another array, for it is kept as long as it is known."""
    read: list[int] = []
    once = diagnosis.finite_rows
    monkeypatch.setattr(diagnosis, "finite_rows", lambda v: read.append(len(v)) or once(v))
    finite, y = Finite(), np.array([[1.0], [np.inf]])
    assert finite(y).tolist() == finite(y).tolist() == [True, False]
    assert read == [2]
    for rows in range(3, 9):
        assert finite(np.ones((rows, 2))).all()
    assert read == [2, *range(3, 9)]
