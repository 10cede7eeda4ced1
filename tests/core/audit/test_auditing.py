"""The function: from files to a summary, and which files' changes it notices."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pyarrow")
pytest.importorskip("onnxruntime")

from cam_core import explain, open_backend
from cam_core.audit import audit
from cam_core.demo import LABELS, MODEL, PREPROCESS, load_scenes
from cam_core.errors import InputError
from cam_core.image import PRESETS, preprocess

NAMES = LABELS.read_text().splitlines()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's model and its scenes, some of them turned."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("audit")
    (folder / "a.onnx").write_bytes(MODEL.read_bytes())
    (folder / "photos").mkdir()
    for i, scene in enumerate(load_scenes()):
        for k in (0, 2):
            pixels = np.ascontiguousarray(np.rot90(scene.pixels(), k))
            Image.fromarray(pixels).save(folder / "photos" / f"{i}{k}.png")
    return folder


def call(files: Path, out: Path, **asked: Any) -> Any:
    known: dict[str, Any] = {"preprocess": PRESETS[PREPROCESS], "labels": NAMES}
    return audit(files / "a.onnx", files / "photos", out, **{**known, **asked})


def test_rows_are_those_of_explain(files: Path, tmp_path: Path) -> None:
    from cam_core.image import read

    found = call(files, tmp_path)
    backend = open_backend(files / "a.onnx")
    for row in found.table.parts.rows(list(found.table.columns)):
        pixels = read(files / "photos" / row["photo"])
        x = preprocess(pixels, PRESETS[PREPROCESS], backend.inputs()[0]).x
        own = explain(backend, x, labels=NAMES)
        assert own.labels is not None
        assert (row["answer"], row["target"]) == (own.labels[0], own.labels[0])
        # looked at eight at a time, and alone: float32
        assert row["raw_max"] == pytest.approx(float(own.raw_max[0]), rel=1e-4)
        assert row["score_model"] == pytest.approx(float(own.score[0]), rel=1e-4)


def test_a_model_is_the_same_as_itself(files: Path, tmp_path: Path) -> None:
    found = call(files, tmp_path, reference=files / "a.onnx")
    assert found.verdict is not None
    assert found.verdict.word == "the same"
    np.testing.assert_allclose(found.table.numbers("spearman"), 1, rtol=1e-12)  # ranks' rounding
    assert found.table.numbers("fed_alike").tolist() == [1.0] * 6


def test_another_file_of_that_name_is_another_model(files: Path, tmp_path: Path) -> None:
    call(files, tmp_path)
    (files / "a.onnx.data").write_bytes(b"weights beside it")
    try:
        with pytest.raises(InputError, match="report of other settings: models is"):
            call(files, tmp_path)
    finally:
        (files / "a.onnx.data").unlink()
    assert len(call(files, tmp_path).table) == 6


def test_a_photo_without_preprocessing_is_told(files: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a photo: say how it is prepared"):
        call(files, tmp_path, preprocess=None)
