"""Why a map is zero or broken."""

from __future__ import annotations

import pytest

from cam_core.answers import from_capture
from cam_core.backend import Capture
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
