"""What a model says and where it looks, by the formula of a linear model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cam_core.audit.measure import looking
from cam_core.audit.measure.looking import look_at_both, look_at_one
from cam_core.compare.photos import Photo
from cam_core.compare.run import bring_together
from cam_core.compare.sides import Sides
from cam_core.maps.channels import sketch
from tests.core.audit.tiny import SIZE, W, model
from tests.core.linear import LABELS


def sides() -> Sides:
    x = np.zeros((1, 3, *SIZE), np.float32)
    return bring_together(model(), model(0.01), (x, x), labels=(LABELS, LABELS))


def some(count: int = 3) -> list[Photo]:
    rng = np.random.default_rng(4)
    rows = [rng.random((1, 3, *SIZE)).astype(np.float32) for _ in range(count)]
    for i, row in enumerate(rows):
        row[:, i] += 1
    return [Photo(str(i), row, row, index=i) for i, row in enumerate(rows)]


def by_hand(x: Any, W: Any = W) -> tuple[int, float, Any]:
    """The answer, its score, and sum_k alpha_k A^k with alpha_k = W_ck / (H W)."""
    y = W @ x[0].astype(np.float64).mean(axis=(1, 2))
    c = int(y.argmax())
    return c, y[c], np.tensordot(W[c], x[0].astype(np.float64), 1) / (SIZE[0] * SIZE[1])


@pytest.mark.parametrize("both", [False, True])
def test_answers_and_maps_are_those_of_the_formula(both: bool) -> None:
    photos = some()
    known = replace(sides(), channelled=True)
    found = look_at_both(known, photos)[0] if both else look_at_one(known, photos)
    assert not isinstance(found, str)
    for photo, one in zip(photos, found, strict=True):
        c, score, signed = by_hand(photo.a)
        assert not isinstance(one, str)
        assert one.answer is not None
        assert (one.answer.index, one.answer.label, one.target) == (c, LABELS[c], LABELS[c])
        assert (one.about, one.about_label) == (c, LABELS[c])
        np.testing.assert_allclose([one.answer.score, one.score], score, rtol=1e-6)  # float32
        np.testing.assert_allclose(one.seen.signed, signed, rtol=1e-5, atol=1e-7)  # float32
        assert one.seen.raw_max == pytest.approx(signed.max(), rel=1e-6)
        hot = np.maximum(signed, 0) / np.maximum(signed, 0).sum()
        added = W[c] * (hot * photo.a[0]).sum(axis=(1, 2))
        assert one.seen.channels is not None
        np.testing.assert_allclose(one.seen.channels, sketch(added[None])[0], rtol=1e-4, atol=1e-5)
        assert np.isnan(one.confidence)  # it ends in its logits


def test_a_class_that_is_asked_for_is_not_the_answer() -> None:
    one, *_ = look_at_one(replace(sides(), target="cat"), some())
    assert not isinstance(one, str)
    assert one.answer is not None
    assert (one.answer.label, one.about_label) == ("ant", "cat")


def test_bounds_are_measured_where_they_are_asked_for() -> None:
    photos = [replace(photo, noisy=lambda x=photo.a: x + 0.001) for photo in some(1)]
    _, (plain,), _ = look_at_both(sides(), photos)
    _, (bounded,), _ = look_at_both(sides(), photos, bounded=True)
    assert plain.bounds == {}
    assert bounded.bounds["noise"] > 0.99
    assert {"another class", "second class"} <= set(bounded.bounds)


def test_weights_are_shuffled_where_other_classes_tell_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    photos = [replace(photo, noisy=lambda x=photo.a: x + 0.001) for photo in some(1)]
    monkeypatch.setattr(looking, "far_off", lambda pairs: ("another class", 0.1))
    _, (plain,), _ = look_at_both(sides(), photos, bounded=True)
    monkeypatch.setattr(looking, "far_off", lambda pairs: None)
    _, (shuffled,), _ = look_at_both(sides(), photos, bounded=True)
    assert shuffled.bounds.keys() - plain.bounds.keys() == {"shuffled weights"}
    assert plain.bounds.items() <= shuffled.bounds.items()
