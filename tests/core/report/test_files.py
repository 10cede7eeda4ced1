"""An explanation as files."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image

from cam_core.explanation import Explanation
from cam_core.report import files_of, to_json, versions


def row() -> Explanation:
    """One map of two by two."""
    signed = np.array([[[1.0, -2.0], [0.0, 3.0]]])
    return Explanation(
        map=np.maximum(signed, 0),
        signed=signed,
        alpha=np.ones((1, 1, 1, 1)),
        score=np.array([0.5]),
        classes=np.array([2]),
        layer="c",
        method="gradcam",
        target="2",
        raw_max=np.array([3.0]),
        noise_floor=np.array([0.0]),
        diagnosis=("",),
    )


def test_each_kind_holds_what_it_says() -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    found = files_of("a.2", row(), b"{}", picture=pixels, signed=True)
    assert list(found) == ["a.2.png", "a.2.npy", "a.2.signed.npy", "a.2.json"]
    np.testing.assert_array_equal(np.asarray(Image.open(BytesIO(found["a.2.png"]))), pixels)
    np.testing.assert_array_equal(np.load(BytesIO(found["a.2.npy"])), row().map[0])
    np.testing.assert_array_equal(np.load(BytesIO(found["a.2.signed.npy"])), row().signed[0])
    assert found["a.2.json"] == b"{}"


def test_what_is_not_wanted_is_not_there() -> None:
    assert list(files_of("a", row(), b"{}")) == ["a.npy", "a.json"]


def test_names_that_are_no_text_are_written_all_the_same() -> None:
    assert to_json({"image": "b\udce9e.jpg"}) == b'{\n  "image": "b\\udce9e.jpg"\n}\n'


def test_versions_name_what_computes() -> None:
    assert versions()["numpy"] == np.__version__
