"""A file that computes something else is not written; one that is written says where it is from."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import pytest

from cam_core import open_backend
from cam_core.converted import CONVERTED
from cam_core.errors import InputError, ModelError
from cam_core.sources import known
from converters.finish import finish, hash_of
from converters.parity import Feed, Seen

pytest.importorskip("onnxruntime")
TEXT = """<ir_version: 14, opset_import: ["" : 17]>
net (float[N, 3, 8, 8] x) => (float[N, 3] y) {
    a = Tanh(x)
    g = GlobalAveragePool(a)
    y = Flatten(g)
}"""
FEED: Feed = {"x": np.random.default_rng(0).random((2, 3, 8, 8)).astype(np.float32)}


def write(file: Path) -> None:
    onnx.save(onnx.parser.parse_model(TEXT), str(file))


def source(scale: float = 1.0) -> object:
    def run(feed: Feed) -> Seen:
        a = np.tanh(feed["x"] * np.float32(scale))
        return Seen({"out": a.mean((2, 3))}, lambda: {"tanh": a})

    return run


TOLD = {"source": "net.keras", "sha256": "ab", "converter": "by hand"}


def test_what_is_written_says_where_it_is_from(tmp_path: Path) -> None:
    metadata = {"cam.labels": ["a", "b", "c"], "cam.preprocess": {"scale": 0.5, "bgr": True}}
    path, parity = finish(
        tmp_path / "net.onnx", write, source(), [FEED], told=TOLD, metadata=metadata
    )
    assert parity is not None
    assert parity.same
    model = onnx.load(str(path))
    assert model.ir_version == 13
    props = {entry.key: entry.value for entry in model.metadata_props}
    assert json.loads(props[CONVERTED]) == TOLD
    found = known(path)
    assert (found.labels, found.preprocess.scale, found.preprocess.bgr) == (tuple("abc"), 0.5, True)
    assert list(open_backend(path).look(FEED["x"]).layers) == ["a"]


def test_what_differs_is_not_written_unless_forced(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    with pytest.raises(ModelError, match=r"disagree: .* first at 'tanh', in the other at 'a'"):
        finish(path, write, source(2), [FEED], told=TOLD)
    assert list(tmp_path.iterdir()) == []
    _, parity = finish(path, write, source(2), [FEED], told=TOLD, force=True)
    assert path.exists()
    assert parity is not None
    assert not parity.same
    assert finish(path, write, source(2), [], told=TOLD)[1] is None


def test_a_folder_without_permission_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied", "tmp123")

    monkeypatch.setattr("tempfile.mkdtemp", refused)  # root may write anywhere
    with pytest.raises(InputError, match=r"cannot write '.*net\.onnx': Permission denied"):
        finish(tmp_path / "net.onnx", write, source(), [FEED], told=TOLD)


def test_the_hash_is_that_of_the_content(tmp_path: Path) -> None:
    file = tmp_path / "a" / "b.txt"
    file.parent.mkdir()
    file.write_bytes(b"x")
    assert hash_of(file) == hashlib.sha256(b"x").hexdigest()
    assert hash_of(tmp_path / "a") == hashlib.sha256(b"b.txtx").hexdigest()
