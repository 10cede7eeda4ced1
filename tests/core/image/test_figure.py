"""The card: heat over the photo, the margin dimmed, and nothing painted where nothing is."""

from __future__ import annotations

import numpy as np

from cam_core.backend import Array
from cam_core.image import Mark, card, overlay, place
from tests.core.image.photos import ramp


def test_a_card_of_a_zero_map_shows_the_photo_itself() -> None:
    image = ramp(448, 448)
    placement = place((448, 448), (224, 224), "crop", margin=256 / 224)
    page = card(image, np.zeros((7, 7)), placement, title="dog", reason="the gradient is zero")
    unit = 12
    photo = page[unit : unit + 448, unit : unit + 448]
    np.testing.assert_array_equal(photo[:380], image[:380])  # not dimmed, not blue
    assert (photo[400:] != image[400:]).any()  # the reason's strip


def test_a_card_dims_the_margin_and_paints_the_rest() -> None:
    image = ramp(448, 896)
    placement = place((448, 896), (224, 224), "crop")
    page = card(image, np.eye(7), placement, title="dog", lines=["class 1"], limits=(0, 2.5))
    unit = round(896 / 36)
    photo = page[unit : unit + 448, unit : unit + 896].astype(int)
    assert (photo[:, :200].sum(axis=2) < 0.6 * image[:, :200].astype(int).sum(axis=2) + 3).all()
    np.testing.assert_array_equal(photo[:, 224:672], overlay(image[:, 224:672], seen_heat()))


def seen_heat() -> Array:
    """The identity [7, 7] at [448, 448], interpolated cell by cell with loops over one axis."""
    at = np.clip((np.arange(448) + 0.5) * 7 / 448 - 0.5, 0, 6)
    hat = np.maximum(0, 1 - np.abs(at[:, None] - np.arange(7)))  # [448, 7]
    return (hat @ np.eye(7) @ hat.T).astype(np.float32)


def test_a_flat_map_is_not_called_zero() -> None:
    image = ramp(448, 448)
    placement = place((448, 448), (224, 224), "stretch")
    zero = card(image, np.zeros((1, 1)), placement, title="dog", limits=(0, 0))
    flat = card(image, np.zeros((1, 1)), placement, title="dog", limits=(0.5, 0.5))
    assert zero.shape == flat.shape
    assert (zero != flat)[400:460].any()  # another sentence on the strip
    np.testing.assert_array_equal(zero[:400], flat[:400])


def test_a_zero_map_has_its_reason_beside_a_box() -> None:
    image, box = ramp(448, 448), Mark((100, 100, 200, 200))
    placement = place((448, 448), (224, 224), "stretch")
    pages = [
        card(image, np.zeros((7, 7)), placement, title="dog", reason="why", marks=marks)
        for marks in ([], [box])
    ]
    unit = 12
    plain, boxed = (page[unit : unit + 448, unit : unit + 448] for page in pages)
    np.testing.assert_array_equal(plain[400:], boxed[400:])
    assert (plain[100:200, 100:200] != boxed[100:200, 100:200]).any()
