"""The .npz of one picture: what is written, what others write, and what is refused."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cam_core.errors import InputError
from cam_core.recording import Recorded, from_npz, sha256_of, to_npz
from tests.paths import ROOT


def npz(**arrays: Any) -> bytes:
    """As NumPy writes it."""
    content = BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()


WHOLE: dict[str, Any] = {
    "input_sha256": np.frombuffer(hashlib.sha256(b"x").digest(), np.uint8),
    "logits": np.array([0.5, -1, 2], np.float32),
    "cam_map": np.array([[0, 1], [2, 0]], np.float32),
}


def test_it_comes_back() -> None:
    signed = np.array([[[-3, 1], [2, -1]]], np.float32)
    own = Recorded("ab" * 32, np.ones((1, 3)), np.maximum(signed, 0), signed, 2)
    found = from_npz(to_npz(own), "photo.npz")
    assert (found.input_sha256, found.cam_class_used) == ("ab" * 32, 2)
    for name in ("logits", "cam_map", "cam_signed"):
        np.testing.assert_array_equal(getattr(found, name), getattr(own, name))
    assert to_npz(found) == to_npz(own)
    with np.load(BytesIO(to_npz(own))) as file:  # anybody's NumPy reads it
        assert file["cam_class_used"].tolist() == [2]


def test_a_batch_axis_may_be_left_out() -> None:
    found = from_npz(npz(**WHOLE), "photo.npz")
    assert (found.logits.shape, found.cam_map.shape) == ((1, 3), (1, 2, 2))
    assert (found.cam_signed, found.cam_class_used) == (None, None)


@pytest.mark.parametrize(
    "known",
    [
        np.frombuffer(hashlib.sha256(b"x").digest(), np.uint8),
        np.frombuffer(hashlib.sha256(b"x").hexdigest().encode(), np.uint8),
        np.array(hashlib.sha256(b"x").hexdigest().upper()),
        np.array(hashlib.sha256(b"x").hexdigest().encode()),
    ],
    ids=["bytes", "digits", "text", "ascii"],
)
def test_the_hash_is_read_in_each_form(known: Any) -> None:
    found = from_npz(npz(**WHOLE | {"input_sha256": known}), "photo.npz")
    assert found.input_sha256 == hashlib.sha256(b"x").hexdigest()


def test_the_input_itself_stands_for_its_hash() -> None:
    rest = {name: array for name, array in WHOLE.items() if name != "input_sha256"}
    x = np.arange(12, dtype=np.float32)
    found = from_npz(npz(**rest, input=x.reshape(1, 3, 2, 2)), "photo.npz")
    assert found.input_sha256 == hashlib.sha256(x.tobytes()).hexdigest()


def test_the_hash_is_of_bytes_in_c_order() -> None:
    x = np.arange(12, dtype=np.float32).reshape(1, 3, 4)
    plain = hashlib.sha256(b"".join(np.float32(i).tobytes() for i in range(12))).hexdigest()
    assert sha256_of(x) == sha256_of(x[0]) == sha256_of(x.astype(">f4")) == plain
    assert sha256_of(np.asfortranarray(x)) == plain
    assert sha256_of(np.swapaxes(x, 1, 2)) != plain
    both = hashlib.sha256(x.tobytes() + b"\x01").hexdigest()
    assert sha256_of({"b": np.array([1], np.uint8), "a": x}) == both


def test_the_hash_is_of_numbers_that_numpy_alone_does_not_know() -> None:
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    by_hand = hashlib.sha256(b"\x80\x3f\x00\xc0").hexdigest()  # the upper halves of float32
    assert sha256_of(np.array([1, -2], bfloat16)) == by_hand


REFUSED = [
    (b"PK\x03\x04 no more", "is no recording"),
    (npz(logits=WHOLE["logits"], input=np.ones(3)), "has no 'cam_map'; it has logits, input"),
    (npz(logits=WHOLE["logits"], cam_map=WHOLE["cam_map"]), "neither 'input_sha256' nor"),
    (npz(**WHOLE | {"input_sha256": np.array("abc")}), "64 hexadecimal digits"),
    (npz(**WHOLE, cam_signed=np.ones((3, 3))), r"cam_signed is \[1, 3, 3\] and cam_map \[1, 2, 2"),
    (npz(**WHOLE, cam_class_used=np.array([1, 2])), "one whole number"),
    (npz(**WHOLE | {"logits": np.array(["a"])}), "no numbers"),
    (npz(**WHOLE, cam_class_used=np.array(99)), r"cam_class_used is 99 and logits \[1, "),
    (npz(**WHOLE | {"logits": np.array([{}], object)}), "it is no .npz of numbers; write it aga"),
    (b"xx", "it is no .npz of numbers; write it aga"),
]


@pytest.mark.parametrize(("content", "words"), REFUSED, ids=[words[:12] for _, words in REFUSED])
def test_what_is_no_recording_is_said_in_a_line(content: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words):
        from_npz(content, "photo.npz")


def written_by(language: str, folder: Path) -> bytes:
    """What the example in that language writes."""
    source = ROOT / "examples" / "recording" / f"record.{language}"
    tool = {"js": "node", "cpp": "g++"}[language]
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")
    if language == "cpp":
        build = [tool, "-std=c++17", "-Wall", "-Werror", str(source), "-o", "record"]
        subprocess.run(build, cwd=folder, check=True)
    command = ["./record"] if language == "cpp" else [tool, str(source)]
    subprocess.run(command, cwd=folder, check=True)
    return (folder / "photo.npz").read_bytes()


@pytest.mark.parametrize("language", ["cpp", "js"])
def test_other_languages_write_it(language: str, tmp_path: Path) -> None:
    found = from_npz(written_by(language, tmp_path), "photo.npz")
    assert found.input_sha256 == sha256_of(np.arange(12, dtype=np.float32))
    np.testing.assert_array_equal(found.logits, [[0.5, -1, 2]])
    np.testing.assert_array_equal(found.cam_map, [[[0, 1], [2, 0]]])
    np.testing.assert_array_equal(found.cam_signed, [[[-3, 1], [2, -1]]])
    assert found.cam_class_used == 2
