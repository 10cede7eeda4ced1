"""A detector's gradients scale by scale: those of the whole model, by as few runs as it takes."""

from __future__ import annotations

import numpy as np
import pytest

from backends.onnx import OnnxBackend
from backends.onnx.capturing.by_scale import ByScale
from backends.onnx.capturing.sessions import Passes
from backends.onnx.capturing.windows import entries
from backends.onnx.rules import VJP_RULES
from backends.onnx.running.ort_values import array_of
from cam_core.captures import pulled
from cam_core.errors import UnsupportedOpError
from cam_core.targets import AnchorTarget
from tests.differences import assert_near
from tests.gradients import gradients, recognised
from tests.scaled_detector import FINE, LAYERS, instead, scaled_detector
from tests.sessions import open_session

APART = instead("(nf, w4)", "(fine, w4)")
"""The fine layer feeds the coarse one no more."""


class Counting:
    """A session that tells when it runs."""

    def __init__(self, told: list, model) -> None:
        self._told, self._session = told, open_session(model)
        self._name = " ".join(i.name for i in self._session.get_inputs() if i.name in LAYERS)
        self._size = self._session.get_inputs()[0].shape[-1]

    def run(self, *given):
        self._told.append((self._name, self._size))
        return self._session.run(*given)

    def __getattr__(self, name):
        return getattr(self._session, name)


def picture(rows: int = 1) -> np.ndarray:
    return np.random.default_rng(7).normal(size=(rows, 3, 32, 32)).astype(np.float32)


def one(anchor: int, index: int, rows: int = 1) -> np.ndarray:
    found = np.zeros((rows, 80, 3), np.float32)
    found[:, anchor, index] = 1
    return found


def found(backend: OnnxBackend, x: np.ndarray, cot: np.ndarray) -> dict[str, np.ndarray]:
    look = backend.look(x, layers=LAYERS)
    return {c.layer: c.gradients for c in pulled(look, lambda y, outputs: cot)}


ANCHORS = [0, 7, 27, 63, 64, 67, 74, 79]


@pytest.mark.parametrize("edit", [str, APART], ids=["linked", "apart"])
@pytest.mark.parametrize("anchor", ANCHORS)
def test_of_one_anchor_they_are_those_of_the_whole_model(edit, anchor) -> None:
    """Back through all of it, the way that rules are held against finite differences."""
    model, x, cot = scaled_detector(edit=edit), picture(), one(anchor, anchor % 3)
    backend = OnnxBackend(model, score="=y")
    got = found(backend, x, cot)
    (passes,) = backend._passes.values()
    assert isinstance(passes, ByScale)
    expected = gradients(recognised(model), {"x": x}, cot, LAYERS)
    for layer in LAYERS:
        if np.any(expected[layer]):
            assert_near(got[layer], expected[layer], layer, rtol=1e-5)
        else:
            assert not np.any(got[layer])


@pytest.mark.parametrize("rows", [1, 2])
def test_of_any_cotangent_they_are_those_of_the_whole_model(rows) -> None:
    """Of all anchors, of two of different scales, and of none."""
    rng, model, x = np.random.default_rng(0), scaled_detector("N"), picture(rows)
    backend = OnnxBackend(model, score="=y")
    several = [rng.normal(size=(rows, 80, 3)), one(3, 0, rows) - 2 * one(70, 1, rows)]
    for cot in (each.astype(np.float32) for each in several):
        got = found(backend, x, cot)
        expected = gradients(recognised(model), {"x": x}, cot, LAYERS)
        for layer in LAYERS:
            assert_near(got[layer], expected[layer], layer, rtol=1e-5)
    none = found(backend, x, np.zeros((rows, 80, 3), np.float32))
    assert not any(np.any(G) for G in none.values())
    assert [G.shape for G in none.values()] == [(rows, 6, 8, 8), (rows, 6, 4, 4)]


def test_rows_of_their_own_in_a_model_for_one() -> None:
    """Two pictures, one after the other, each with an anchor of its own."""
    backend, x = OnnxBackend(scaled_detector(), score="=y"), picture(2)
    cot = np.concatenate([one(5, 1), one(78, 2)])
    got = found(backend, x, cot)
    for row in range(2):
        alone = found(backend, x[row : row + 1], cot[row : row + 1])
        for layer in LAYERS:
            np.testing.assert_array_equal(got[layer][row : row + 1], alone[layer])


