"""Boxes and regions of the page, and their cotangents, are those of `cam_core.targets`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cam_core.head import BoxNumbers, Head
from cam_core.image.place import place
from cam_core.targets import Asking, Seen
from cam_core.targets.detection.box import BoxTarget
from cam_core.targets.detection.grids import find_grid
from cam_core.targets.places.region import LargestRegionTarget, RegionTarget
from tests.core.web.page import Call

SIZE = (64, 96)
LABELS = ["cat", "dog", "owl"]


def pixels(rng: np.random.Generator, anchors: int) -> Any:
    centre = rng.uniform(10, 60, (anchors, 2))
    return np.concatenate([centre, rng.uniform(4, 30, (anchors, 2))], axis=1)


def parts(rng: np.random.Generator, anchors: int) -> Any:
    return pixels(rng, anchors) / 96


def corners(rng: np.random.Generator, anchors: int) -> Any:
    low = rng.uniform(0, 50, (anchors, 2))
    return np.concatenate([low, low + rng.uniform(3, 30, (anchors, 2))], axis=1)


def offsets(rng: np.random.Generator, anchors: int) -> Any:
    return rng.normal(scale=0.4, size=(anchors, 4)) + np.array([0.5, 0.5, 1.5, 1.5])


KINDS = {"pixels": pixels, "parts": parts, "corners": corners, "offsets": offsets}
ANCHORS = 8 * 12 + 4 * 6 + 2 * 3
"""Of maps at strides 8, 16 and 32."""


def levels() -> list[dict[str, Any]]:
    return [{"rows": 64 // s, "columns": 96 // s, "stride": s, "each": 1} for s in (8, 16, 32)]


def asked(kind: str, axis: int, probability: str, background: int | None) -> tuple[Any, Any]:
    """A head with its boxes, as Python and as the page have it."""
    activation = {"sigmoid": "Sigmoid", "softmax": "Softmax", "": ""}[probability]
    written = "offsets" if kind == "offsets" else ""
    of = BoxNumbers("boxes", 3 - axis, background=background, written=written)
    head = Head("y", "boxes", "", "y", axis, activation, of)
    assert head.probability == probability
    facts = {
        "head": head.record() | {"probability": probability},
        "boxes": {
            **{"threshold": 0.25, "threshold_of_scores": 0.0, "overlap": 0.5, "most": 100},
            "grid": levels(),
        },
        **{"size": list(SIZE), "labels": LABELS, "name": "m.onnx"},
    }
    return head, facts


FOUND = """
const [score, numbers, facts, at] = args;
const { foundBoxes, pull } = await load("boxes");
const found = foundBoxes(score, numbers, facts, at);
const pulled = found.boxes.map((box) => pull(box, found.scores, found.background));
return { boxes: found.boxes, below: found.below, pulled };
"""
CASES = [
    ("pixels", 1, "sigmoid", None),
    ("parts", 2, "sigmoid", None),
    ("corners", 2, "softmax", 0),
    ("offsets", 1, "sigmoid", None),
    ("pixels", 2, "", None),
]


@pytest.mark.parametrize("case", CASES, ids=lambda row: "-".join(map(str, row)))
@pytest.mark.parametrize("shift", [0.0, -9.0], ids=["several", "none is likely"])
def test_boxes_are_those_of_explain(case: Any, shift: float, node: Call) -> None:
    kind, axis, probability, background = case
    rng = np.random.default_rng(7)
    assert find_grid(ANCHORS, SIZE) is not None
    head, facts = asked(kind, axis, probability, background)
    y = (rng.normal(size=(1, 3, ANCHORS)) * 2 + shift).astype(np.float32)
    numbers = KINDS[kind](rng, ANCHORS).T[None].astype(np.float32)
    if axis == 2:
        y = np.swapaxes(y, 1, 2)
    else:
        numbers = np.swapaxes(numbers, 1, 2)
    at = place((128, 160), SIZE, "letterbox")
    seen = Seen(y, {"boxes": numbers}, Asking(LABELS, axis, head), SIZE, {}, placement=at)
    expected = _expected(seen)
    given = [{"data": a, "dims": a.shape} for a in (np.ascontiguousarray(y), numbers.copy())]
    found = node.body(FOUND, *given, facts, _placed(at))
    assert len(found["boxes"]) == len(expected)
    for box, pulled, target in zip(found["boxes"], found["pulled"], expected, strict=True):
        (facts_,) = target.detail
        assert (box["which"], box["anchor"]) == (facts_["box"]["class"], facts_["box"]["anchor"])
        # corners are told to hundredths of a pixel
        np.testing.assert_allclose(box["corners"], facts_["box"]["corners"], atol=0.011)
        np.testing.assert_allclose(pulled["score"], target.score(y)[0], rtol=1e-6)
        cotangent = np.reshape(pulled["cotangent"]["data"], y.shape)
        np.testing.assert_array_equal(cotangent, target(y))
    doubts = expected[0].doubts
    assert found["below"] == (doubts[0] if doubts else "")


def _expected(seen: Seen) -> Any:
    """All boxes, or the best there is."""
    from cam_core.errors import NothingFoundError

    try:
        return BoxTarget(every=True, asked="box:all").found_in(seen)
    except NothingFoundError:
        return BoxTarget(lenient=True).found_in(seen)


def _placed(at: Any) -> dict[str, Any]:
    return {name: getattr(at, name) for name in ("photo", "size", "box", "inner", "corner")}


REGIONS = """
const [score, facts, which] = args;
const { regionsOf } = await load("regions");
const found = regionsOf(score, facts);
return { ...found, pulled: found.pull(which), mask: found.mask(which) };
"""


@pytest.mark.parametrize("labels", [None, ["background", "cat", "dog", "owl"]])
@pytest.mark.parametrize("axis", [1, 3])
@pytest.mark.parametrize("probability", ["", "sigmoid"])
def test_regions_are_those_of_explain(
    labels: list[str] | None, axis: int, probability: str, node: Call, rng: np.random.Generator
) -> None:
    y = rng.normal(size=(1, 4, 5, 6)).astype(np.float32)
    y[:, 0] += 1
    y = np.ascontiguousarray(np.moveaxis(y, 1, axis))
    head = {"class_axis": axis, "probability": probability}
    given = {"data": y, "dims": y.shape}, {"head": head, "labels": labels}
    each = probability == "sigmoid"
    known = Head("y", "dense classes", "", "y", axis, "Sigmoid" if each else "")
    seen = Seen(y, {}, Asking(labels, axis, known))
    (usual,) = LargestRegionTarget(axis, each).found_in(seen)
    for which in range(4):
        found = node.body(REGIONS, *given, which)
        target = RegionTarget(which, axis, each)
        assert [found["usual"]] == usual.classes(y).tolist()
        np.testing.assert_allclose(
            np.reshape(found["pulled"]["cotangent"]["data"], y.shape), target(y), rtol=1e-6
        )
        np.testing.assert_allclose(found["pulled"]["score"], target.score(y)[0], rtol=1e-5)
        won = np.squeeze(target.won(y), axis)[0]
        np.testing.assert_array_equal(np.reshape(found["mask"], won.shape), won)
        shares = {one["which"]: one["share"] for one in found["regions"]}
        assert shares.get(which, 0) == pytest.approx(won.mean())
