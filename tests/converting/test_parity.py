"""How far two models are apart, and where they begin to be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cam_core.errors import ModelError
from converters.parity import Seen, alike, apart, compare, diverges, usual, worst_run

rng = np.random.default_rng(0)
A, B, C = (rng.normal(size=(1, 4, 5, 6)).astype(np.float32) for _ in range(3))
Y = rng.normal(size=(1, 9)).astype(np.float32)


@pytest.mark.parametrize(
    ("y", "expected", "gap"),
    [
        ([1, 2, 4], [1, 2, 5], 0.2),
        ([1, np.nan], [1, np.nan], 0),
        ([0, 0.5], [0, 0], 0.5),
        ([], [], 0),
        ([1, 2], [1, 2, 3], np.inf),
        ([np.inf, 1], [np.inf, 2], 0.5),
    ],
)
def test_the_gap_is_relative_to_the_largest_value(y: Any, expected: Any, gap: float) -> None:
    assert apart(np.array(y, float), np.array(expected, float)) == pytest.approx(gap)


def test_one_nan_is_no_number() -> None:
    assert not apart(np.array([np.nan, 1]), np.array([1.0, 1])) <= 1


def test_tolerances_are_those_of_the_type() -> None:
    assert usual(np.zeros(1, np.float32)) == 1e-4
    assert usual(np.zeros(1, np.float16)) == 1e-2


def test_another_order_of_axes_is_the_same() -> None:
    assert alike(A, A.transpose(0, 2, 3, 1), 1e-6)
    assert alike(A, A.reshape(4, 30), 1e-6)
    assert not alike(A, A[:, :, ::-1], 1e-6)
    assert not alike(A, B, 1e-3)


def test_the_first_that_has_no_equal_is_named_in_both_directions() -> None:
    ours = {"conv": A, "norm": B, "late": C, "y": Y}
    theirs = {"fused": B.transpose(0, 2, 3, 1), "late_1": 2 * C, "out": Y + 1}
    one, other = Seen({"y": Y}, lambda: ours), Seen({"out": Y + 1}, lambda: theirs)
    found = compare(one, other)
    assert not found.same
    assert (found.there, found.back) == ("late", "late_1")  # conv is folded, norm agrees
    assert "first at 'late', in the other at 'late_1'" in found.words
    assert compare(other, one).there == "late_1"


def test_other_shapes_are_said_to_be_that() -> None:
    found = compare(Seen({"y": Y}), Seen({"out": Y[..., None]}))
    assert found.words == "output 'y' is 1x9, in the other 1x9x1; behind the last tensors"


def test_a_loss_that_is_allowed_is_not_called_the_same() -> None:
    found = compare(Seen({"y": Y}), Seen({"out": Y * np.float32(1.2)}), tolerance=0.5)
    assert found.words == "within 0.5: output 'y' differs by 0.2 of its largest value"
    assert compare(Seen({"y": Y}), Seen({"out": Y})).words.startswith("the same to 0.0001: ")


def test_constants_do_not_count_as_equal() -> None:
    zeros = np.zeros((1, 4, 5, 6), np.float32)
    assert diverges({"a": A, "zero": zeros}, {"b": B, "zero": zeros}, 1e-4) == "a"
    assert diverges({"a": A}, {"b": A}, 1e-4) == ""


def test_equal_outputs_are_not_looked_into() -> None:
    def never() -> Any:
        raise AssertionError("not needed")

    found = compare(Seen({"y": Y}, never), Seen({"z": Y + 1e-6}, never))
    assert found.same
    assert "the same to 0.0001: output 'y'" in found.words
    with pytest.raises(ModelError, match="1 outputs and 0"):
        compare(Seen({"y": Y}, never), Seen({}, never))


def test_the_last_that_has_an_equal_counts() -> None:
    """As loops over all pairs say."""
    draw = np.random.default_rng(1)
    for _ in range(40):
        pool = [draw.normal(size=(1, 3, 4, 5)) * 10.0**k for k in (-2, 0, 3)]
        pool += [pool[0].transpose(0, 2, 3, 1), pool[1] + 1e-9, np.full((1, 60), np.nan)]
        pool += [np.where(pool[2] > 0, np.inf, pool[2]), draw.normal(size=(2, 30))]
        ours = {f"a{i}": pool[k] for i, k in enumerate(draw.integers(0, 8, 5))}
        theirs = {f"b{i}": pool[k] for i, k in enumerate(draw.integers(0, 8, 3))}
        names = [name for name in ours if not np.isnan(ours[name]).all()]
        equal = [any(alike(ours[n], t, 1e-4) for t in theirs.values()) for n in names]
        rest = names[max((i + 1 for i, is_equal in enumerate(equal) if is_equal), default=0) :]
        assert diverges(ours, theirs, 1e-4) == (rest[0] if rest else "")


def test_tensors_are_fetched_of_the_worst_run_alone() -> None:
    fetched: list[float] = []

    def run(gap: float) -> tuple[Seen, Seen]:
        def tensors() -> dict[str, Any]:
            fetched.append(gap)
            return {"a": A * gap}

        return Seen({"y": Y}, tensors), Seen({"y": Y * (1 + gap)}, lambda: {"b": A})

    found = worst_run([run(0.1), run(0.3), run(0.2)])
    assert found is not None
    assert found.gap == pytest.approx(0.3)
    assert (found.there, found.back, fetched) == ("a", "b", [0.3])
    assert worst_run([]) is None
    same = worst_run([run(0.0)])
    assert same is not None
    assert same.same
    assert fetched == [0.3]