def test_a_target_that_names_few_numbers_is_not_asked_for_all(monkeypatch) -> None:
    """And its gradients are the same, row by row."""
    backend, x = OnnxBackend(scaled_detector(), score="=y"), picture(2)
    target = AnchorTarget((1, 2), (5, 78), 2)
    expected = found(backend, x, target(np.zeros((2, 80, 3), np.float32)))
    monkeypatch.setattr(AnchorTarget, "__call__", None)
    got = {c.layer: c.gradients for c in pulled(backend.look(x, layers=LAYERS), target)}
    for layer in LAYERS:
        np.testing.assert_array_equal(got[layer], expected[layer])


def test_a_scale_that_a_box_is_not_of_takes_no_memory() -> None:
    backend = OnnxBackend(scaled_detector(edit=APART), score="=y")
    got = found(backend, picture(), one(FINE, 0))
    assert not any(got["nf"].strides)
    assert np.any(got["nc"])


def two_ends(text: str) -> str:
    """Objectness and classes reach the joined tensor each for itself; the fine one is 0."""
    for scale, more in (("f", "lf = Add(of, low)"), ("c", "lc = Identity(oc)")):
        text = instead(
            f"both{scale} = Concat<axis = 1>(o{scale}, c{scale}) p{scale} = Sigmoid(both{scale})",
            f"{more} po{scale} = Sigmoid(l{scale}) pc{scale} = Sigmoid(c{scale})",
        )(text)
        text = instead(
            f"flat{scale} = Reshape(p{scale}, four)",
            f"fo{scale} = Reshape(po{scale}, lone) fc{scale} = Reshape(pc{scale}, three)"
            f" flat{scale} = Concat<axis = 1>(fo{scale}, fc{scale})",
        )(text)
    more = "int64[3] lone = {0, 1, -1}, int64[3] three = {0, 3, -1}, float[1] low = {-200.0}"
    text = instead("kl = Log(kinds) ol = Log(objects) y = Add(kl, ol)", "y = Mul(kinds, objects)")(
        text
    )
    return instead("int64[1] zero", f"{more}, int64[1] zero")(text)


def test_an_end_may_get_nothing() -> None:
    """The class, beside an objectness of 0."""
    model, x, cot = scaled_detector(edit=two_ends), picture(), one(5, 1) + 2 * one(70, 2)
    backend = OnnxBackend(model, score="=y")
    got = found(backend, x, cot)
    (passes,) = backend._passes.values()
    assert isinstance(passes, ByScale)
    assert [len(scale.ends) for scale in passes.plan.joint.scales] == [2, 2]
    expected = gradients(recognised(model), {"x": x}, cot, LAYERS)
    for layer in LAYERS:
        assert_near(got[layer], expected[layer], layer, rtol=1e-5)


RUNS = {
    "a fine anchor": (str, FINE - 1, [("", 1), ("nf", 5)]),
    "a coarse anchor, whose layer the fine one feeds": (
        str, FINE, [("", 1), ("nc", 4), ("nf", 8)],
    ),
    "a coarse anchor on its own": (APART, FINE, [("", 1), ("nc", 4)]),
}  # fmt: skip


@pytest.mark.parametrize(("edit", "anchor", "expected"), RUNS.values(), ids=RUNS)
def test_what_runs_for_an_anchor(edit, anchor, expected) -> None:
    """One anchor of the tail, then the heads of its scale: 5 x 5 cells of 8 x 8, or all 4 x 4."""
    told: list = []
    backend = OnnxBackend(scaled_detector(edit=edit), score="=y")
    backend.look(picture(), layers=LAYERS)
    (passes,) = backend._passes.values()
    fresh = ByScale(passes.plan, *[lambda model: Counting(told, model)] * 2)
    kept = fresh.forward([{"x": picture()}])
    fresh.backward(kept, one(anchor, 0))
    told.clear()
    fresh.backward(kept, one(anchor, 1))
    assert told == expected


