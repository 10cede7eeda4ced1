"""Opens a model: a path, bytes or a ModelProto; refuses early what cannot be used, in one line."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx

from cam_core.errors import InputError, ModelError

OLDEST_OPSET = 7


@dataclass(frozen=True)
class Source:
    """A loaded model; external weights stay in their files."""

    model: onnx.ModelProto
    path: Path | None = None

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.path.name if self.path else "model"

    @property
    def folder(self) -> Path | None:
        """Where its external data lies."""
        return self.path.parent if self.path else None


def load(source: Any) -> Source:
    """Opens `source`: a path, the bytes of a file, an `onnx.ModelProto` or a `Source`.

    Raises:
        InputError: there is no such file.
        ModelError: not an ONNX model, an empty one, an opset older than 7, or external data
            that is absent, too short or outside the model's folder.
    """
    if isinstance(source, Source):
        return source
    if isinstance(source, onnx.ModelProto):
        loaded = Source(source)
    elif isinstance(source, bytes):
        loaded = Source(_parse(source, "model"))
    else:
        path = Path(source)
        loaded = Source(_parse(_read(path), path.name), path)
    _check(loaded)
    return loaded


def opset(model: onnx.ModelProto) -> int:
    """The version of ai.onnx that the model imports."""
    versions = [o.version for o in model.opset_import if o.domain in ("", "ai.onnx")]
    return max(versions, default=0)


def sha256(model: onnx.ModelProto) -> str:
    """Hash of the canonical (deterministic) serialisation; external weights count by reference."""
    return hashlib.sha256(model.SerializeToString(deterministic=True)).hexdigest()


def _read(path: Path) -> bytes:
    if path.is_dir():
        raise InputError(f"{path} is a folder; give the .onnx file in it")
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"no such file: {path}") from None
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path}: {error}") from None
    if not data:
        raise ModelError(f"{path} is empty; export or download the model again")
    return data


def _parse(data: bytes, name: str) -> onnx.ModelProto:
    from google.protobuf.message import DecodeError

    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except DecodeError:
        raise ModelError(
            f"{name} is not an ONNX model, or is truncated; export or download it again"
        ) from None
    return model


def _check(source: Source) -> None:
    model, name = source.model, source.name
    if not model.graph.output or not (model.graph.node or model.graph.initializer):
        raise ModelError(f"{name} holds no graph: not an ONNX model, or truncated; export it again")
    version = opset(model)
    if version == 0:
        raise ModelError(f"{name} imports no version of the ONNX operators; export it again")
    if version < OLDEST_OPSET:
        raise ModelError(
            f"{name} has opset {version}, the oldest that is supported is {OLDEST_OPSET}; "
            f"convert it with onnx.version_converter.convert_version(model, 13)"
        )
    for tensor in external_tensors(model):
        _check_external(tensor, source)


def external_tensors(model: onnx.ModelProto) -> list[onnx.TensorProto]:
    """The initialisers whose data lies in another file."""
    external = onnx.TensorProto.EXTERNAL
    return [t for t in model.graph.initializer if t.data_location == external]


def external_entry(tensor: onnx.TensorProto) -> dict[str, str]:
    """`location`, `offset`, `length` of an external tensor, as the file spells them."""
    return {entry.key: entry.value for entry in tensor.external_data}


def _check_external(tensor: onnx.TensorProto, source: Source) -> None:
    entry = external_entry(tensor)
    location = entry.get("location", "")
    where = f"{source.name}: weight '{tensor.name}'"
    if source.folder is None:
        raise ModelError(f"{where} lies in the file '{location}'; open the model by its path")
    folder = source.folder.resolve()
    file = (folder / location).resolve()
    if not location or not file.is_relative_to(folder):
        raise ModelError(f"{where} lies outside the model's folder ('{location}'); refused")
    if not file.is_file():
        raise ModelError(f"{where} lies in '{location}', which is absent; put it beside the model")
    try:
        end = int(entry.get("offset") or 0) + int(entry.get("length") or 0)
    except ValueError:
        raise ModelError(f"{where} has an unreadable offset or length; export it again") from None
    if file.stat().st_size < end:
        raise ModelError(f"{where} needs {end} bytes of '{location}', which is shorter; truncated?")
