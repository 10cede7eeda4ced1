"""What is compared, and what is refused."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest

from cam_core.errors import InputError
from cam_core.image import PRESETS
from cam_core.metrics import Measured, compare, paired_difference

PHOTOS = ("a", "b", "c")
FIRST = Measured("deletion", np.array([0.5, 0.4, 0.6]), PRESETS["imagenet"], PHOTOS)
SECOND = replace(FIRST, values=np.array([0.4, 0.1, 0.5]))


def test_pairs_of_the_same_photos() -> None:
    found = compare(FIRST, SECOND, draws=500, seed=3)
    assert found == paired_difference(FIRST.values, SECOND.values, draws=500, seed=3)
    assert found.mean == pytest.approx((0.1 + 0.3 + 0.1) / 3)


def test_a_record_of_a_preprocessing_is_the_preprocessing() -> None:
    """As JSON has it, with lists for tuples."""
    record = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(PRESETS["imagenet"]).items()
    }
    assert compare(FIRST, replace(SECOND, preprocess=record)) == compare(FIRST, SECOND)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"preprocess": PRESETS["unit"]},
            r"different preprocessing \(.*mean \(0.485, 0.456, 0.406\) and \(0.0,\)",
        ),
        (
            {"preprocess": replace(PRESETS["imagenet"], resample="bicubic")},
            r"preprocessing \(resample bilinear and bicubic\) are not compared",
        ),
        ({"preprocess": "imagenet"}, "different preprocessing"),
        ({"options": {"steps": 50}}, r"different options \(steps None and 50\)"),
        ({"photos": ("a", "b", "d")}, r"different photos \([cd]\)"),
        ({"photos": ("b", "a", "c")}, "their order"),
        ({"metric": "insertion"}, "deletion and insertion are not compared"),
    ],
)
def test_what_is_not_compared(change: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        compare(FIRST, replace(SECOND, **change))


def test_what_has_no_pairs() -> None:
    with pytest.raises(InputError, match="one number a photo"):
        replace(FIRST, values=np.zeros(2))
    with pytest.raises(InputError, match="one number of all photos"):
        replace(FIRST, metric="MaxBoxAccV2")
