"""The cosine to another vector: torch's, and as much about the one as about the other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cam_core.errors import TargetError
from cam_core.targets import Seen, SimilarTarget, parse_target

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("away", [False, True])
def test_it_is_torchs(away: bool, rng: np.random.Generator) -> None:
    y = torch.tensor(rng.normal(size=(2, 6)), requires_grad=True)
    v = rng.normal(size=(2, 6))
    cosine = torch.nn.functional.cosine_similarity(y, torch.tensor(v)) * (-1 if away else 1)
    (slope,) = torch.autograd.grad(cosine.sum(), y)
    target, array = SimilarTarget(v, away=away), y.detach().numpy()
    np.testing.assert_allclose(target.score(array), cosine.detach(), rtol=1e-12)
    np.testing.assert_allclose(target(array), slope, rtol=1e-9, atol=1e-13)


def test_a_vector_of_zeros_has_no_direction() -> None:
    np.testing.assert_array_equal(SimilarTarget(np.ones(3)).score(np.zeros((1, 3))), [0])
    with pytest.raises(TargetError, match="the vector is 0 and points nowhere"):
        SimilarTarget(np.zeros(3))


def test_another_picture_is_asked_the_same(rng: np.random.Generator) -> None:
    y, v = rng.normal(size=(2, 1, 5))
    (question,) = parse_target("unlike:b.jpg")
    (here,) = question.found_in(Seen(y, answer={"b.jpg": v}.__getitem__))
    there = here.mirrored(y)
    assert there is not None
    assert (there.picture, there.target.label) == ("b.jpg", "unlike:b.jpg")
    np.testing.assert_allclose(here.score(y), there.target.score(v))
    np.testing.assert_allclose(here.score(y), -(y @ v.T)[0] / np.sqrt((y**2).sum() * (v**2).sum()))


def test_a_vector_of_a_file(tmp_path: Path, rng: np.random.Generator) -> None:
    v = rng.normal(size=5).astype(np.float32)
    np.save(tmp_path / "v.npy", v)
    (target,) = parse_target(f"like:{tmp_path / 'v.npy'}")
    np.testing.assert_allclose(target.score(v[None]), [1])
    assert target.mirrored(v[None]) is None


@pytest.mark.parametrize(
    ("attempt", "words"),
    [
        (
            lambda: SimilarTarget(np.ones(4))(np.ones((1, 5))),
            r"vector \[4\], and the .* \[1, 5\]",
        ),
        (lambda: SimilarTarget(np.ones(4, int)), "no finite floating point numbers"),
        (lambda: SimilarTarget(np.array([np.nan])), "no finite floating point numbers"),
        (lambda: parse_target("like:none.npy"), "'none.npy': No such file or directory"),
        (lambda: parse_target("like:a.jpg")[0].found_in(Seen(np.ones((1, 2)))), "SimilarTarget"),
        (lambda: parse_target("like:a.jpg")[0](np.ones((1, 2))), "depends on what the model"),
    ],
)
def test_what_is_no_vector(attempt, words) -> None:
    with pytest.raises(TargetError, match=words) as refusal:
        attempt()
    assert "\n" not in str(refusal.value)
