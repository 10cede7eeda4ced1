"""The numbers of all scales, one after the other, cut out by hand."""

from __future__ import annotations

import numpy as np

from cam_core.head import BoxNumbers, OwnClass
from cam_core.targets.detection.numbers import gathered, spot


def test_outputs_of_several_scales_follow_one_another(rng: np.random.Generator) -> None:
    fine, coarse = rng.normal(size=(2, 5, 2, 3)), rng.normal(size=(2, 5, 1, 2))
    of = BoxNumbers("a", 1, 1, further=("b",))
    found = gathered({"a": fine, "b": coarse}, of)
    assert found.levels == ((2, 3), (1, 2))
    assert found.values.shape == (2, 4, 8)
    for row in range(2):
        for number in range(4):
            expected = [*fine[row, number + 1].ravel(), *coarse[row, number + 1].ravel()]
            assert found.values[row, number].tolist() == expected


def test_rows_that_say_their_class() -> None:
    rows = np.arange(14.0).reshape(2, 7)
    of = BoxNumbers("y", 1, 1, own=OwnClass("y", 1, 5), batched=False, angle=6)
    found = gathered({"y": rows}, of)
    assert found.values[0].T.tolist() == [[1, 2, 3, 4], [8, 9, 10, 11]]
    assert found.own is not None
    assert found.own.tolist() == [[5, 12]]
    assert found.angles is not None
    assert found.angles.tolist() == [[6, 13]]


def test_classes_of_an_output_of_their_own() -> None:
    given = {"boxes": np.zeros((1, 3, 4)), "labels": np.array([[2, 0, 1]], np.int32)}
    found = gathered(given, BoxNumbers("boxes", 2, own=OwnClass("labels")))
    assert found.own is not None
    assert found.own.tolist() == [[2, 0, 1]]


def test_none_was_selected() -> None:
    given = {"boxes": np.zeros((0, 4)), "labels": np.zeros(0, np.int64)}
    found = gathered(given, BoxNumbers("boxes", 1, own=OwnClass("labels"), batched=False))
    assert found.values.shape == (1, 4, 0)
    assert found.own is not None
    assert found.own.shape == (1, 0)


def test_several_anchors_along_the_channels(rng: np.random.Generator) -> None:
    """[N, 3 M, h, w]: in the order of maps [3, h, w], and found again one by one."""
    given = {"a": rng.normal(size=(2, 15, 2, 3)), "b": rng.normal(size=(2, 15, 1, 2))}
    of = BoxNumbers("a", 1, further=("b",), each=3)
    found = gathered(given, of)
    assert found.levels == ((3, 2, 3), (3, 1, 2))
    anchor = 0
    for name in "ab":
        for which in range(3):
            for cell in np.ndindex(given[name].shape[2:]):
                expected = given[name][(1, slice(5 * which, 5 * which + 4), *cell)]
                assert found.values[1, :, anchor].tolist() == expected.tolist()
                where, at = spot(given, of, 1, anchor)
                assert where == name
                assert given[where][at].tolist() == expected.tolist()
                anchor += 1
    assert anchor == found.values.shape[2]
