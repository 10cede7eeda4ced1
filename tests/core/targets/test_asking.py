"""Points of a photo and of the input are the same place, where the photo was fitted."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.head import BoxNumbers, Head
from cam_core.image import place
from cam_core.targets import Asking, Seen

Y = np.zeros((1, 3))


@pytest.mark.parametrize("fit", ["crop", "stretch", "letterbox"])
def test_there_and_back(fit: str) -> None:
    seen = Seen(Y, placement=place((120, 300), (64, 96), fit))
    for point in ((10.0, 20.0), (299.0, 3.5)):
        assert seen.to_photo(seen.to_input(point)) == pytest.approx(point)


def test_by_hand() -> None:
    """A photo 100 x 200 (h x w) letterboxed into 50 x 50: half as large, 12 rows down."""
    seen = Seen(Y, placement=place((100, 200), (50, 50), "letterbox"))
    assert seen.to_input((0, 0)) == pytest.approx((0, 12))
    assert seen.to_input((200, 100)) == pytest.approx((50, 37), abs=0.6)
    assert Seen(Y).to_input((3, 4)) == (3, 4)
    assert Seen(Y).to_photo((3, 4)) == (3, 4)


def test_scores_with_boxes_are_asked_for_boxes() -> None:
    head = Head("y", "dense classes", "", "y", 1, "Sigmoid", BoxNumbers("b", 1))
    assert (Asking(head=head).kind, Asking().kind) == ("boxes", "")
