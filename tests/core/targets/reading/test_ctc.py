"""CTC against all alignments written out, torch's loss and finite differences."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from cam_core.errors import TargetError
from cam_core.targets.reading import Run, best_path, line_score, runs
from cam_core.targets.reading.ctc import from_steps, in_steps, log_softmax


def collapsed(path: tuple[int, ...], blank: int) -> tuple[int, ...]:
    out, last = [], None
    for c in path:
        if c not in (last, blank):
            out.append(c)
        last = c
    return tuple(out)


def by_all_alignments(steps: Any, line: tuple[int, ...], blank: int) -> float:
    p = np.exp(steps) / np.exp(steps).sum(axis=1, keepdims=True)
    paths = product(range(steps.shape[1]), repeat=len(steps))
    each = (np.prod(p[range(len(steps)), path]) for path in paths if collapsed(path, blank) == line)
    return float(np.log(sum(each)))


@pytest.mark.parametrize("blank", [0, 2])
@pytest.mark.parametrize("line", [(), (1,), (1, 3), (3, 3), (1, 1, 3)])
def test_it_is_the_sum_over_all_alignments(line: tuple[int, ...], blank: int, rng) -> None:
    steps = rng.normal(size=(5, 4))
    found, _ = line_score(steps, line, blank)
    assert found == pytest.approx(by_all_alignments(steps, line, blank), abs=1e-12)


@pytest.mark.parametrize("line", [(), (1,), (1, 3), (3, 3), (1, 1, 3)])
def test_its_derivative_is_that_of_finite_differences(line: tuple[int, ...], rng) -> None:
    steps, h = rng.normal(size=(6, 4)), 1e-6
    _, slope = line_score(steps, line, 0)
    for at in np.ndindex(*steps.shape):
        high, low = steps.copy(), steps.copy()
        high[at] += h
        low[at] -= h
        difference = (line_score(high, line, 0)[0] - line_score(low, line, 0)[0]) / (2 * h)
        assert slope[at] == pytest.approx(difference, abs=1e-8)


@pytest.mark.parametrize("blank", [0, 11])
@pytest.mark.parametrize("length", [1, 9, 20])
def test_it_is_torchs_loss(length: int, blank: int, rng) -> None:
    torch = pytest.importorskip("torch", reason="torch has the loss")
    steps = 8 * rng.normal(size=(60, 12))
    line = tuple(int(c) for c in rng.integers(1, 11, length))
    t = torch.tensor(steps, requires_grad=True)
    loss = torch.nn.CTCLoss(blank=blank, reduction="sum")(
        t.log_softmax(-1)[:, None], torch.tensor([line]), torch.tensor([60]), torch.tensor([length])
    )
    loss.backward()
    found, slope = line_score(steps, line, blank)
    assert found == pytest.approx(-loss.item(), rel=1e-12)
    np.testing.assert_allclose(slope, -t.grad.numpy(), atol=1e-10)


def test_a_line_that_is_as_good_as_certain_keeps_its_gradient() -> None:
    steps = np.full((4, 3), -50.0)
    steps[[0, 1, 2, 3], [0, 1, 2, 0]] = 0
    found, slope = line_score(steps, (1, 2), 0)
    assert -1e-20 < found <= 0
    assert np.isfinite(slope).all()


def test_a_line_without_room_is_impossible(rng) -> None:
    assert line_score(rng.normal(size=(2, 4)), (1, 1), 0)[0] == -np.inf
    assert line_score(rng.normal(size=(2, 4)), (1, 2), 0)[0] > -np.inf


def test_repetitions_are_one_and_blanks_none() -> None:
    path = [0, 3, 3, 0, 3, 1, 1, 0]
    assert runs(path, 0) == [Run(3, 1, 3), Run(3, 4, 5), Run(1, 5, 7)]
    assert runs(path, 3) == [Run(0, 0, 1), Run(0, 3, 4), Run(1, 5, 7), Run(0, 7, 8)]
    steps = np.eye(4)[path]
    assert best_path(steps) == path


@pytest.mark.parametrize(
    ("shape", "axis"), [((2, 7, 5), 2), ((2, 5, 7), 1), ((2, 5, 1, 7), 1), ((2, 1, 7, 5), -1)]
)
def test_steps_and_back(shape: tuple[int, ...], axis: int, rng) -> None:
    y = rng.normal(size=shape).astype(np.float32)
    steps = in_steps(y, axis)
    assert steps.shape == (2, 7, 5)
    np.testing.assert_array_equal(from_steps(steps, y, axis), y)
    np.testing.assert_array_equal(steps[1, 3, :], np.moveaxis(y, axis, -1).reshape(2, 7, 5)[1, 3])


def test_a_picture_is_no_line(rng) -> None:
    with pytest.raises(TargetError, match="runs over several axes: it is no line"):
        in_steps(rng.normal(size=(2, 5, 4, 6)), 1)


def test_log_softmax_does_not_overflow() -> None:
    np.testing.assert_allclose(log_softmax(np.array([[1000.0, 0.0]])), [[0, -1000]])
