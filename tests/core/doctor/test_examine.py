"""Planted mismatches of each kind are named, and none where there is none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cam_core.doctor import RANGES, against, alone, colours
from cam_core.doctor.candidates import Candidate, same
from cam_core.doctor.examine import consistency, correlation, scores_of, views_of
from cam_core.errors import InputError
from cam_core.head import Head
from cam_core.image import Preprocess
from tests.core.doctor.planted import INFO, Model, feeding, scenes

SEED = 3
MEAN, STD = np.array(RANGES["ImageNet"][0]), np.array(RANGES["ImageNet"][1])
UNIT: dict[str, Any] = {"scale": 1 / 255}
IMAGENET: dict[str, Any] = {"mean": tuple(MEAN), "std": tuple(STD), "scale": 1 / 255}


def named(right: dict[str, Any], used: dict[str, Any], rng: np.random.Generator) -> list[Candidate]:
    """What is named where a model that wants `right` is fed `used`."""
    photos = scenes(rng)
    model = Model(SEED)
    reference = scores_of(model, feeding(**right), photos)  # type: ignore[arg-type]
    assert reference is not None
    found = against(model, feeding(**used), photos, reference)  # type: ignore[arg-type]
    return [found.candidates[i] for i in found.verdict.named]


MISMATCHES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "swapped channels": ({"bgr": True, **UNIT}, UNIT),
    "0-255 for 0-1": (UNIT, {}),
    "0-1 for 0-255": ({}, UNIT),
    "ImageNet's numbers left out": (IMAGENET, UNIT),
    "ImageNet's numbers for CLIP's": (
        {"mean": RANGES["CLIP"][0], "std": RANGES["CLIP"][1], "scale": 1 / 255},
        UNIT,
    ),
    "-1..1 for 0-1": ({"mean": (1.0,), "scale": 1 / 127.5}, UNIT),
    "stretched for letterboxed": ({**UNIT, "fit": "letterbox"}, UNIT),
    "cut out for stretched": (UNIT, {**UNIT, "fit": "crop"}),
    "laid into the corner": ({**UNIT, "fit": "corner"}, {**UNIT, "fit": "letterbox"}),
}


@pytest.mark.parametrize("mismatch", MISMATCHES)
def test_a_mismatch_is_named(mismatch: str, rng: np.random.Generator) -> None:
    right, used = MISMATCHES[mismatch]
    found = named(right, used, rng)
    assert any(same(one, feeding(**right)) for one in found)
    assert len(found) == 1


@pytest.mark.parametrize("right", [UNIT, IMAGENET, {"bgr": True, "fit": "letterbox"}])
def test_none_is_named_where_there_is_none(right: dict[str, Any], rng: np.random.Generator) -> None:
    assert named(right, right, rng) == []


def test_none_is_named_where_none_helps(rng: np.random.Generator) -> None:
    """Another network: no way of feeding makes it the same."""
    photos = scenes(rng)
    reference = scores_of(Model(SEED + 1), feeding(**UNIT), photos)  # type: ignore[arg-type]
    assert reference is not None
    found = against(Model(SEED), feeding(**UNIT), photos, reference)  # type: ignore[arg-type]
    assert not found.verdict.enough
    assert found.verdict.named == ()


def test_a_reshape_for_a_transpose_is_named(rng: np.random.Generator) -> None:
    """The reference was fed numbers in the order of [H, W, C]."""
    photos = scenes(rng)
    hwc = lambda x: x.transpose(0, 2, 3, 1).reshape(x.shape)  # noqa: E731
    reference = scores_of(Model(SEED, hwc), feeding(**UNIT), photos)  # type: ignore[arg-type]
    assert reference is not None
    found = against(Model(SEED), feeding(**UNIT), photos, reference)  # type: ignore[arg-type]
    (best,) = (found.candidates[i] for i in found.verdict.named)
    assert best.reshaped


def test_scores_of_other_shapes(rng: np.random.Generator) -> None:
    reference = [np.zeros((1, 7))] * 6
    with pytest.raises(InputError, match=r"the models score \[1, 5\] and \[1, 7\]"):
        against(Model(SEED), feeding(**UNIT), scenes(rng), reference)  # type: ignore[arg-type]


class Sure:
    """A classifier of colours in 0..1: of red, green or blue, whichever is most."""

    class_axis = 1

    def heads(self) -> list[Head]:
        return [Head("y", "classes", "planted", "y", class_axis=1, activation="Softmax")]

    def look(self, x: Any, layers: Any = ()) -> Any:
        m = np.asarray(x, np.float64).mean((2, 3))
        inside = np.exp(-np.sum(np.clip(np.abs(m - 0.5) - 0.5, 0, None)))  # out of range: a guess

        class Found:
            score = 30 * (m - m.mean()) * inside

        return Found()


def test_alone_the_range_is_named(rng: np.random.Generator) -> None:
    """Fed 0..255 it always guesses; the order of the channels cannot be told, and is not."""
    colours_ = [(200, 40, 30), (20, 180, 40), (30, 60, 220), (220, 30, 60), (10, 210, 90)]
    photos = [np.full((30, 40, 3), c, np.uint8) for c in colours_]
    found = alone(Sure(), feeding(), photos)  # type: ignore[arg-type]
    best = [found.candidates[i] for i in found.verdict.named]
    assert best
    assert all(abs(one.spec.scale - 1 / 255) < 1e-9 for one in best[:1])
    assert {one.spec.bgr for one in best} == {False, True}


def test_alone_nothing_is_named_where_it_is_right(rng: np.random.Generator) -> None:
    photos = [
        np.full((30, 40, 3), c, np.uint8) for c in [(200, 40, 30), (20, 180, 40), (9, 60, 220)]
    ]
    found = alone(Sure(), feeding(**UNIT), photos)  # type: ignore[arg-type]
    assert found.verdict.enough
    assert found.verdict.named == ()


def test_alone_one_photo_is_too_few() -> None:
    with pytest.raises(InputError, match="one photo does not tell"):
        alone(Sure(), feeding(), [np.zeros((9, 9, 3), np.uint8)])  # type: ignore[arg-type]


def test_consistency_against_loops(rng: np.random.Generator) -> None:
    p = rng.dirichlet(np.ones(4), size=(3, 2))
    for i in range(3):
        within = [p[i, v] @ p[i, w] for v in range(2) for w in range(2) if v != w]
        between = [
            p[i, v] @ p[j, w] for v in range(2) for w in range(2) for j in range(3) if j != i
        ]
        assert consistency(p)[i] == pytest.approx(np.mean(within) - np.mean(between))


def test_consistency_of_the_extremes() -> None:
    sure = np.repeat(np.eye(3)[:, None], 4, axis=1)
    np.testing.assert_allclose(consistency(sure), 1)
    np.testing.assert_allclose(consistency(np.repeat(sure[:1], 3, axis=0)), 0)  # one for all
    np.testing.assert_allclose(consistency(np.full((3, 4, 3), 1 / 3)), 0, atol=1e-12)  # a guess
    np.testing.assert_allclose(consistency(np.full((3, 4, 3), np.nan)), 0)


def test_correlation(rng: np.random.Generator) -> None:
    a, b = rng.normal(size=(2, 50))
    assert correlation(a, b) == pytest.approx(np.corrcoef(a, b)[0, 1])
    assert correlation(a, np.ones(50)) == 0
    assert correlation(a, np.full(50, np.inf)) == 0


def test_views(rng: np.random.Generator) -> None:
    photo = rng.integers(0, 255, (50, 100, 3)).astype(np.uint8)
    found = views_of(photo)
    assert [v.shape for v in found] == [(50, 100, 3), (50, 100, 3), (47, 94, 3), (47, 94, 3)]
    np.testing.assert_array_equal(found[1][:, 0], photo[:, -1])
    np.testing.assert_array_equal(found[2][0, 0], photo[3, 6])
    np.testing.assert_array_equal(found[3][0, 0], photo[0, 0])


def test_what_is_tried() -> None:
    """The doctor tries 13 ways, and 4 or 5 of fitting the photo to the input."""
    assert len(colours(Preprocess(), INFO)) == 12
    assert len(colours(Preprocess(), INFO, reshaped=True)) == 13
