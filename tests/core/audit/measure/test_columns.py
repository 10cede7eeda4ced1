"""A photo as a row: whether it is right, and what nobody knows of it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cam_core.audit.data import Item, Thing
from cam_core.audit.measure import COLUMNS, One, Opened, Shot, columns_of, row_of
from cam_core.compare.photos import Answer, Photo, Seen
from cam_core.image.place import place
from cam_core.sources.boxes import Labelled

NAMES = ["tench, fish", "cat", "dog"]
MAP = np.array([[0.0, 4.0], [0.0, 0.0]], np.float32)


def shot(label: Any = None, answer: int = 1, things: Any = (), names: Any = NAMES) -> Shot:
    item = Item("a/b.png", Path("a/b.png"), label)
    size = (20, 40)
    photo = Photo("b", np.zeros((1, 3, 8, 8)), None, None, place(size, (8, 8), "stretch"))
    said = str(answer) if names is None else names[answer]
    seen = Seen(MAP, 4.0, 1e-6, None, "")
    one = One(Answer(answer, said, 2.0), math.nan, said, answer, said, 2.0, seen)
    return Shot(item, 3, Opened(item, photo, size, things=things), one, labels=names)


RIGHT: dict[str, tuple[Shot, bool | None]] = {
    "by name": (shot("cat"), True),
    "another": (shot("dog"), False),
    "in any case": (shot("Cat "), True),
    "by a synonym": (shot("fish", 0), True),
    "by number": (shot(1), True),
    "another number": (shot(2), False),
    "no label": (shot(), None),
    "a label that is no class": (shot("sofa"), None),
    "names that nobody knows": (shot("cat", names=None), None),
    "the class of its only object": (shot(things=[Thing(Labelled("dog", 0, 0, 9, 9))]), False),
    "objects of two classes": (
        shot(things=[Thing(Labelled(name, 0, 0, 9, 9)) for name in ("cat", "dog")]),
        None,
    ),
}


@pytest.mark.parametrize("case", RIGHT)
def test_an_answer_is_right_wrong_or_neither(case: str) -> None:
    given, expected = RIGHT[case]
    assert COLUMNS["correct"].value(given) is expected


def test_a_row_says_what_is_known() -> None:
    things = [Thing(Labelled("cat", 20, 0, 40, 10)), Thing(Labelled("dog", 0, 10, 20, 20))]
    row = row_of(shot("cat", things=things), columns_of(reference=False))
    assert (row["photo"], row["index"], row["path"]) == ("a/b.png", 3, "a/b.png")
    assert (row["height"], row["width"], row["label"], row["answer"]) == (20, 40, "cat", "cat")
    assert (row["raw_max"], row["blank"], row["confidence"]) == (4.0, False, None)
    assert row["object_size"] == row["other_size"] == 0.25
    # the cell over the cat, interpolated to 8 x 8: 3 of 4 parts along each axis lie in its quarter
    heat = np.outer([1, 1, 0.875, 0.625, 0.375, 0.125, 0, 0], [0, 0, 1, 3, 5, 7, 8, 8])
    assert row["energy_object"] == pytest.approx(heat[:4, 4:].sum() / heat.sum(), rel=1e-6)
    assert row["energy_other"] == pytest.approx(heat[4:, :4].sum() / heat.sum(), rel=1e-6)


def test_what_failed_has_its_error_and_no_number() -> None:
    row = row_of(Shot(Item("a.png", Path("a.png"), 7), 0, error="broken"), COLUMNS)
    known = {name: value for name, value in row.items() if value is not None}
    assert known == {"photo": "a.png", "index": 0, "path": "a.png", "error": "broken", "label": "7"}


def test_one_model_has_no_column_of_two() -> None:
    alone = columns_of(reference=False)
    assert "spearman" not in alone
    assert set(alone) < set(columns_of(reference=True)) == set(COLUMNS)
