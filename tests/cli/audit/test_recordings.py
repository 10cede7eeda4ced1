"""`gradcam audit` where a side is what `gradcam record` wrote, or a device without a word more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("onnxruntime")
pytest.importorskip("pyarrow")
pytest.importorskip("jinja2")

from cam_core.cli.group import gradcam
from cam_core.demo import PREPROCESS
from tests.cli.audit.files import COUNT, audit, write_files

UNKNOWN = {"noise_floor", "channels"}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scenes, and what the model gave for them: whole, and as a device writes it."""
    folder = write_files(tmp_path_factory.mktemp("audit"))
    photos = [str(path) for path in sorted((folder / "photos").rglob("*.png"))[:-1]]
    photos = [path for path in photos if not path.endswith("99.png")]
    call = ["record", str(folder / "a.onnx"), *photos, "--preprocess", PREPROCESS]
    labels = ["--labels", str(folder / "labels.txt")]
    done = CliRunner().invoke(gradcam, [*call, *labels, "-o", str(folder / "kept")])
    assert done.exit_code == 0, done.output
    (folder / "bare").mkdir()
    for file in (folder / "kept").glob("*.npz"):
        (folder / "bare" / file.name).write_bytes(file.read_bytes())
    return folder


@pytest.fixture(autouse=True)
def _here(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(files)


def rows(out: str) -> list[dict[str, Any]]:
    from pyarrow.parquet import read_table

    return read_table(Path(out) / "rows").to_pylist()


def recorded(out: str) -> list[dict[str, Any]]:
    """Those of photos that were recorded."""
    kept = {path.stem for path in Path("kept").glob("*.npz")}
    return [row for row in rows(out) if Path(row["photo"]).stem in kept]


def alike(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    """Batches of eight and photos alone differ in the last bits of float32."""
    assert len(found) == len(expected) > COUNT // 2
    for one, own in zip(found, expected, strict=True):
        for name, value in own.items():
            if name in UNKNOWN:
                assert one[name] is None
            elif isinstance(value, float | list):
                np.testing.assert_allclose(one[name], value, rtol=1e-4, atol=1e-6, err_msg=name)
            elif name != "bounds":
                assert one[name] == value, name


def test_alone_it_has_the_rows_of_the_model() -> None:
    assert audit("a.onnx", "photos", out="own").exit_code == 0
    result = CliRunner().invoke(gradcam, ["audit", "kept", "photos", "-o", "alone"])
    assert result.exit_code == 0, result.output
    assert "note: the model is a recording: its finished maps have no noise floor" in result.output
    alike(recorded("alone"), recorded("own"))
    settings = json.loads(Path("alone/manifest.json").read_text())["settings"]
    names = {path.name for path in Path("kept").iterdir()}
    assert set(settings["models"][0]) == names
    page = Path("alone/report.html").read_text()
    assert "Worst photos" in page


@pytest.mark.parametrize("recording", ["kept", "bare"])
def test_beside_a_model(recording: str) -> None:
    assert audit("a.onnx", "b.onnx", "photos", "--bounds", "2", out="pair").exit_code == 0
    first = audit(recording, "b.onnx", "photos", "--bounds", "2", out=f"{recording}-b")
    assert first.exit_code == 0, first.output
    assert "note: A is a recording" in first.output
    alike(recorded(f"{recording}-b"), recorded("pair"))
    second = audit("b.onnx", recording, "photos", out=f"b-{recording}")
    assert second.exit_code == 0, second.output
    back = [row["spearman"] for row in recorded(f"b-{recording}")]
    there = [row["spearman"] for row in recorded("pair")]
    np.testing.assert_allclose(back, there, rtol=1e-4)
    assert "B - A" in Path(f"b-{recording}/report.html").read_text()


def test_two_recordings() -> None:
    result = CliRunner().invoke(gradcam, ["audit", "kept", "kept", "photos", "-o", "two"])
    assert result.exit_code == 0, result.output
    assert "note: A and B are recordings" in result.output
    np.testing.assert_allclose([row["spearman"] for row in recorded("two")], 1, rtol=1e-12)


REFUSED: list[tuple[list[str], str]] = [
    (["bare", "photos"], "does not say what its model takes"),
    (["kept", "photos", "--target", "3"], "target '3': 'kept' is a recording"),
    (["kept", "photos", "--method", "layercam"], "method 'layercam': 'kept' is a recording"),
    (["kept", "photos", "--layer", "relu_3"], "the backend 'recorded' takes no 'layer'"),
]


@pytest.mark.parametrize(("arguments", "words"), REFUSED, ids=[words for _, words in REFUSED])
def test_what_it_has_not_is_refused_in_a_line(arguments: list[str], words: str) -> None:
    result = CliRunner().invoke(gradcam, ["audit", *arguments, "-o", "refused"])
    assert result.exit_code == 2
    assert words in result.stderr
    assert not Path("refused").exists()
