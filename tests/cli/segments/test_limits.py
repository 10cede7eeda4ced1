"""The threshold: what may be typed, what it is of a map, and how labels choose it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cam_core.backend import Array
from cam_core.cli.segments.limits import calibrated, limit_of
from cam_core.errors import InputError
from cam_core.image import Placement, place
from cam_core.metrics.localisation import box_overlap

WHOLE = place((20, 20), (20, 20), "stretch")


def hill(row: int, column: int, height: float = 1.0) -> Array:
    """Heat that falls by a twentieth a step: above t it is a square of 2 * ceil(20 (1 - t)) - 1."""
    y, x = np.mgrid[:20, :20]
    return np.asarray(np.maximum(height - np.maximum(abs(y - row), abs(x - column)) / 20, 0))


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [(None, "gradcam", 0.15), ("cam", "cam", 0.2), ("0.3", "given", 0.3), ("0", "given", 0.0)],
)
def test_what_is_typed(text: str | None, kind: str, value: float) -> None:
    limit = limit_of(text)
    assert limit.facts()["kind"] == kind
    assert limit.value(hill(5, 5), WHOLE) == limit.facts()["value"] == value


@pytest.mark.parametrize("text", ["1", "-0.1", "nan", "half", "15%"])
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=f"--above '{text}': give gradcam, cam, otsu, or a number"):
        limit_of(text)


def test_otsu_is_of_each_map() -> None:
    limit = limit_of("otsu")
    assert limit.facts()["value"] is None
    two = np.where(np.arange(400).reshape(20, 20) < 40, 2.0, 0.5)
    assert limit.value(two, WHOLE) == 0.25  # the lower of two values, of a maximum of 2


def photos(*maps: tuple[str, int, str]) -> list[Any]:
    """Samples with a map each: (name, class, label)."""
    return [
        SimpleNamespace(
            sample=SimpleNamespace(slot=SimpleNamespace(path=Path(f"x/{name}.jpg"))),
            explained=[
                SimpleNamespace(
                    explanation=SimpleNamespace(classes=np.array([number])),
                    row=SimpleNamespace(label=label),
                )
            ],
        )
        for name, number, label in maps
    ]


LOOKED = photos(("a", 0, "cat"), ("b", 1, "dog"), ("c", 0, "cat"))
HEAT = {"a": hill(10, 10), "b": hill(9, 9), "c": np.zeros((20, 20))}


def heat_of(looked: Any, index: int) -> tuple[Array, Placement]:
    return HEAT[looked.sample.slot.path.stem], WHOLE


def written(folder: Path, rows: str) -> Path:
    (folder / "boxes.csv").write_text(rows)
    return folder / "boxes.csv"


def test_chosen_on_the_maps_with_boxes_of_their_class(tmp_path: Path) -> None:
    labels = written(tmp_path, "a,cat 8 8 13 13 dog 0 0 20 20\nb,cat 7 7 12 12\nc,cat 0 0 5 5\n")
    limit = calibrated(labels, LOOKED, heat_of, any_class=False)
    maps = [HEAT["a"], HEAT["c"]]  # b has no box of a dog; c no heat, and so no box
    boxes = [np.array([[8, 8, 13, 13]]), np.array([[0, 0, 5, 5]])]
    tried = [i / 100 for i in range(100)]
    means = [box_overlap(np.stack(maps), boxes, threshold=t).mean() for t in tried]
    assert limit.chosen["maps"] == 2
    assert limit.chosen["found"] == 0.5
    assert limit.chosen["mean_iou"] == pytest.approx(max(means))
    assert limit.threshold == tried[int(np.argmax(means))] > 0.8
    assert limit.chosen["found_at"] == {"gradcam": 0.0, "cam": 0.0}


def test_boxes_of_any_class(tmp_path: Path) -> None:
    labels = written(tmp_path, "a,bird 8 8 13 13\nb,bird 7 7 12 12\n")
    with pytest.raises(
        InputError, match=r"no box of a map's class; the labels have bird\..*--any-class"
    ):
        calibrated(labels, LOOKED, heat_of, any_class=False)
    limit = calibrated(labels, LOOKED, heat_of, any_class=True)
    assert (limit.chosen["maps"], limit.chosen["found"]) == (2, 1.0)
    assert limit.facts()["boxes"] == "of any class"


def test_labels_of_other_photos_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no box of any of these photos"):
        calibrated(written(tmp_path, "z,cat 0 0 5 5\n"), LOOKED, heat_of, any_class=True)
