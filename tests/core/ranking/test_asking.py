"""What labelled boxes ask of a model."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.ranking.asking import asked_of, boxes_of, class_of
from cam_core.sources.boxes import Labelled

CAT, DOG = Labelled("cat", 0, 0, 10, 20), Labelled("Dog", 30, 30, 40, 60)
NAMES = ("dog, hound", "bird", "cat")


def test_a_class_is_asked_once_with_all_its_boxes() -> None:
    other = Labelled("cat", 5, 5, 6, 6)
    found = asked_of([CAT, DOG, other, Labelled("cow", 0, 0, 1, 1)], NAMES, 3, each=False)
    assert [one.target for one in found] == ["2", "0"]
    np.testing.assert_array_equal(found[0].boxes, [CAT[1:], other[1:]])


def test_a_detector_is_asked_at_the_middle_of_each_box() -> None:
    found = asked_of([CAT, Labelled("cat", 5, 5, 6, 6)], NAMES, 3, each=True)
    assert [one.target for one in found] == ["2@5,10", "2@5.5,5.5"]


@pytest.mark.parametrize(
    ("label", "names", "index"),
    [
        ("hound", NAMES, 0),
        ("cow", NAMES, None),
        ("cat", None, None),
        (1, None, 1),
        (1, NAMES, 1),
        (7, NAMES, None),
    ],
)
def test_the_class_of_a_label(label: str | int, names: tuple[str, ...], index: int | None) -> None:
    assert class_of(Labelled(label, 0, 0, 1, 1), names, 3) == index


def test_boxes_of_what_was_asked() -> None:
    assert boxes_of([CAT, DOG], 2, "cat").tolist() == [[0, 0, 10, 20]]  # type: ignore[union-attr]
    assert boxes_of([CAT, DOG], 1, "bird") is None
    assert boxes_of([CAT, DOG], None, "") is not None
    assert len(boxes_of([CAT, DOG], None, "")) == 2  # type: ignore[arg-type]
