"""What an explanation shows, says and saves."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from cam_core.answers import from_capture
from cam_core.backend import Capture
from cam_core.captures import capture
from cam_core.errors import InputError
from cam_core.explain import explain
from cam_core.explanation import Explanation
from cam_core.maps.combine import heatmap
from cam_core.targets import ClassTarget
from tests.core.linear import LABELS, Linear


def test_a_map_without_space_is_its_sum() -> None:
    """A layer [N, K], and no rows at all as from a gated model."""
    A, G = np.array([[1.0, 2], [3, 4]]), np.array([[1.0, 1], [1, -1]])
    e = from_capture(Capture("fc", np.ones((2, 3)), A, G), ClassTarget(0))
    assert e.signed.tolist() == [3, -1]
    assert e.raw_max.tolist() == [3, 0]
    assert len(from_capture(Capture("fc", np.ones((0, 3)), A[:0], G[:0]), ClassTarget(0))) == 0


def test_a_broken_row_leaves_the_others(model: Linear, x: np.ndarray) -> None:
    (seen,) = capture(model, x, ClassTarget(0))
    seen.activations[1, 0, 0, 0] = np.inf
    e = from_capture(seen, ClassTarget(0))
    assert e.diagnosis[0] == ""
    assert "NaN or inf in the activations" in e.diagnosis[1]
    assert e.heatmap()[0].max() > 0.99
    assert not e.heatmap()[1].any()


def test_heatmap_has_the_asked_size(model: Linear, x: np.ndarray) -> None:
    e = explain(model, x, 0)
    assert e.heatmap().shape == (2, 3, 5)
    np.testing.assert_array_equal(e.heatmap((30, 40)), heatmap(e.map, (30, 40)))


def zero_row() -> Explanation:
    return from_capture(
        Capture("x", np.ones((1, 2)), np.ones((1, 2, 3, 3)), np.zeros((1, 2, 3, 3))), ClassTarget(0)
    )


def test_overlay_paints_one_row(model: Linear, x: np.ndarray) -> None:
    from cam_core.image import overlay

    photo = np.full((30, 50, 3), 128, np.uint8)
    e = explain(model, x, 0)
    expected = overlay(photo, heatmap(e.map[:1], (30, 50))[0])
    np.testing.assert_array_equal(e[0].overlay(photo), expected)
    with pytest.raises(InputError, match="2 rows: index one first"):
        e.overlay(photo)


def test_a_zero_map_leaves_the_photo_alone() -> None:
    photo = np.full((30, 30, 3), 128, np.uint8)
    np.testing.assert_array_equal(zero_row().overlay(photo), photo)


def test_save_writes_each_row(model: Linear, x: np.ndarray, tmp_path: Path) -> None:
    from PIL import Image

    e = explain(model, x, "cat", labels=LABELS)
    paths = e.save(tmp_path / "new", "dog")
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == sorted(p.name for p in paths)
    assert len(paths) == 8
    np.testing.assert_array_equal(np.load(tmp_path / "new" / "dog.1.npy"), e.map[1])
    np.testing.assert_array_equal(np.load(tmp_path / "new" / "dog.1.signed.npy"), e.signed[1])
    facts = json.loads((tmp_path / "new" / "dog.1.json").read_text())
    assert (facts["class"], facts["label"], facts["layer"]) == (2, "cat", "x")
    assert facts["raw_max"] == pytest.approx(e.map[1].max())
    photo = np.full((12, 20, 3), 50, np.uint8)
    e[1].save(tmp_path, image=photo)
    with Image.open(tmp_path / "cam.png") as picture:
        np.testing.assert_array_equal(np.array(picture), e[1].overlay(photo))


def test_save_leaves_nothing_half_written(
    model: Linear, x: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Path.write_bytes

    def full_disk(path: Path, content: bytes) -> int:
        if ".json" in path.name:
            raise OSError(28, "No space left on device")
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(InputError, match="No space left on device"):
        explain(model, x[:1]).save(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_notebook_shows_the_map_or_the_reason(model: Linear, x: np.ndarray) -> None:
    from PIL import Image

    e = explain(model, x[:1], 0)
    with Image.open(BytesIO(e._repr_png_())) as picture:
        assert picture.size == (5 * 44, 3 * 44)
    assert "<img" in e._repr_html_()
    assert zero_row()._repr_png_() is None
    assert "<img" not in zero_row()._repr_html_()
    assert "gradient is exactly zero" in zero_row()._repr_html_()
    assert repr(e).startswith("<gradcam of 0 at x: 3x5, score ")
    assert repr(explain(model, x[:1], 0, labels=["cat", "dog"])).startswith(
        "<gradcam of 0 (cat) at "
    )
    rows = explain(model, x, [0, 1])
    assert repr(rows).startswith("<gradcam of 0,1 at ")
    assert [repr(row)[:20] for row in rows] == ["<gradcam of 0,1 (0) ", "<gradcam of 0,1 (1) "]
