"""Which class is which."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cam_core.compare.classes import ClassMap, changed_places, match_classes, read_classes
from cam_core.errors import InputError

AB = ("cat", "dog", "owl")


@pytest.mark.parametrize(
    ("names", "to_b", "said"),
    [
        ((None, None), None, ""),
        ((AB, None), None, ""),
        ((AB, ("Cat", " dog", "owl")), None, ""),
        ((AB, ("owl", "cat", "dog")), (1, 2, 0), "the labels of B are in another order"),
        ((AB, ("tree", "car", "sea")), None, "other names in B: compared by number"),
        ((("cat", "cat", "owl"), ("cat", "cat", "owl")), None, ""),
        ((("cat", "owl", "cat"), ("owl", "cat", "cat")), (1, 0, 2), "in another order ('cat' is"),
    ],
)
def test_by_name_where_both_are_known(names: tuple, to_b: object, said: str) -> None:
    found = match_classes((3, 3), names)
    assert found.to_b == to_b
    assert said in found.said
    assert bool(found.said) == bool(said)


def test_other_numbers_of_classes_go_by_name() -> None:
    found = match_classes((3, 4), (AB, ("bird", "owl", "dog", "fish")))
    assert (found.to_b, found.said) == (
        (None, 2, 1),
        "A has 3 classes, B 4, 2 of them by the same name",
    )
    assert [found.of(i) for i in range(4)] == [None, 2, 1, None]
    assert [found.back(i) for i in range(4)] == [None, 2, 1, None]


@pytest.mark.parametrize("names", [(None, None), (AB, None), (AB, ("a", "b", "c", "d"))])
def test_nothing_says_which_is_which(names: tuple) -> None:
    with pytest.raises(InputError, match=r"A has 3 classes, B 4.*--map-classes FILE"):
        match_classes((3, 4), names)


def test_a_file_says_it(tmp_path: Path) -> None:
    path = tmp_path / "map.csv"
    path.write_text("cat,7\n2, 0\n\n")
    found = read_classes(path, (AB, None))
    assert (found.to_b, found.said) == ((7, None, 0), "2 classes by 'map.csv'")
    assert match_classes((3, 9), (None, None), found) is found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("cat\n", "line 1: write `A,B`"),
        ("cat,0\nelk,1\n", "line 2: no label 'elk'"),
        ("0,1\n0,2\n", "line 2: class 0 again"),
    ],
)
def test_a_file_that_does_not(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "map.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        read_classes(path, (AB, None))


def test_scores_tell_which_classes_changed_places() -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=(5, 6))
    b = a + rng.normal(size=a.shape) * 1e-3
    assert changed_places(a, b, ClassMap()) == []
    turned = b[:, [0, 4, 2, 3, 1, 5]]
    assert sorted(changed_places(a, turned, ClassMap())) == [(1, 4), (4, 1)]
    told = ClassMap((0, 4, 2, 3, 1, 5))
    assert changed_places(a, turned, told) == []
    assert sorted(changed_places(a, b, told)) == [(1, 1), (4, 4)]


def test_other_scores_are_no_change_of_places() -> None:
    rng = np.random.default_rng(1)
    assert changed_places(*rng.normal(size=(2, 5, 6)), ClassMap()) == []
    a = rng.normal(size=(5, 6))
    assert changed_places(a, 2 * a, ClassMap()) == []
    assert changed_places(a, np.full_like(a, np.nan), ClassMap()) == []


@pytest.mark.parametrize("photos", [1, 20], ids=["one photo", "the same twenty times"])
def test_of_one_photo_no_change_of_places_is_seen(photos: int) -> None:
    """Among hundreds of scores each has another that is near."""
    rng = np.random.default_rng(2)
    a, other = rng.normal(size=(2, 1, 400))
    b = 0.6 * a + 0.8 * other
    a, b = (np.repeat(y, photos, axis=0) for y in (a, b))
    assert changed_places(a, b, ClassMap()) == []
    assert changed_places(a, b + 1e-7 * rng.normal(size=b.shape), ClassMap()) == []


def test_a_list_of_a_thousand_that_is_off_by_one() -> None:
    a = np.random.default_rng(3).normal(size=(8, 1000))
    moved = changed_places(a, np.roll(a, 1, axis=1), ClassMap())
    assert sorted(moved) == [(i, (i + 1) % 1000) for i in range(1000)]


def test_of_many_photos_a_few_tell_that_no_class_is_anothers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What changed places is found among them, and of an honest copy no pairing is sought."""
    rng = np.random.default_rng(4)
    a = rng.normal(size=(100, 300))
    b = a + 1e-3 * rng.normal(size=a.shape)
    swapped = b[:, [1, 0, *range(2, 300)]]
    assert sorted(changed_places(a, swapped, ClassMap())) == [(0, 1), (1, 0)]
    sought = []
    monkeypatch.setattr("scipy.optimize.linear_sum_assignment", sought.append)
    assert changed_places(a, 0.8 * a + 0.3 * rng.normal(size=a.shape), ClassMap()) == []
    assert not sought


@pytest.mark.parametrize(
    ("to_b", "said"), [((0, 9), r"B has no class 9 \(0 to 3\)"), ((0, 1, 2, 3), "A has no class 3")]
)
def test_a_map_of_classes_that_there_are_not(to_b: tuple[int, ...], said: str) -> None:
    with pytest.raises(InputError, match=said):
        match_classes((3, 4), (None, None), ClassMap(to_b))
    match_classes((3, 4), (None, None), ClassMap((None, 3, None)))


def test_one_class_is_no_classes() -> None:
    with pytest.raises(InputError, match="A has 1 class, B 4"):
        match_classes((1, 4), (None, None))
