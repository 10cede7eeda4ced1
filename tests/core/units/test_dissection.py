"""Network dissection against its definition as sets of cells, and on a unit that sees red."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.errors import InputError
from cam_core.units import Named, overlaps, sentence, thresholds, words

Array = np.ndarray


def test_a_threshold_leaves_its_share_above(rng: np.random.Generator) -> None:
    A = [rng.normal(size=(3, 20, 20)), rng.normal(size=(3, 40, 40))]
    T = thresholds(A, 0.01)
    for k in range(3):
        cells = [v for a in A for v in a[k].ravel().tolist()]
        assert sum(v > T[k] for v in cells) == 20  # 1 % of 2000


def test_overlaps_are_those_of_sets_of_cells(rng: np.random.Generator) -> None:
    A, T = rng.random((4, 3, 5, 6)), np.array([0.3, 0.5, 0.9])
    masks = rng.random((4, 2, 5, 6)) > 0.6
    found = overlaps(zip(A, masks, strict=True), T)
    assert found.shape == (3, 2)
    for k, c in np.ndindex(3, 2):
        lit = {tuple(at) for at in np.argwhere(A[:, k] > T[k])}
        known = {tuple(at) for at in np.argwhere(masks[:, c])}
        assert found[k, c] == pytest.approx(len(lit & known) / len(lit | known))


def test_the_unit_that_sees_red_is_called_so(rng: np.random.Generator) -> None:
    """Pictures with a patch of a colour; unit 3 is ReLU(R - G - B), unit 0 the same of blue."""
    photos, masks, colours = [], [], ("blue", "green", "red")
    for i in range(12):
        photo, mask = 0.2 * rng.random((3, 16, 16)), np.zeros((3, 16, 16), bool)
        y, x = rng.integers(0, 15, 2)
        photo[2 - i % 3, y : y + 2, x : x + 2] = 1
        mask[i % 3, y : y + 2, x : x + 2] = True
        photos.append(photo)
        masks.append(mask)
    A = [
        np.stack([b - r - g, r + g + b, rng.random((16, 16)), r - g - b]).clip(0)
        for r, g, b in photos
    ]
    named = words(overlaps(zip(A, masks, strict=True), thresholds(A)), colours)
    assert [named[0].concept, named[3].concept] == ["blue", "red"]
    assert named[3].iou > 0.5
    assert named[2].iou < 0.1
    text = sentence([named[3], named[0]])
    assert text == "because of units 3 (red) and 0 (blue)"


def test_what_overlaps_nothing_has_no_name() -> None:
    never = overlaps([(np.zeros((1, 2, 2)), np.zeros((1, 2, 2), bool))], np.zeros(1))
    assert words(never, ["thing"]) == [Named(0, "", 0.0)]
    with pytest.raises(InputError, match="there are none"):
        overlaps([], np.zeros(1))


@pytest.mark.parametrize(
    ("units", "text"),
    [
        ([], ""),
        ([(7, "")], "because of unit 7"),
        ([(1, "a"), (2, ""), (3, "c")], "because of units 1 (a), 2 and 3 (c)"),
    ],
)
def test_a_sentence(units: list[tuple[int, str]], text: str) -> None:
    assert sentence([Named(unit, concept, 0.1) for unit, concept in units]) == text
