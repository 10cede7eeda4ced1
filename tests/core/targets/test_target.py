"""What the rest of the code asks of a target, and that it asks for nothing else."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest

from cam_core.errors import TargetError
from cam_core.targets import (
    AgainstTarget,
    AnchorTarget,
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
)
from cam_core.targets.detection.meaning import read_as
from cam_core.targets.detection.own_maps import OwnMapTarget
from tests.paths import ROOT

ELSEWHERE = sorted(
    path
    for package in ("cam_core", "backends", "converters", "benchmarks")
    for path in (ROOT / package).rglob("*.py")
    if ROOT / "cam_core" / "targets" not in path.parents
)
CORNERS = read_as(np.array([[0.0, 0, 8, 4]]), (64, 64))
NAMES = ("cat", "dog", "owl")
Y = np.array([[1.0, 5, 2], [7, 0, 8]])

NOSE = KeypointTarget("b", (), True, "keypoint:0@box:0")
MASK = MaskTarget("b", np.zeros((0, 3)), np.zeros((0, 3)), label="mask@box:0")
NONE_OF_IT = np.zeros((0, 2, 2))
OWN = OwnMapTarget("m", (), NONE_OF_IT, False, "mask@box:0", unit="mask logit")
EAR = OwnMapTarget("m", (), NONE_OF_IT, False, "keypoint:3@box:0")
LEFT = EdgeTarget("left", "b", (), CORNERS, "edge:left@box:0")
ASKED = [  # target, its class, name, title, unit, single
    (ClassTarget(1), 1, "1", "dog", "score", True),
    (ClassTarget(-1), 2, "2", "owl", "score", True),
    (ClassTarget(7), 7, "7", "7", "score", True),
    (TopTarget(2), 0, "0", "cat", "score", True),
    (ContrastTarget(2, 0), 2, "2-0", "owl - cat", "score", False),
    (ProbabilityTarget(1), 1, "prob:1", "dog", "probability", True),
    (ProbabilityTarget(-1), 1, "prob:top", "dog", "probability", True),
    (AnchorTarget(1, 5), 1, "1@anchor:5", "dog", "score", False),
    (StepsTarget((((0, 1),),)), None, "words", "", "log-probability", False),
    (CellsTarget(1, np.ones((1, 4)), asked="1@2,3"), 1, "1@2,3", "dog", "score", False),
    (RegionTarget(2), 2, "region:2", "owl", "score", False),
    (TextTarget(((1, 2),)), None, "text", "", "log-probability", False),
    (CotangentTarget(Y), None, "cotangent", "", "score", True),
    (AgainstTarget(ClassTarget(1)), 1, "against:1", "against dog", "score", True),
    (AgainstTarget(ContrastTarget(2, 0)), 2, "against:2-0", "against owl - cat", "score", False),
    (LossTarget(1), 1, "loss:1", "dog", "loss", True),
    (LossTarget(1, how="sigmoid", absent=True), 1, "loss:-0", "dog", "loss", True),
    (RestTarget(-1), 1, "rest:top", "dog", "score", True),
    (FinerTarget(1), 1, "finer:1", "dog, finer", "score", False),
    (ValueTarget(2), None, "value:2", "", "score", True),
    (NormTarget(), None, "norm", "", "length", True),
    (CaptionTarget(1), 1, "caption:1", "dog", "score", True),
    (OutTarget("p", (2,), "2"), None, "out:p[2]", "", "output", True),
    (LEFT, None, "edge:left@box:0", "", "pixels", False),
    (NOSE, None, "keypoint:0@box:0", "", "log-probability", False),
    (MASK, None, "mask@box:0", "", "mask logit", False),
    (OWN, None, "mask@box:0", "", "mask logit", False),
    (EAR, None, "keypoint:3@box:0", "", "heat", False),
    (SimilarTarget(Y, "like:a.npy"), None, "like:a.npy", "", "cosine", True),
]


@pytest.mark.parametrize(
    ("target", "index", "name", "title", "unit", "single"), ASKED, ids=[r[0].label for r in ASKED]
)
def test_how_it_is_called(
    target: ScoredTarget, index: int | None, name: str, title: str, unit: str, single: bool
) -> None:
    assert (target.name(index), target.title(index, NAMES)) == (name, title)
    assert target.title(index, None) == ""
    assert (target.unit, target.single) == (unit, single)


def test_every_target_here_is_called() -> None:
    own = [c for c in ScoredTarget.__subclasses__() if c.__module__.startswith("cam_core.")]
    assert {type(row[0]) for row in ASKED} == {*own} - {AwaitingTarget}


LIKELIEST = ProbabilityTarget(-1, how="softmax")
HELD = [(ClassTarget(-1), 1), (TopTarget(1), 1), (TopTarget(2), 2), (LIKELIEST, 1)]


@pytest.mark.parametrize(("target", "index"), HELD, ids=[t.label for t, _ in HELD])
def test_held_stays_with_its_class(target: ScoredTarget, index: int) -> None:
    """Though another one is on top of the second score."""
    held, other = target.held(Y[:1]), np.array([[9.0, 1, 0]])
    p = np.exp(other) / np.exp(other).sum()
    wanted = p if target.unit == "probability" else other
    np.testing.assert_allclose(held.score(other), wanted[:, index], rtol=1e-12)
    np.testing.assert_array_equal(held.score(Y[:1]), target.score(Y[:1]))


@pytest.mark.parametrize("target", [ContrastTarget(0, 1), CotangentTarget(Y)], ids=["0-1", "any"])
def test_what_is_fixed_is_held_already(target: ScoredTarget) -> None:
    assert target.held(Y) is target


@pytest.mark.parametrize("target", [row[0] for row in ASKED], ids=[r[0].label for r in ASKED])
def test_only_a_probability_asks_what_makes_one(target: ScoredTarget) -> None:
    """Where the model makes none, it is refused; the others are what they were."""
    if not isinstance(target, ProbabilityTarget):
        assert target.suited("") is target
        return
    assert target.suited("sigmoid") == ProbabilityTarget(target.index, how="sigmoid")
    assert LIKELIEST.suited("sigmoid") == LIKELIEST  # its own counts
    with pytest.raises(TargetError, match=f"{target.label}: the model makes no probability"):
        target.suited("")


def test_a_rank_needs_as_many_classes() -> None:
    TopTarget(3).require(3)
    with pytest.raises(TargetError, match="top:4: the score has only 3 classes"):
        TopTarget(4).require(3)


@pytest.mark.parametrize("path", ELSEWHERE, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_nobody_else_asks_which_target_it_is(path: Path) -> None:
    """A kind that is added would have to be added there."""
    kinds = {type(row[0]).__name__ for row in ASKED}
    asked = [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call | ast.MatchClass)
        and (isinstance(node, ast.MatchClass) or _tells_apart(node))
        and kinds & {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    ]
    assert not asked


def _tells_apart(call: ast.Call) -> bool:
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    return name in ("isinstance", "issubclass", "type")
