"""What metrics are given of a photo: its own map, and the boxes that the map is about."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyarrow")

from cam_core.audit.data import Item, Thing
from cam_core.audit.measure import Opened, Shot
from cam_core.audit.measure.metrics import ask
from cam_core.audit.run import looked
from cam_core.compare.photos import Photo
from cam_core.image.place import place
from cam_core.sources.boxes import Labelled
from tests.core.audit.tiny import SIZE, photos, tiny_plan


def shot(folder: Path, *things: Labelled) -> tuple[Shot, Opened]:
    """A red photo of 16 x 24, cut to the middle half of its width."""
    plan = tiny_plan(photos(folder, 3), referenced=False)
    x = np.zeros((1, 3, *SIZE), np.float32)
    x[0, 0, 2:5, 3:6] = 1
    placement = place((16, 48), SIZE, "crop")
    photo = Photo("a", x, x, None, placement)
    item = Item("a.png", Path("a.png"))
    opened = Opened(item, photo, (16, 48), things=[Thing(one) for one in things])
    (found,) = looked(plan.sides, plan, [Shot(item, 0, opened, labels=plan.sides.labels[0])])
    return found, opened


def test_the_case_has_the_map_and_the_boxes_of_its_class(tmp_path: Path) -> None:
    plan = tiny_plan(photos(tmp_path / "p", 3), referenced=False)
    ant, bee = Labelled("ant", 18, 4, 24, 10), Labelled("bee", 0, 0, 48, 16)
    found, opened = shot(tmp_path / "q", ant, bee)
    asking = ask(plan.sides, opened, found)
    assert asking.map.map.shape == (1, *SIZE)
    assert found.one is not None
    np.testing.assert_allclose(asking.map.signed[0], found.one.seen.signed, rtol=1e-6)
    assert asking.case.boxes is not None
    assert asking.case.boxes.tolist() == [[18, 4, 24, 10]]  # of the ant alone
    assert asking.case.picture is opened.photo.a


def test_a_box_that_the_model_does_not_see_is_none(tmp_path: Path) -> None:
    plan = tiny_plan(photos(tmp_path / "p", 3), referenced=False)
    found, opened = shot(tmp_path / "q", Labelled("ant", 0, 0, 6, 16))  # left of what is cut out
    assert ask(plan.sides, opened, found).case.boxes is None
