"""What is kept of answers, and what is not."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from cam_core.methods import answered
from cam_core.methods.answered import (
    Answer,
    Each,
    Kept,
    Written,
    batched,
    in_blocks,
    scores,
    split,
    steps,
)
from cam_core.targets.classes.one_class import ClassTarget

Array = np.ndarray


class Model:
    """Counts what is read of it."""

    def __init__(self, y: Array) -> None:
        self.y, self.read = y, 0

    def answers(self) -> Iterator[Answer]:
        for block in self.y:
            self.read += 1
            yield block, {"y": block}


@pytest.fixture
def model(rng: np.random.Generator) -> Model:
    return Model(rng.normal(size=(5, 2, 3)))


def test_the_second_target_reads_what_the_first_one_made(model: Model) -> None:
    kept = Kept()
    for c in (0, 2):
        found = scores(ClassTarget(c), model.answers(), kept, lambda: None)
        np.testing.assert_array_equal(found, model.y[:, :, c])
    assert model.read == 5


def test_without_a_place_to_keep_them_each_target_asks(model: Model) -> None:
    for c in (0, 2):
        found = scores(ClassTarget(c), model.answers(), None, lambda: None)
        np.testing.assert_array_equal(found, model.y[:, :, c])
    assert model.read == 10


def test_too_many_are_let_go(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answered, "KEPT", 4 * 2 * model.y[0].nbytes - 1)  # y, and as an output
    kept = Kept()
    for c in (0, 2):
        found = scores(ClassTarget(c), model.answers(), kept, lambda: None)
        np.testing.assert_array_equal(found, model.y[:, :, c])
        assert kept.answers is None
    assert model.read == 10


def test_half_of_the_answers_are_none(model: Model) -> None:
    """A pass that failed in the middle: the next target asks for all of them."""

    def broken() -> Iterator[Answer]:
        yield model.y[0], {}
        raise RuntimeError

    kept = Kept()
    with pytest.raises(RuntimeError):
        scores(ClassTarget(0), broken(), kept, lambda: None)
    found = scores(ClassTarget(0), model.answers(), kept, lambda: None)
    np.testing.assert_array_equal(found, model.y[:, :, 0])
    again = scores(ClassTarget(1), model.answers(), kept, lambda: None)
    np.testing.assert_array_equal(again, model.y[:, :, 1])


def test_arrays_are_made_when_their_turn_comes() -> None:
    made: list[int] = []
    each = Each(3, lambda i: made.append(i) or np.array(i))  # type: ignore[func-returns-value]
    assert len(each) == 3
    assert not made
    assert [int(a) for a in each] == made == [0, 1, 2]


def test_steps_say_how_much_is_done() -> None:
    told: list[float] = []
    step = steps(told.append, Each(4, np.zeros))
    for _ in range(4):
        step()
    assert told == [0.25, 0.5, 0.75, 1]
    steps(told.append, iter([]))()
    assert len(told) == 4, "nobody knows how many an iterator has"


def test_batches_and_blocks() -> None:
    values = [np.array(i) for i in range(5)]
    assert [len(block) for block in batched(values, 2)] == [2, 2, 1]
    assert [len(block) for block in batched(values, 0)] == [1] * 5
    outputs = {"rows": np.arange(6), "whole": np.arange(2)}
    found = split(outputs, 3, 2)
    assert [one["rows"].tolist() for one in found] == [[0, 1], [2, 3], [4, 5]]
    assert [one["whole"].tolist() for one in found] == [[0, 1]] * 3


@pytest.mark.parametrize("most", [0, 1, 2, 3, 7])
def test_what_is_written_comes_in_the_blocks_of_arrays(most: int) -> None:
    def write(i: int, where: Array) -> None:
        where[:] = i
        where[1] += 0.5

    written = Written(5, np.zeros((2, 3), np.float32), write)
    each = [np.float32([[i] * 3, [i + 0.5] * 3]) for i in range(5)]
    assert len(written) == 5
    np.testing.assert_array_equal(list(written), each)
    for found, expected in zip(in_blocks(written, most), in_blocks(each, most), strict=True):
        assert found[0] == expected[0] <= max(1, most)
        assert found[1].dtype == np.float32
        np.testing.assert_array_equal(found[1], expected[1])
    np.testing.assert_array_equal(
        np.concatenate([b for _, b in in_blocks(each, 2)]), np.vstack(each)
    )
