"""The boxes of a look: which remain, and how strong they are, counted by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cam_core.errors import TargetError
from cam_core.head import BoxNumbers, Head, OwnClass
from cam_core.targets.detection.found import detections

CORNERS = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [40, 40, 60, 60], [0, 0, 10, 10]], np.float32)
P = np.array([[0.9, 0.8, 0.1, 0.2], [0.1, 0.1, 0.6, 0.7]])  # [C, A]


def head(activation: str, axis: int = 1, background: int | None = None) -> Head:
    numbers = BoxNumbers("boxes", axis, 0, background)
    return Head("scores", "dense classes", "", "scores", 1, activation, numbers)


def found(scores: np.ndarray, activation: str, **more: int) -> list:
    given = {"boxes": CORNERS[None].repeat(len(scores), 0)}
    return detections(scores, given, head(activation, 2, **more), 1, (100, 100))


@pytest.mark.parametrize(
    ("activation", "y"),
    [("Sigmoid", np.log(P / (1 - P))), ("Log", np.log(P))],
)
def test_the_best_of_each_class_remain(activation: str, y: np.ndarray) -> None:
    (row,) = found(y[None], activation)
    boxes = row.boxes()
    assert [(b.index, b.anchor) for b in boxes] == [(0, 0), (1, 3), (1, 2)]
    assert [b.probability for b in boxes] == pytest.approx([0.9, 0.7, 0.6])
    assert boxes[0].score == pytest.approx(y[0, 0])
    assert boxes[2].corners == (40, 40, 60, 60)
    assert [b.anchor for b in row.boxes(1)] == [3, 2]
    assert (row.best(0).anchor, row.best().index) == (0, 0)


def test_a_background_is_no_class_and_is_taken_off() -> None:
    y = np.array([[3.0, 0, 0, 0], [1.0, 2, 0, 0]])
    (row,) = found(y[None], "Softmax", background=0)
    boxes = row.boxes()
    assert [(b.index, b.anchor) for b in boxes] == [(1, 1), (1, 2)]  # 3 lies over 1
    assert boxes[0].score == 2
    assert boxes[0].probability == pytest.approx(np.exp(2) / (np.exp(2) + 1))


def test_without_probabilities_a_box_starts_at_an_even_chance() -> None:
    (row,) = found(np.array([[[-1.0, 2, -3, 4]]]), "")
    assert [(b.anchor, b.probability) for b in row.boxes()] == [(3, None), (1, None)][:1]
    assert row.least == 0


def test_boxes_of_other_anchors_are_refused() -> None:
    with pytest.raises(TargetError, match=r"has 3 anchors, the boxes of 'boxes' are 4"):
        found(np.zeros((1, 2, 3)), "Sigmoid")


def test_anchors_of_a_map_keep_their_order() -> None:
    numbers = np.arange(1 * 7 * 2 * 3, dtype=np.float32).reshape(1, 7, 2, 3)
    mine = Head("out", "boxes", "", "out", 1, "Log", BoxNumbers("out", 1, 1))
    (row,) = detections(-np.ones((1, 2, 2, 3)), {"out": numbers}, mine, 1, (20, 30))
    assert row.corners[:].shape == (6, 4)
    assert row.scores.shape == (2, 6)


def of_file(p: list[float], own: list[int], *, gridded: bool = False) -> Any:
    """What a file selected: [1, n, 1] logarithms, the classes in an output."""
    y = np.log(np.maximum(np.array(p, np.float32), np.finfo(np.float32).tiny))[None, :, None]
    head = Head(
        "s",
        "boxes",
        "",
        "s",
        2,
        "Log",
        BoxNumbers("boxes", 2, own=OwnClass("own"), gridded=gridded),
    )
    given = {"boxes": CORNERS[None, : len(p)], "own": np.array([own])}
    return detections(y, given, head, 2, (100, 100))[0]


def test_what_the_file_selected_remains_as_it_is() -> None:
    """Boxes 0 and 1 lie over one another; the file's own suppression let them."""
    row = of_file([0.9, 0.8, 0.1, 0.7], [3, 3, 3, 0])
    assert [(b.index, b.anchor, b.channel) for b in row.boxes()] == [
        (3, 0, 0),
        (3, 1, 0),
        (0, 3, 0),
    ]
    assert [b.anchor for b in row.boxes(0)] == [3]
    assert row.best(3).anchor == 0
    assert row.best(1) is None


def test_anchors_that_say_their_best_class_are_suppressed() -> None:
    row = of_file([0.9, 0.8, 0.1, 0.7], [3, 3, 3, 0], gridded=True)
    assert [(b.index, b.anchor) for b in row.boxes()] == [(3, 0), (0, 3)]


def test_padding_is_no_box() -> None:
    row = of_file([0.9, 0.0, 0.6, 0.5], [1, 0, -1, 1])
    assert [b.anchor for b in row.boxes()] == [0, 3]
    assert row.best(0) is None
    nothing = of_file([0.0, 0.0], [0, 0])
    assert nothing.boxes() == []
    assert nothing.best() is None
    assert of_file([], []).best() is None


def test_scores_that_are_no_probabilities() -> None:
    with pytest.raises(TargetError, match=r"in 's' are no probabilities, one is 7\.5: name the"):
        of_file([0.5, 7.5], [0, 0])


LAST = np.array([[-3.0, -4, 2], [-2, -1, -5], [1, 3, 0]])  # [C, A]


@pytest.mark.parametrize(
    ("named", "background", "how"),
    [(2, 2, "softmax"), (3, None, "sigmoid"), (None, 2, "softmax")],
)
def test_whether_the_last_class_is_none(named: int | None, background: int, how: str) -> None:
    """The names tell, or else that most queries find nothing."""
    head = Head("s", "dense classes", "", "s", 1, "", BoxNumbers("boxes", 2, unsure=True))
    given = {"boxes": CORNERS[None, :3]}
    (row,) = detections(LAST[None], given, head, 1, (100, 100), named=named)
    assert row.background == background
    expected = np.exp(LAST[0, 2]) / np.exp(LAST[:, 2]).sum()
    if how == "sigmoid":
        expected = 1 / (1 + np.exp(-LAST[0, 2]))
    assert row.best(0).probability == pytest.approx(expected)


def test_queries_that_each_find_something_are_sigmoids() -> None:
    head = Head("s", "dense classes", "", "s", 1, "", BoxNumbers("boxes", 2, unsure=True))
    (row,) = detections(-LAST[None], {"boxes": CORNERS[None, :3]}, head, 1, (100, 100))
    assert row.background is None
