"""Weights that lie in other files, beside the model: what they must be, and reading one."""

from __future__ import annotations

from pathlib import Path

import onnx

from cam_core.errors import ModelError

from .stored import nbytes, tensors


def external_tensors(model: onnx.ModelProto) -> list[onnx.TensorProto]:
    """Those whose data lies in another file."""
    return [t for t in tensors(model) if t.data_location == onnx.TensorProto.EXTERNAL]


def external_entry(tensor: onnx.TensorProto) -> dict[str, str]:
    """`location`, `offset`, `length` of an external tensor, as the file spells them."""
    return {entry.key: entry.value for entry in tensor.external_data}


def embedded(tensor: onnx.TensorProto, folder: Path) -> onnx.TensorProto:
    """A copy of an external tensor that holds its data.

    Read here, for onnx refuses a file that is linked twice.
    """
    entry = external_entry(tensor)
    with (folder / entry["location"]).open("rb") as file:
        file.seek(int(entry.get("offset") or 0))
        data = file.read(nbytes(tensor))
    return onnx.TensorProto(
        name=tensor.name, data_type=tensor.data_type, dims=tensor.dims, raw_data=data
    )


def require_beside(tensor: onnx.TensorProto, model: str, folder: Path | None) -> None:
    entry = external_entry(tensor)
    location = entry.get("location", "")
    where = f"{model}: weight '{tensor.name}'"
    if folder is None:
        raise ModelError(f"{where} lies in the file '{location}'; open the model by its path")
    file = _beside(folder, location)
    if file is None:
        raise ModelError(f"{where} lies outside the model's folder ('{location}'); refused")
    if not file.is_file():
        raise ModelError(f"{where} lies in '{location}', which is absent; put it beside the model")
    need = nbytes(tensor)
    try:
        offset = int(entry.get("offset") or 0)
        length = int(entry.get("length") or need)
    except ValueError:
        raise ModelError(f"{where} has an unreadable offset or length; export it again") from None
    if offset < 0 or length != need:
        raise ModelError(
            f"{where} is said to lie at {offset} with {length} bytes, its shape needs {need}; "
            f"export it again"
        )
    if file.stat().st_size < offset + need:
        raise ModelError(
            f"{where} needs {offset + need} bytes of '{location}', which is shorter; truncated?"
        )


def _beside(folder: Path, location: str) -> Path | None:
    """The file that `location` means, or None where it is none in the folder."""
    home = folder.resolve()
    try:
        file = (home / location).resolve()
        file.is_file()
    except (OSError, ValueError, RuntimeError):  # too long, a zero byte, a ring of links
        return None
    return file if location and file.is_relative_to(home) else None
