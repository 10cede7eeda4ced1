"""Masks and heat maps that a box has of its own: the number by hand, slopes by differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cam_core.errors import TargetError
from cam_core.head import BoxNumbers, Head, OwnClass
from cam_core.targets import Asking, Seen, parse_target

MASKS = BoxNumbers(
    "b", 1, own=OwnClass("c"), batched=False, gridded=False, masks="m", mask_logits="z"
)
HEATS = BoxNumbers("b", 1, own=OwnClass("c"), batched=False, gridded=False, heats="h")
BOXES = np.array([[2.0, 3, 20, 30], [5, 5, 30, 35], [1, 1, 9, 9]])
BEST = 1


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


@pytest.fixture
def tensors(rng: np.random.Generator) -> dict[str, Any]:
    """Of three boxes: logits of four classes, the mask of the third class, five heat maps."""
    z = rng.normal(size=(1, 3, 4, 6, 6))
    return {"z": z, "m": sigmoid(z[:, :, 2:3]), "h": rng.normal(size=(1, 3, 5, 7, 7))}


def asked(text: str, boxes: BoxNumbers, tensors: dict[str, Any] | None) -> Any:
    head = Head("s", "boxes", "", "s", 2, "Log", boxes)
    score = np.log(np.array([0.4, 0.9, 0.3]))[None, :, None]
    outputs = {"b": BOXES, "c": np.array([2, 2, 2])}
    look = None if tensors is None else tensors.__getitem__
    seen = Seen(score, outputs, Asking(["a", "b", "dog"], 2, head), (40, 40), tensor=look)
    (target,) = parse_target(text, ["a", "b", "dog"], head=head)[0].found_in(seen)
    return target


def of_logits(tensors: dict[str, Any]) -> float:
    cells = [v for v in tensors["z"][0, BEST, 2].ravel() if v > 0]
    return sum(cells) / len(cells)


QUESTIONS = {  # question, which boxes -> tensor, number by hand
    "mask@box:0": (MASKS, "z", of_logits),
    "mask@dog": (MASKS, "z", of_logits),
    "keypoint:3@box:0": (HEATS, "h", lambda tensors: tensors["h"][0, BEST, 3].max()),
}


def slopes(target: Any, y: Any, rng: np.random.Generator) -> None:
    direction, h = rng.normal(size=y.shape), 1e-6
    change = (target.score(y + h * direction) - target.score(y - h * direction)) / (2 * h)
    np.testing.assert_allclose(np.sum(target(y) * direction), change[0], rtol=1e-6)


@pytest.mark.parametrize("text", QUESTIONS)
def test_its_number_and_its_slope(
    text: str, tensors: dict[str, Any], rng: np.random.Generator
) -> None:
    boxes, name, expected = QUESTIONS[text]
    target = asked(text, boxes, tensors)
    assert target.tensor == name
    np.testing.assert_allclose(target.score(tensors[name]), [expected(tensors)], rtol=1e-12)
    slopes(target, tensors[name], rng)


@pytest.mark.parametrize("known", [True, False], ids=["others", "not known"])
def test_without_logits_it_is_of_the_probabilities(
    known: bool, tensors: dict[str, Any], rng: np.random.Generator
) -> None:
    """The same number; logits whose sigmoids the masks are not are passed over."""
    expected = of_logits(tensors)
    boxes = MASKS if known else BoxNumbers("b", 1, own=MASKS.own, batched=False, masks="m")
    target = asked("mask@box:0", boxes, tensors | {"z": tensors["z"] + 1})
    assert target.tensor == "m"
    np.testing.assert_allclose(target.score(tensors["m"]), [expected], rtol=1e-9)
    slopes(target, tensors["m"], rng)


def test_the_share_of_the_box_is_told(tensors: dict[str, Any]) -> None:
    (facts,) = asked("mask@box:0", MASKS, tensors).detail
    count = int((tensors["z"][0, BEST, 2] > 0).sum())
    assert facts["mask"] == {"places": count, "share": count / 36}


REFUSED = {
    "keypoint:5@box:0": "there are keypoints 0 to 4",
    "keypoint:5x@box:0": "there are keypoints 0 to 4",
    "keypoint:3x@box:0": "where a heat map is largest, .* ask for keypoint:3@box:0",
    "mask@box:0": r"no masks that are known .*; ask for box:0 or edge:left@box:0 or keypoint:0@",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_there_is_not(text: str, tensors: dict[str, Any]) -> None:
    with pytest.raises(TargetError, match=REFUSED[text]):
        asked(text, HEATS, tensors)


def test_an_empty_mask_and_a_backend_that_shows_nothing(tensors: dict[str, Any]) -> None:
    with pytest.raises(TargetError, match=r"no cell of the mask is above 0.5"):
        asked("mask@box:0", MASKS, tensors | {"m": np.full((1, 3, 1, 6, 6), 0.1)})
    with pytest.raises(TargetError, match="this backend gives no numbers inside the model"):
        asked("mask@box:0", MASKS, None)


@pytest.mark.parametrize("wide", [True, False], ids=["a map a class", "a map a box"])
def test_masks_of_a_batch(wide: bool, rng: np.random.Generator) -> None:
    """[N, n, h, w]: each row's own box, by its logits of all classes or of its own."""
    numbers = BoxNumbers("b", 2, own=OwnClass("c"), gridded=False, masks="m", mask_logits="z")
    z = rng.normal(size=(2, 3, 4, 6, 6))
    own = z[:, :, 2]
    tensors = {"m": sigmoid(own), "z": z if wide else own}
    head = Head("s", "boxes", "", "s", 2, "Log", numbers)
    score = np.log(np.array([[0.4, 0.9, 0.3], [0.8, 0.2, 0.3]]))[..., None]
    outputs = {"b": np.stack([BOXES, BOXES]), "c": np.full((2, 3), 2)}
    asking = Asking(None, 2, head)
    seen = Seen(score, outputs, asking, (40, 40), tensor=tensors.__getitem__)
    (target,) = parse_target("mask@box:0", head=head)[0].found_in(seen)
    assert target.tensor == "z"
    expected = [np.mean([v for v in own[n, a].ravel() if v > 0]) for n, a in ((0, 1), (1, 0))]
    np.testing.assert_allclose(target.score(tensors["z"]), expected)
    direction, h = rng.normal(size=tensors["z"].shape), 1e-6
    ahead, behind = (target.score(tensors["z"] + s * h * direction) for s in (1, -1))
    found = (target(tensors["z"]) * direction).reshape(2, -1).sum(1)
    np.testing.assert_allclose(found, (ahead - behind) / (2 * h), rtol=1e-6)
    lumped = sigmoid(own).reshape(6, 1, 6, 6)
    other = Seen(score, outputs, asking, (40, 40), tensor=lambda name: lumped)
    with pytest.raises(TargetError, match=r"masks of all pictures lie in one row .*--static"):
        parse_target("mask@box:0", head=head)[0].found_in(other)
