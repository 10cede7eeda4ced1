"""A folder of recordings, written whole and read back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cam_core.errors import InputError
from cam_core.recording import (
    FACTS,
    Recorded,
    is_recording,
    read_folder,
    require_model,
    write_folder,
)


def one(digit: str, size: int = 2, classes: int = 3) -> Recorded:
    map_ = np.full((1, size, size), int(digit), np.float32)
    return Recorded(digit * 64, np.ones((1, classes), np.float32), map_)


def test_it_comes_back(tmp_path: Path) -> None:
    folder = tmp_path / "recording"
    written = write_folder(folder, {"a": one("1"), "b": one("2")}, {"model": "m.onnx"})
    assert {path.name for path in written} == {"a.npz", "b.npz", FACTS}
    found, facts = read_folder(folder)
    assert {name: r.input_sha256[0] for name, r in found.items()} == {"a": "1", "b": "2"}
    assert facts == {"model": "m.onnx"}
    write_folder(folder, {"a": one("3"), "b": one("2")}, {})  # the same pictures again
    assert read_folder(folder)[0]["a"].input_sha256[0] == "3"


def test_facts_may_be_missing(tmp_path: Path) -> None:
    write_folder(tmp_path, {"a": one("1")}, {})
    (tmp_path / FACTS).unlink()
    assert read_folder(tmp_path)[1] == {}


def test_two_recordings_do_not_mix(tmp_path: Path) -> None:
    write_folder(tmp_path, {"a": one("1")}, {})
    with pytest.raises(InputError, match=r"holds 'a\.npz' already"):
        write_folder(tmp_path, {"b": one("2")}, {})
    assert not (tmp_path / "b.npz").exists()


def test_a_recording_is_no_model(tmp_path: Path) -> None:
    write_folder(tmp_path / "kept", {"a": one("1")}, {})
    assert is_recording(tmp_path / "kept")
    with pytest.raises(InputError, match="kept' is a recording: finished maps, no activations"):
        require_model(str(tmp_path / "kept"))
    (tmp_path / "a.onnx").write_bytes(b"")
    for other in (tmp_path, tmp_path / "a.onnx", tmp_path / "gone", object(), b""):
        assert not is_recording(other)
        require_model(other)


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no recording"):
        read_folder(tmp_path)
    write_folder(tmp_path, {"a": one("1"), "b": one("2", classes=4)}, {})
    with pytest.raises(InputError, match="of several models"):
        read_folder(tmp_path)
    write_folder(tmp_path, {"a": one("1"), "b": one("2")}, {})
    for text, words in (("{", "no JSON"), ("[]", "no JSON object")):
        (tmp_path / FACTS).write_text(text)
        with pytest.raises(InputError, match=words):
            read_folder(tmp_path)
