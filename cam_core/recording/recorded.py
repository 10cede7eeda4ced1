"""One picture's recording: the hash of the input, the scores and the map, as one .npz."""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO

import numpy as np

from ..backend import Array, Inputs
from ..errors import InputError

HEX = re.compile(r"[0-9a-f]{64}")
BROKEN = (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, NotImplementedError)
"""What a damaged .npz ends in."""


@dataclass(frozen=True, eq=False)
class Recorded:
    """What a model gave for one picture; no array has a batch axis of more than 1."""

    input_sha256: str
    """Of the bytes of the model's input, as `sha256_of` takes it."""
    logits: Array
    """y [1, C], or the score in its own shape."""
    cam_map: Array
    """ReLU(sum_k alpha_k A^k), raw [1, *S]."""
    cam_signed: Array | None = None
    """The same before the ReLU [1, *S]."""
    cam_class_used: int | None = None
    """Which class the map is about; None where it is about none."""


def sha256_of(x: Inputs) -> str:
    """The hash of one picture's input: its bytes in C order, little-endian, without any shape.

    So [1, 3, 224, 224] and [3, 224, 224] are the same input, and NCHW and NHWC are two. Several
    inputs are hashed one after the other, by name in the order of the alphabet.
    """
    arrays = [x[name] for name in sorted(x)] if isinstance(x, Mapping) else [x]
    found = hashlib.sha256()
    for array in arrays:
        array = np.asarray(array)
        found.update(np.asarray(array, array.dtype.newbyteorder("<"), order="C").tobytes())
    return found.hexdigest()


def to_npz(recorded: Recorded) -> bytes:
    """The bytes of the .npz; the same recording gives the same bytes."""
    held: dict[str, Array] = {
        "input_sha256": np.frombuffer(bytes.fromhex(recorded.input_sha256), np.uint8),
        "logits": np.asarray(recorded.logits),
        "cam_map": np.asarray(recorded.cam_map),
    }
    if recorded.cam_signed is not None:
        held["cam_signed"] = np.asarray(recorded.cam_signed)
    if recorded.cam_class_used is not None:
        held["cam_class_used"] = np.array([recorded.cam_class_used], np.int64)
    content = BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as file:
        for name, array in held.items():
            entry = BytesIO()
            np.lib.format.write_array(entry, array, allow_pickle=False)
            file.writestr(zipfile.ZipInfo(f"{name}.npy"), entry.getvalue())
    return content.getvalue()


def from_npz(content: bytes, said: str) -> Recorded:
    """The recording in an .npz; `said` is what a message calls the file.

    Raises:
        InputError: no .npz, an array is missing, or one does not fit.
    """
    try:
        with np.load(BytesIO(content), allow_pickle=False) as file:
            held = {name: np.asarray(file[name]) for name in file.files}
    except BROKEN as error:
        raise InputError(f"'{said}' is no recording: {_why(error)}; write it again") from error
    for name in ("logits", "cam_map"):
        if name not in held:
            raise InputError(f"'{said}' has no '{name}'; it has {', '.join(held) or 'nothing'}")
    logits, cam_map = (_row(held[name], name, said) for name in ("logits", "cam_map"))
    signed = _row(held["cam_signed"], "cam_signed", said) if "cam_signed" in held else None
    if signed is not None and signed.shape != cam_map.shape:
        raise InputError(
            f"'{said}': cam_signed is {list(signed.shape)} and cam_map {list(cam_map.shape)}"
        )
    used = _class(held, said)
    if used is not None and logits.ndim == 2 and used >= logits.shape[1]:
        raise InputError(f"'{said}': cam_class_used is {used} and logits {list(logits.shape)}")
    return Recorded(_hash(held, said), logits, cam_map, signed, used)


def _why(error: Exception) -> str:
    """As NumPy says it, but for its advice to trust the file: pickled objects are never read."""
    text = str(error)
    return "it is no .npz of numbers" if "pickle" in text else text


def _row(array: Array, name: str, said: str) -> Array:
    """With a batch axis of 1, as floats."""
    if array.dtype.kind not in "fiu":
        raise InputError(f"'{said}': '{name}' is {array.dtype}, no numbers")
    array = array if array.ndim > 1 and len(array) == 1 else array[None]
    return array.astype(np.float32) if array.dtype.kind != "f" else array


def _hash(held: Mapping[str, Array], said: str) -> str:
    """As 32 bytes, as text, or that of the `input` itself."""
    if "input_sha256" not in held:
        if "input" in held:
            return sha256_of(held["input"])
        raise InputError(f"'{said}' has neither 'input_sha256' nor the 'input' itself")
    found = held["input_sha256"]
    if found.dtype == np.uint8 and found.size == 32:
        return found.tobytes().hex()
    text = found.tobytes().decode("ascii", "replace") if found.dtype.kind in "uS" else str(found)
    text = text.strip("\0").lower()
    if not HEX.fullmatch(text):
        raise InputError(f"'{said}': input_sha256 is neither 32 bytes nor 64 hexadecimal digits")
    return text


def _class(held: Mapping[str, Array], said: str) -> int | None:
    if "cam_class_used" not in held:
        return None
    found = held["cam_class_used"]
    if found.dtype.kind not in "iu" or found.size != 1:
        raise InputError(f"'{said}': cam_class_used is not one whole number")
    return int(found.reshape(()))