def test_anchors_together_are_what_each_is_alone() -> None:
    """Four of the fine scale, of which one is not near a border, and two of the coarse one."""
    look = OnnxBackend(scaled_detector(), score="=y").look(picture(), layers=LAYERS)
    targets = [AnchorTarget(i % 3, anchor, 2) for i, anchor in enumerate([0, 7, 27, 63, 64, 79])]
    found = look.pull_first(targets)
    assert len(found) == 6
    for target, together in zip(targets, found, strict=True):
        alone = look.pull(target)
        assert together.within == alone.within
        for layer in LAYERS:
            # sums in another order where another kernel runs
            if np.any(alone.layers[layer]):
                assert_near(together.layers[layer], alone.layers[layer], layer, rtol=1e-6)
            else:
                assert not np.any(together.layers[layer])


def test_what_runs_for_anchors_of_one_scale() -> None:
    told: list = []
    backend = OnnxBackend(scaled_detector(), score="=y")
    backend.look(picture(), layers=LAYERS)
    (passes,) = backend._passes.values()
    fresh = ByScale(passes.plan, *[lambda model: Counting(told, model)] * 2)
    kept = fresh.forward([{"x": picture()}])
    several = [entries(one(anchor, 0)) for anchor in (0, 7, 27, 63)]
    fresh.backward_all(kept, several)
    told.clear()
    fresh.backward_all(kept, several)
    assert told == [("", 1), ("nf", 5)]


def test_where_a_gradient_is_is_told() -> None:
    """Outside it is 0; of a layer that feeds another one it may be anywhere."""
    look = OnnxBackend(scaled_detector(), score="=y").look(picture(), layers=LAYERS)
    seen = {c.layer: c for c in pulled(look, AnchorTarget(1, 27, 2))}
    fine, row, column = seen["nf"], 27 // 8, 27 % 8
    assert fine.within == (slice(row - 2, row + 3), slice(column - 2, column + 3))
    assert fine.lit.shape == (1, 6, 5, 5)
    outside = fine.gradients.copy()
    outside[:, :, row - 2 : row + 3, column - 2 : column + 3] = 0
    assert np.any(fine.lit)
    assert not np.any(outside)
    assert pulled(look, AnchorTarget(1, FINE, 2))[0].within is None


def test_the_forward_keeps_no_residuals() -> None:
    """Beside the model's own: the layers, what joins them, and what the link reads."""
    backend = OnnxBackend(scaled_detector(), score="=y")
    backend.look(picture(), layers=LAYERS)
    (passes,) = backend._passes.values()
    assert set(passes.plan.fetched) == {"y", *LAYERS, "joined", "coarse"}


OTHERS = {
    "one layer": ({"layers": ["nf"]}, str),
    "the gradients of inputs": ({"layers": LAYERS, "inputs": ["x"]}, str),
    "two layers on one way": ({"layers": ["fine", "nf"]}, str),
    "no joined tensor": (
        {"layers": LAYERS},
        instead("y = Add(kl, ol)", "m = ReduceMean(nf) u = Add(kl, ol) y = Add(u, m)"),
    ),
}


@pytest.mark.parametrize(("asked", "edit"), OTHERS.values(), ids=OTHERS)
def test_all_else_is_one_way_back(asked, edit) -> None:
    backend = OnnxBackend(scaled_detector(edit=edit), score="=y")
    backend.look(picture(), **asked)
    (passes,) = backend._passes.values()
    assert isinstance(passes, Passes)


def test_an_operator_without_a_derivative_is_named_as_ever(monkeypatch) -> None:
    """Between the layers: the whole way back says where, and what to do."""
    monkeypatch.delitem(VJP_RULES, ("", "Exp"))
    edit = instead("d2 = Tanh(d1)", "d2 = Exp(d1)")
    backend = OnnxBackend(scaled_detector(edit=edit), score="=y")
    look = backend.look(picture(), layers=LAYERS)
    with pytest.raises(UnsupportedOpError, match=r"Exp.*between layer 'nf' and score 'y'"):
        look.pull(lambda y, outputs: one(0, 0))


def test_of_the_input_a_look_holds_what_is_read_only() -> None:
    """All else is copied: the tails read it after the caller has written to it."""
    backend, own = OnnxBackend(scaled_detector(), score="=y"), picture()
    fixed = picture()
    fixed.flags.writeable = False
    view = own.view()
    view.flags.writeable = False
    for x, shared in ((own, False), (fixed, True), (view, True)):
        kept = backend.look(x, layers=LAYERS)._kept[0]["x"]
        assert np.shares_memory(array_of(kept), x) is shared
