"""A recording in place of its model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backends.recorded import RecordedBackend
from cam_core import Backend, explain, open_backend
from cam_core.errors import InputError, LayerError, ModelError, TargetError
from cam_core.recording import Recorded, sha256_of, write_folder

x = np.random.default_rng(5).normal(size=(3, 2, 4, 4)).astype(np.float32)
Y = np.array([[1, 2, 3], [4, 5, 6], [9, 8, 7]], np.float32)
SIGNED = np.arange(-6, 6, dtype=np.float32).reshape(3, 2, 2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pictures = {
        f"p{i}": Recorded(
            sha256_of(x[i]), Y[i : i + 1], np.maximum(SIGNED[i : i + 1], 0), SIGNED[i : i + 1], i
        )
        for i in range(3)
    }
    facts = {
        "inputs": [{"name": "x", "shape": ["N", 2, 4, 4], "type": "float32", "channels": 1}],
        "head": {"kind": "classes", "activation": "Softmax"},
        "metadata": {"cam.labels": ["a", "b", "c"], "cam.layer": "late"},
    }
    write_folder(tmp_path / "rec", pictures, facts)
    return tmp_path / "rec"


def test_it_gives_what_was_recorded_row_by_row(folder: Path) -> None:
    backend = open_backend(folder)
    assert isinstance(backend, RecordedBackend)
    assert isinstance(backend, Backend)
    order = [2, 0]
    outputs = backend.forward(x[order])
    np.testing.assert_array_equal(outputs["logits"], Y[order])
    np.testing.assert_array_equal(outputs["cam_signed"], SIGNED[order])
    np.testing.assert_array_equal(outputs["cam_map"], np.maximum(SIGNED[order], 0))
    assert outputs["cam_class_used"].tolist() == order
    look = backend.look({"x": x[:1]}, layers=())
    np.testing.assert_array_equal(look.score, Y[:1])
    assert (list(look.layers), dict(look.activations)) == ([], {})
    assert not look.score.flags.writeable


def test_it_says_what_is_known(folder: Path) -> None:
    backend = RecordedBackend(folder)
    (info,), (head,) = backend.inputs(), backend.heads()
    assert (info.name, info.shape, info.dtype, info.channel_axis) == (
        *("x", ("N", 2, 4, 4), np.float32),
        1,
    )
    assert (head.kind, head.probability, backend.classes) == ("classes", "softmax", 3)
    assert backend.metadata == {"cam.labels": '["a", "b", "c"]', "cam.layer": "late"}
    (folder / "recording.json").unlink()
    bare = RecordedBackend(folder)
    assert (bare.inputs(), bare.metadata, bare.heads()[0].kind) == ([], {}, "unknown")
    np.testing.assert_array_equal(bare.forward(x[1:2])["logits"], Y[1:2])


def test_other_pictures_are_refused_by_their_hash(folder: Path) -> None:
    backend = RecordedBackend(folder)
    other = x.copy()
    other[1, 0, 0, 0] += 1e-3  # another preprocessing is another input
    with pytest.raises(InputError, match=r"other pictures: row 1 .* none of its 3"):
        backend.forward(other)


def test_what_it_does_not_have_is_said(folder: Path) -> None:
    backend = RecordedBackend(folder)
    for layers in (None, ["late"]):
        with pytest.raises(LayerError, match="finished maps, no activations"):
            backend.look(x, layers=layers)
    with pytest.raises(InputError, match="'x' has no gradient"):
        backend.look(x, layers=(), inputs=["x"])
    for call in (
        lambda: backend.capture(x, lambda y, _: y),
        lambda: backend.captures(x, []),
        lambda: backend.with_weights(lambda name, w: w),
        lambda: backend.scored("boxes"),
    ):
        with pytest.raises(ModelError):
            call()
    with pytest.raises(LayerError, match="finished maps"):
        explain(backend, x)
    look = backend.look(x, layers=())
    with pytest.raises(LayerError, match="not looked at"):
        look.tail("late")
    with pytest.raises(TargetError, match="cotangent"):
        look.pull(lambda y, _: y[:1])
    assert dict(look.pull(lambda y, _: y).layers) == {}


def test_a_folder_of_other_things_is_not_claimed(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    assert not RecordedBackend.claims(tmp_path)
    assert not RecordedBackend.claims(b"bytes")
    with pytest.raises(ModelError, match="is a folder"):
        open_backend(tmp_path)
