"""Each target's cotangent is the derivative of its score, whatever the score's shape and type."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.errors import TargetError
from cam_core.head import BoxNumbers, Head
from cam_core.targets import (
    TARGETS,
    AgainstTarget,
    AnchorTarget,
    Asking,
    AwaitingTarget,
    CaptionTarget,
    CellsTarget,
    ClassTarget,
    ContrastTarget,
    CotangentTarget,
    EdgeTarget,
    FinerTarget,
    KeypointTarget,
    LossTarget,
    MaskTarget,
    NormTarget,
    OutTarget,
    ProbabilityTarget,
    RegionTarget,
    RestTarget,
    ScoredTarget,
    SimilarTarget,
    StepsTarget,
    TextTarget,
    TopTarget,
    ValueTarget,
    as_target,
)
from cam_core.targets.detection.meaning import read_as
from cam_core.targets.detection.own_maps import OwnMapTarget

ASKING = Asking(head=Head("y", "boxes", "", "y", 1, "Sigmoid", BoxNumbers("b", 1)))
ANY = Asking()
CENTRED = read_as(np.array([[[30.0, 30, 8, 4]]] * 2), (64, 64))
MEANS = np.arange(6.0).reshape(2, 3)
# target, shape of the score; two rows, six classes
CASES = [
    (ClassTarget(3), (2, 6)),
    (ClassTarget(-1), (2, 6)),
    (ClassTarget((2, -1)), (2, 6)),
    (ClassTarget(0), (2,)),
    (ClassTarget(3), (2, 6, 1, 1)),
    (ClassTarget(3), (2, 6, 3, 2)),
    (ClassTarget((3, 1), class_axis=-1), (2, 3, 2, 6)),
    (ClassTarget(3, mask=np.array([[0, 1, 2], [1, 0, 0.5]])), (2, 6, 2, 3)),
    (ClassTarget(3, class_axis=-1, mask=np.array([[0, 1], [1, 3]])), (2, 2, 6)),
    (TopTarget(1), (2, 6)),
    (TopTarget(3), (2, 6)),
    (TopTarget(2, class_axis=-1), (2, 4, 6)),
    (ContrastTarget(1, 4), (2, 6)),
    (ContrastTarget(1, 4, class_axis=-1), (2, 4, 6)),
    (ProbabilityTarget(2, how="softmax"), (2, 6)),
    (ProbabilityTarget(how="softmax"), (2, 6)),
    (ProbabilityTarget((5, 0), class_axis=-1, how="softmax"), (2, 3, 6)),
    (ProbabilityTarget(4, how="sigmoid"), (2, 6)),
    (ProbabilityTarget((5, 0), class_axis=-1, how="sigmoid"), (2, 3, 6)),
    (ProbabilityTarget(1, class_axis=-1, how="exp"), (2, 3, 6)),
    (ProbabilityTarget(0, how="sigmoid"), (2, 1)),
    (ProbabilityTarget(0, how="sigmoid"), (2,)),
    (AnchorTarget(3, 2), (2, 6, 4)),
    (AnchorTarget((3, 1), (2, 0), -1, 0), (2, 4, 6)),
    (StepsTarget((((0, 2), (3, 5)),)), (2, 4, 6)),
    (StepsTarget((((0, 2),), ((3, 5), (3, 1))), class_axis=1), (2, 6, 4)),
    (AgainstTarget(ClassTarget(3)), (2, 6)),
    (AgainstTarget(ProbabilityTarget(2, how="softmax")), (2, 6)),
    (LossTarget(2), (2, 6)),
    (LossTarget(-1, class_axis=-1), (2, 4, 6)),
    (LossTarget(2, how="sigmoid"), (2, 6)),
    (LossTarget(0, how="sigmoid", absent=True), (2, 1)),
    (LossTarget(0, how="sigmoid"), (2,)),
    (RestTarget(2), (2, 6)),
    (RestTarget((0, -1), class_axis=-1), (2, 4, 6)),
    (FinerTarget(2), (2, 6)),
    (FinerTarget(-1, alpha=0.6), (2, 6)),
    (FinerTarget(1), (2, 2)),
    (FinerTarget((0, 4), class_axis=-1), (2, 4, 6)),
    (ValueTarget(3), (2, 6)),
    (ValueTarget(-1), (2, 1)),
    (ValueTarget(), (2,)),
    (NormTarget(), (2, 6)),
    (NormTarget(), (2, 6, 3)),
    (NormTarget(), (2,)),
    (CaptionTarget(2), (2, 6)),
    (OutTarget("y", (3,)), (2, 6)),
    (OutTarget("y", (slice(1, 3), 0)), (2, 6, 3)),
    (OutTarget("y"), (2, 1)),
    (EdgeTarget("w", "y", ((0, slice(0, 4)), (1, slice(2, 6))), CENTRED), (2, 6)),
    (KeypointTarget("y", ((0, 3), (1, 0)), False), (2, 6)),
    (MaskTarget("y", MEANS, MEANS, ((0, slice(0, 3)), (1, slice(2, 5)))), (2, 6)),
    (OwnMapTarget("y", ((0, 1), (1, 0)), np.arange(8.0).reshape(2, 2, 2), False), (2, 3, 2, 2)),
    (MaskTarget("y", MEANS, MEANS, shares=np.arange(8.0).reshape(2, 2, 2)), (2, 3, 2, 2)),
    (SimilarTarget(np.arange(6.0)), (2, 6)),
    (SimilarTarget(np.arange(12.0).reshape(2, 6), away=True), (2, 6)),
    (SimilarTarget(np.arange(12.0).reshape(1, 6, 2)), (2, 6, 2)),
    (CellsTarget(3, np.array([[0, 0.5, 0.5]])), (2, 6, 3)),
    (CellsTarget((3, 1), np.array([[[0, 1], [2, 0]], [[1, 0], [0, 0]]]), -1), (2, 2, 2, 6)),
    (CellsTarget(None, np.array([[[0, 1, 2], [1, 0, 0.5]]])), (2, 2, 3)),
    (RegionTarget(3), (2, 4, 5, 6)),
    (RegionTarget((3, 1), -1), (2, 7, 4)),
    (RegionTarget((3, 1), each=True), (2, 4, 5, 6)),
    (RegionTarget(0), (2, 1, 5, 6)),
    (TextTarget(((1, 1, 4),)), (2, 6, 9)),
    (TextTarget(((1, 2), (0, 3, 3)), 5, -1), (2, 7, 6)),
    (CotangentTarget(np.arange(12.0).reshape(2, 6)), (2, 6)),
    (CotangentTarget(np.arange(6.0).reshape(1, 6)), (2, 6)),
]
IDS = [f"{type(t).__name__}({t.label})-{'x'.join(map(str, s))}" for t, s in CASES]


def test_every_target_has_cases() -> None:
    """Those that wait for what a model finds have none: what they turn out to be has."""
    own = [c for c in ScoredTarget.__subclasses__() if c.__module__.startswith("cam_core.")]
    assert {type(target) for target, _ in CASES} == {*own} - {AwaitingTarget}
    boxes = [
        TARGETS["box"].read("top:3", ASKING),
        TARGETS["box"].read("person@1,2", Asking(["person"], 1, ASKING.head)),
    ]
    read = [t for kind in TARGETS.values() for t in kind.read(kind.written, ANY) or ()]
    read += [target for found in boxes for target in found or ()]
    assert {type(target) for target in read if not isinstance(target, AwaitingTarget)} <= {*own}


@pytest.mark.parametrize(("target", "shape"), CASES, ids=IDS)
def test_cotangent_is_the_slope_of_the_score(target, shape, rng) -> None:
    logits, direction = rng.normal(size=(2, *shape))
    step = 1e-5
    slope = (target.score(logits + step * direction) - target.score(logits - step * direction)) / (
        2 * step
    )
    cotangent = target(logits)
    assert cotangent.shape == logits.shape
    claimed = (cotangent * direction).reshape(2, -1).sum(axis=1)
    np.testing.assert_allclose(claimed, slope, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(("target", "shape"), CASES, ids=IDS)
def test_cotangent_has_the_scores_dtype(target, shape, rng) -> None:
    assert target(rng.normal(size=shape).astype(np.float16)).dtype == np.float16


LINEAR = [(target, shape) for target, shape in CASES if target.linear]


def test_several_kinds_are_linear() -> None:
    assert {type(target) for target, _ in LINEAR} == {ClassTarget, ContrastTarget, ValueTarget}


@pytest.mark.parametrize(("target", "shape"), LINEAR)
def test_a_linear_score_is_its_slope_times_y(target, shape, rng) -> None:
    """Of the classes that are its at one y, at any other."""
    first, other = rng.normal(size=(2, *shape))
    held = target.held(first)
    np.testing.assert_array_equal(held(other), held(first))
    products = (held(first) * other).reshape(len(other), -1).sum(axis=1)
    np.testing.assert_allclose(held.score(other), products)


Y = np.array([[1.0, 5, 2, 4], [7, 0, 8, 3]])

SCORES = [  # target, y, Y, class of each row
    (ClassTarget(2), Y, [2, 8], [2, 2]),
    (ClassTarget(-1), Y, [5, 8], [1, 2]),
    (ClassTarget((0, -1)), Y, [1, 8], [0, 2]),
    (TopTarget(2), Y, [4, 7], [3, 0]),
    (ContrastTarget(0, 3), Y, [-3, 4], [0, 0]),
    (ProbabilityTarget(1, how="softmax"), np.zeros((2, 4)), [0.25, 0.25], [1, 1]),
    (ProbabilityTarget(1, how="sigmoid"), np.zeros((2, 4)), [0.5, 0.5], [1, 1]),
    (ClassTarget(-1), np.stack([Y, 10 - 2 * Y], axis=2), [9, 10], [0, 1]),
]


@pytest.mark.parametrize(("target", "y", "score", "classes"), SCORES)
def test_score_and_classes(target, y, score, classes) -> None:
    np.testing.assert_allclose(target.score(y), score)
    assert target.classes(y).dtype == np.int64
    np.testing.assert_array_equal(target.classes(y), classes)


def test_saturated_probability_keeps_its_gradient() -> None:
    """p = 1 in float32, yet 1 - p = e^-40 is what the other class has."""
    y = np.array([[40.0, 0.0]], np.float32)
    of_softmax = ProbabilityTarget(0, how="softmax")(y)
    np.testing.assert_allclose(of_softmax, [[np.exp(-40), -np.exp(-40)]], rtol=1e-6)
    of_sigmoid = ProbabilityTarget(0, how="sigmoid")(y)
    np.testing.assert_allclose(of_sigmoid, [[np.exp(-40), 0]], rtol=1e-6)


def test_function_and_outputs_make_a_target() -> None:
    target = as_target(lambda logits, outputs: logits * outputs["weight"])
    np.testing.assert_array_equal(target(Y, {"weight": np.array(2.0)}), 2 * Y)
    assert target.classes(Y) is None


REFUSED = [
    (lambda: ClassTarget(4)(Y), "class 4 is out of range: the score has 4"),
    (lambda: ClassTarget(-2)(Y), "class -2 is out of range"),
    (lambda: ClassTarget((0, 1, 2))(Y), "3 targets for a batch of 2"),
    (lambda: TopTarget(5)(Y), "top:5: the score has only 4 classes"),
    (lambda: TopTarget(0), "top:0 is no rank"),
    (lambda: ContrastTarget(2, 2), "2-2: a class cannot be contrasted"),
    (lambda: ClassTarget(0)(Y.astype(np.int64)), "the score tensor is int64"),
    (lambda: ClassTarget(0)(np.array([["a"], ["b"]])), "the score tensor is <U1"),
    (lambda: ClassTarget(0)(np.array(1.0)), "scalar"),
    (lambda: ClassTarget(0, class_axis=2)(Y), "has no class axis 2"),
    (lambda: ClassTarget(0, mask=np.ones((2, 2)))(Y), "does not fit a score"),
    (lambda: ProbabilityTarget(1)(Y), "prob:1: the model makes no probability of its score"),
    (lambda: ProbabilityTarget(1).score(Y), "explain the score itself, 1"),
    (lambda: ProbabilityTarget(1, how="tanh"), "how='tanh' makes no probability"),
    (lambda: CotangentTarget(np.ones((3, 4)))(Y), "does not fit a score"),
    (lambda: CotangentTarget(np.ones((2, 4)))(Y.astype(int)), "the score tensor is int64"),
]


@pytest.mark.parametrize(("attempt", "message"), REFUSED, ids=[m for _, m in REFUSED])
def test_what_does_not_fit_is_refused_in_one_line(attempt, message) -> None:
    with pytest.raises(TargetError, match=message) as refusal:
        attempt()
    assert "\n" not in str(refusal.value)
