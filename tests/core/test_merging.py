"""Maps of several layers as one, against loops; each fuse has its own in `maps/test_fuses.py`."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.answers import from_capture
from cam_core.errors import InputError
from cam_core.merging import fuse, merged, require_alike
from cam_core.targets import ClassTarget
from tests.core.linear import one


def explained(A: object, G: object):
    capture = one(A, G)
    return from_capture(capture, ClassTarget(0), "hirescam")


FINE = explained([[1.0, 2.0, 0.0, 4.0]], [[1.0, -3.0, 1.0, 2.0]])  # 1, -6, 0, 8
COARSE = explained([[5.0, 1.0]], [[2.0, -1.0]])  # 10, -1
BLANK = explained([[5.0, 1.0]], [[0.0, 0.0]])


def test_each_over_its_own_maximum_and_the_largest_of_them() -> None:
    found = merged([COARSE, FINE])
    stretched = [1.0, 0.75, 0.25, 0.0]  # [10, 0] / 10 at the size of the finer, between centres
    expected = np.maximum([1 / 8, 0, 0, 1], stretched)
    np.testing.assert_allclose(found.map[0], expected, atol=1e-7)
    assert found.raw_max[0] == 1
    assert [part.raw_max[0] for part in found.parts] == [10, 8]
    assert [layer["raw_max"] for layer in found.facts()["layers"]] == [10, 8]


def test_what_speaks_against_it_is_there_where_nothing_speaks_for_it() -> None:
    found = merged([FINE, BLANK])
    np.testing.assert_allclose(found.signed[0], [1 / 8, -6 / 8, 0, 1])


def test_blank_ones_count_for_nothing() -> None:
    np.testing.assert_array_equal(merged([BLANK, FINE]).map, FINE.map / 8)
    nothing = merged([BLANK, BLANK])
    assert (nothing.raw_max[0], bool(nothing.blank[0])) == (0, True)
    assert "exactly zero" in nothing.diagnosis[0]


def test_one_stays_as_it_is_and_rows_keep_their_parts() -> None:
    assert merged([FINE]) is FINE
    row = merged([COARSE, FINE])[0]
    assert [part.map.shape for part in row.parts] == [(1, 2), (1, 4)]
    assert row.map.shape == (1, 4)


def test_a_doubt_of_one_layer_is_no_doubt_of_all() -> None:
    assert merged([BLANK, FINE]).diagnosis == ("",)
    assert BLANK.diagnosis[0] != pytest.approx("")


def test_a_fuse_keeps_what_each_layer_gave() -> None:
    found = fuse([COARSE, FINE], "mean")
    stretched = [1.0, 0.75, 0.25, 0.0]
    np.testing.assert_allclose(found.map[0], np.add(stretched, [1 / 8, 0, 0, 1]) / 2, atol=1e-7)
    facts = found.facts()
    assert (facts["fuse"], facts["layer"]) == ("mean", "x, x")
    assert [layer["raw_max"] for layer in facts["layers"]] == [10, 8]
    assert found.raw_max[0] == found.map.max()
    assert "fuse" not in merged([COARSE, FINE]).facts()


def test_layers_that_agree_nowhere_are_said_to_be_it() -> None:
    for other in (BLANK, explained([[0.0, 0.0, 1.0, 0.0]], [[1.0, 1.0, 1.0, 1.0]])):
        found = fuse([FINE, other], "product")
        assert found.blank.all()
        assert found.diagnosis == (
            "the layers agree nowhere: the map that 'product' makes of them is zero",
        )
    assert "exactly zero" in fuse([BLANK, BLANK], "max").diagnosis[0]


REFUSED = [
    ([("a", 2, "x")], "fuse takes several layers: name two or more"),
    ([("a", 2, "x"), ("b", 1, "x")], "layers 'a' and 'b' have maps of 2 and 1 axes"),
    ([("a", 2, ""), ("b", 2, "x")], ""),
    ([("a", 2, "x"), ("b", 2, "z")], "layers 'a' and 'b' lie over inputs 'x' and 'z'"),
]


@pytest.mark.parametrize(("layers", "why"), REFUSED)
def test_maps_that_do_not_lie_over_one_another(
    layers: list[tuple[str, int, str]], why: str
) -> None:
    if not why:
        require_alike(layers)
        return
    with pytest.raises(InputError, match=why):
        require_alike(layers)
