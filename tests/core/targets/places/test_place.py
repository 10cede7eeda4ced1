"""Points, areas and masks of a photo: which cells they name, by hand and by loops."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cam_core.errors import TargetError
from cam_core.head import Head
from cam_core.image import Placement
from cam_core.region import Places, Region
from cam_core.targets import Asking, Seen, parse_target

# layout, the score's shape, class axis, region; the input is 8 high and 12 wide
WHOLE = Region("x", (2, 3), ((0, 1), (0, 1)), (2, 3))
LAYOUTS: dict[str, tuple[str, tuple[int, ...], int, Region]] = {
    "NCHW": ("NCHW", (2, 5, 4, 6), 1, WHOLE),
    "NHWC": ("NHWC", (2, 4, 6, 5), 3, WHOLE),
    "side": ("N C5 a6 b4 -> N C b a", (2, 5, 6, 4), 1, WHOLE),
    "tokens": ("N(1+4*6)C", (2, 25, 5), 2, WHOLE),
}
CROPPED = Region("x", (2, 3), ((0.25, 0.75), (0.5, 1)), (2, 3))
TWICE = Placement((16, 24), (8, 12), (0, 0, 16, 24), (8, 12), (0, 0))


def look(
    kind: str = "NCHW", region: Region | None = None, head: str = "dense classes", **more: Any
) -> tuple[Seen, Head]:
    layout, shape, axis, own = LAYOUTS[kind]
    y = np.random.default_rng(3).normal(size=shape)
    asked = Head("y", head, "", "y", axis, "Softmax", places=Places(layout, region or own))
    return Seen(y, {}, Asking(None, axis, asked), (8, 12), {"x": (2, 3, 8, 12)}, **more), asked


def ask(text: str, seen: Seen, head: Head) -> Any:
    (question,) = parse_target(text, head=head, class_axis=seen.asking.class_axis)
    (found,) = question.found_in(seen)
    return found


def cells(target: Any) -> list[tuple[int, ...]]:
    return [tuple(map(int, at)) for at in np.argwhere(target.outline.values[0])]


@pytest.mark.parametrize("kind", LAYOUTS)
def test_a_point_is_one_number_of_the_score(kind: str) -> None:
    seen, head = look(kind)
    target = ask("3@7,2", seen, head)  # cell (1, 3) of 4 x 6
    number = {"NCHW": (3, 1, 3), "NHWC": (1, 3, 3), "side": (3, 3, 1), "tokens": (1 + 9, 3)}[kind]
    np.testing.assert_allclose(target.score(seen.score), seen.score[(slice(None), *number)])
    slope = np.zeros_like(seen.score)
    slope[(slice(None), *number)] = 1
    np.testing.assert_array_equal(target(seen.score), slope)
    assert cells(target) == [(1, 3)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3@0,0", [(0, 0)]),
        ("3@12,8", [(3, 5)]),
        ("3@0,0,4,4", [(0, 0), (0, 1), (1, 0), (1, 1)]),
        ("3@3.2,2.2,3.4,2.4", [(1, 1)]),
    ],
)
def test_which_cells(text: str, expected: list[tuple[int, int]]) -> None:
    assert cells(ask(text, *look())) == expected


def test_places_are_those_of_the_photo_and_of_what_the_file_crops() -> None:
    assert cells(ask("3@14,4", *look(placement=TWICE))) == [(1, 3)]
    assert cells(ask("3@6,2", *look(region=CROPPED))) == [(0, 0)]
    assert cells(ask("3@11.9,5.9", *look(region=CROPPED))) == [(3, 5)]


def test_an_area_is_the_mean_over_its_cells() -> None:
    seen, head = look()
    target = ask("3@0,0,4,4", seen, head)
    np.testing.assert_allclose(target.score(seen.score), seen.score[:, 3, :2, :2].mean((1, 2)))
    assert [d["region"]["places"] for d in target.detail] == [4, 4]


def test_a_mask_is_laid_over_the_photo(tmp_path: Path) -> None:
    mask = np.zeros((16, 24), np.uint8)
    mask[4:8, 12:20] = 255
    path = tmp_path / "mask.png"
    Image.fromarray(mask).save(path)
    seen, head = look(placement=TWICE)
    target = ask(f"mask:{path}@3", seen, head)
    assert cells(target) == [(1, 3), (1, 4)]
    np.testing.assert_allclose(target.score(seen.score), seen.score[:, 3, 1, 3:5].mean(1))
    np.save(tmp_path / "mask.npy", mask > 0)
    assert cells(ask(f"mask:{tmp_path / 'mask.npy'}@3", seen, head)) == [(1, 3), (1, 4)]


def test_a_volume_has_x_y_and_z() -> None:
    region = Region("x", (2, 3, 4), ((0, 1),) * 3, (2, 3, 4))
    head = Head("y", "dense classes", "", "y", 1, places=Places("NCDHW", region))
    y = np.random.default_rng(0).normal(size=(1, 5, 4, 6, 8))
    seen = Seen(y, {}, Asking(None, 1, head), None, {"x": (1, 1, 8, 12, 16)})
    assert cells(ask("3@15,0,2", seen, head)) == [(1, 0, 7)]
    assert len(cells(ask("3@0,0,0,4,4,4", seen, head))) == 8


def test_a_series_has_one_number() -> None:
    region = Region("x", (2,), ((0, 1),), (2,))
    head = Head("y", "unknown", "", "y", 2, places=Places("N(L)C", region))
    seen = Seen(np.zeros((1, 10, 4)), {}, Asking(None, 2, head), None, {"x": (1, 3, 100)})
    assert cells(ask("3@57", seen, head)) == [(5,)]
    with pytest.raises(TargetError, match=r"3 numbers, but a place of this score is x and an area"):
        ask("3@5,7,8", seen, head)


def test_a_picture_has_a_mean_and_no_classes() -> None:
    head = Head("y", "picture", "", "y", None, places=Places("N a b -> N () a b", WHOLE))
    y = np.random.default_rng(0).normal(size=(2, 4, 6))
    seen = Seen(y, {}, Asking(None, 2, head), (8, 12), {"x": (2, 3, 8, 12)})
    np.testing.assert_allclose(ask("mean", seen, head).score(y), y.mean((1, 2)))
    np.testing.assert_allclose(ask("@7,2", seen, head).score(y), y[:, 1, 3])
    np.testing.assert_allclose(ask("@0,0,4,4", seen, head).score(y), y[:, :2, :2].mean((1, 2)))
    assert ask("mean", seen, head).classes(y) is None
    with pytest.raises(TargetError, match="a picture has no classes: ask for mean, or @7,2"):
        ask("3@7,2", seen, head)


def test_colours_are_averaged() -> None:
    head = Head("y", "picture", "", "y", 1, places=Places("NCHW", WHOLE))
    y = np.random.default_rng(0).normal(size=(2, 3, 4, 6))
    seen = Seen(y, {}, Asking(None, 1, head), (8, 12), {"x": (2, 3, 8, 12)})
    np.testing.assert_allclose(ask("@7,2", seen, head).score(y), y[:, :, 1, 3].mean(1))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("3@13,2", "x = 13 lies outside .*; give x from 0 to 12"),
        ("3@2,9", "y = 9 lies outside .*; give y from 0 to 8"),
        ("3@4,4,4,8", "an area is x0,y0,x1,y1 with"),
        ("@1,1", "several numbers at each place: say which, as in 0@1,1"),
        ("mean", "several numbers at each place: say which, as in 0@x,y"),
        ("mask:no.png@3", "'no.png' is no mask that can be read"),
    ],
)
def test_what_is_not_there(text: str, words: str) -> None:
    with pytest.raises(TargetError, match=words) as refusal:
        ask(text, *look())
    assert "\n" not in str(refusal.value)


def test_a_mask_of_another_size(tmp_path: Path) -> None:
    path = tmp_path / "mask.npy"
    np.save(path, np.ones((8, 24)))
    with pytest.raises(TargetError, match="the mask is 8x24, the photo 16x24: make it that size"):
        ask(f"mask:{path}@3", *look(placement=TWICE))
    np.save(path, np.zeros((16, 24)))
    with pytest.raises(TargetError, match="covers the centre of none of the model's 4x6 cells"):
        ask(f"mask:{path}@3", *look(placement=TWICE))


def test_where_places_are_lost_it_is_said() -> None:
    nowhere = "lost at node 'r' (6 x 4 regrouped)"
    head = Head("y", "dense classes", "", "y", 1, nowhere=nowhere)
    seen = Seen(np.zeros((1, 5, 24)), {}, Asking(None, 1, head))
    with pytest.raises(TargetError, match="which cell is where was lost at node 'r'"):
        ask("3@1,1", seen, head)
    plain = Head("y", "classes", "", "y", 1)
    with pytest.raises(TargetError, match="gives classes, whose numbers lie at no known place"):
        ask("3@1,1", Seen(np.zeros((1, 5)), {}, Asking(None, 1, plain)), plain)
