"""A saved model brings along the weights that lie in other files."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from onnx import TensorProto

from backends.onnx import OnnxBackend, instrument, strip
from backends.onnx.capturing.weights import change_weights
from backends.onnx.instrumenting.save import COPIED, LINKED, SHARED, save
from backends.onnx.reading.load import load
from cam_core.cli.group import gradcam
from cam_core.errors import ModelError
from cam_core.targets import ClassTarget
from tests.external import TEXT, images, net, written
from tests.paths import ROOT


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return written(tmp_path / "source")


@pytest.mark.parametrize(("copy", "how"), [(False, LINKED), (True, COPIED)])
def test_files_come_along(path: Path, tmp_path: Path, copy: bool, how: str) -> None:
    other = tmp_path / "other"
    other.mkdir()
    source, model = load(path), instrument(path, layer="a")
    files = save(model, other / "cam.onnx", source, copy=copy)
    assert [(f.path.relative_to(other).as_posix(), f.how) for f in files] == [
        ("parts/k.data", how),
        ("rest.data", how),
    ]
    for file in files:
        old = path.parent / file.path.relative_to(other)
        assert file.path.samefile(old) != copy
        assert file.path.read_bytes() == old.read_bytes()
        assert file.size == old.stat().st_size
    assert [f.how for f in save(model, path.parent / "cam.onnx", source)] == [SHARED, SHARED]
    assert strip(other / "cam.onnx") == onnx.load(path, load_external_data=False)
    again = OnnxBackend(other / "cam.onnx").capture(images(), ClassTarget(2), layers=["a"])
    (wanted,) = OnnxBackend(net()).capture(images(), ClassTarget(2), layers=["a"])
    np.testing.assert_array_equal(again[0].gradients, wanted.gradients)


def test_another_disk_is_said(path: Path, tmp_path: Path, monkeypatch: Any) -> None:
    def refuse(*args: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "other").mkdir()
    out = tmp_path / "other" / "cam.onnx"
    arguments = ["instrument", str(path), "-o", str(out), "--weights", "link"]
    found = CliRunner().invoke(gradcam, arguments)
    assert found.exit_code == 0, found.output
    assert found.output.count("MiB, copy)") == 2
    assert (tmp_path / "other" / "parts" / "k.data").is_file()


def test_no_file_is_larger_than_a_message(path: Path, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("backends.onnx.reading.load.LARGEST_MESSAGE", 100)
    with pytest.raises(ModelError, match="larger than 2 GiB, which no ONNX file can be"):
        load(path)
    monkeypatch.undo()
    monkeypatch.setattr(
        "backends.onnx.capturing.weights.LARGEST_MESSAGE", path.stat().st_size + 100
    )
    with pytest.raises(ModelError, match="more than 2 GiB cannot be changed"):
        change_weights(load(path), lambda name, value: value)
    monkeypatch.setattr("backends.onnx.instrumenting.save.LARGEST_MESSAGE", 100)
    with pytest.raises(ModelError, match="larger than 2 GiB; keep its weights"):
        save(instrument(path, layer="a"), tmp_path / "cam.onnx", load(path))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["source"]


MEASURED = """
import sys
from backends.onnx import instrument, strip
from backends.onnx.reading.load import LARGEST_MESSAGE, load, message_size
from backends.onnx.instrumenting.save import save
def peak():
    return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) // 1024
small, large, out = sys.argv[1:]
instrument(small, layer="a", outputs=("map", "gradients"))
before = peak()
source = load(large)
save(instrument(source, layer="a", outputs=("map", "gradients")), out, source, copy=False)
strip(out)
print(peak() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc/self/status")
def test_weights_are_never_all_in_memory(path: Path, tmp_path: Path) -> None:
    """300 MB of weights, in a file with holes: what is written for them takes none of it."""
    wide = 300 * 2**20 // 4 // 9
    text = TEXT.replace("y = MatMul(f, w)", "h = MatMul(f, v)  r = Relu(h)  y = MatMul(r, w)")
    model, small, offset = onnx.parser.parse_model(text), net().graph.initializer, 0
    model.graph.initializer.extend([small[0], small[2]])
    for name, shape in {"v": (4, wide), "w": (wide, 5)}.items():
        tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape)
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="big.data")
        tensor.external_data.add(key="offset", value=str(offset))
        offset += 4 * shape[0] * shape[1]
        model.graph.initializer.append(tensor)
    with (path.parent / "big.data").open("wb") as file:
        file.truncate(offset)
    onnx.save(model, path.parent / "big.onnx")
    (tmp_path / "other").mkdir()
    where = [path, path.parent / "big.onnx", tmp_path / "other" / "cam.onnx"]
    found = subprocess.run(
        [sys.executable, "-c", MEASURED, *map(str, where)],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert found.returncode == 0, found.stderr
    assert int(found.stdout) < 64, found.stdout
