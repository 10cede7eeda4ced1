"""Opens a model: a path, bytes or a ModelProto; refuses early what cannot be used, in one line."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx

from cam_core.errors import InputError, ModelError
from cam_core.recording import require_model

from .stored import (
    external_tensors,
    require_beside,
    require_held,
    require_sparse,
    sparse_tensors,
    tensors,
)
from .wellformed import require_network, require_text

OLDEST_OPSET = 7
LARGEST_MESSAGE = 2**31 - 1
"""Protobuf's limit, in bytes."""
ONE_PROCESSOR = {"com.microsoft.nchwc", "com.ms.internal.nhwc"}
"""Domains of operators in the memory layout of the processor that the model was saved on."""


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
        InputError: there is no such file, or it is none of these.
        ModelError: not an ONNX model, an empty one, a table's learner (trees and the like), an
            opset older than 7 or unknown, one that onnxruntime saved for one kind of processor, a
            weight that does not hold what its shape says, or external data that is absent, too
            short or outside the model's folder.
    """
    if isinstance(source, Source):
        return source
    if isinstance(source, onnx.ModelProto):
        loaded = Source(source)
    elif isinstance(source, bytes):
        loaded = Source(_parse(source, "model"))
    elif not isinstance(source, str | os.PathLike):
        kind = type(source).__name__
        raise InputError(f"a {kind} is no model: give a path, the bytes of a file or a ModelProto")
    else:
        path = Path(source)
        loaded = Source(_parse(_read(path), path.name), path)
    _check(loaded)
    return loaded


def opset(model: onnx.ModelProto) -> int:
    """The version of ai.onnx that the model imports."""
    versions = [o.version for o in model.opset_import if o.domain in ("", "ai.onnx")]
    return max(versions, default=0)


def message_size(model: onnx.ModelProto) -> int:
    """Bytes of its serialisation: beyond the limit protobuf cannot count, any number above it."""
    from google.protobuf.message import EncodeError

    try:
        return int(model.ByteSize())
    except EncodeError:
        return LARGEST_MESSAGE + 1


def sha256(model: onnx.ModelProto) -> str:
    """Hash of the canonical form; external weights count by reference.

    The canonical form is the deterministic serialisation without the initialisers' raw data, then
    each initialiser's: hashing a model of 500 MB this way copies no more than one weight at a time.
    """
    digest = hashlib.sha256()
    light = _without(model, "graph")
    light.graph.CopyFrom(_without(model.graph, "initializer"))
    digest.update(light.SerializeToString(deterministic=True))
    for tensor in model.graph.initializer:
        digest.update(_without(tensor, "raw_data").SerializeToString(deterministic=True))
        digest.update(tensor.raw_data)
    return digest.hexdigest()


def _without(message: Any, left_out: str) -> Any:
    """A copy of a protobuf message without one of its fields, whose value is not even read."""
    copy = type(message)()
    for name in (field.name for field in message.DESCRIPTOR.fields if field.name != left_out):
        value = getattr(message, name)
        if hasattr(value, "extend"):
            getattr(copy, name).extend(value)
        elif message.HasField(name) and hasattr(value, "CopyFrom"):
            getattr(copy, name).CopyFrom(value)
        elif message.HasField(name):
            setattr(copy, name, value)
    return copy


def _read(path: Path) -> bytes:
    if path.is_dir():
        require_model(path)
        raise InputError(f"{path} is a folder; give the .onnx file in it")
    try:
        if path.stat().st_size > LARGEST_MESSAGE:
            raise ModelError(
                f"{path} is larger than 2 GiB, which no ONNX file can be; "
                f"export it with its weights as external data"
            )
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"no such file: {path}; check the path") from None
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or error
        raise InputError(f"cannot read {path}: {said}") from None
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
    require_text(model)
    if not model.graph.output or not (model.graph.node or model.graph.initializer):
        raise ModelError(f"{name} holds no graph: not an ONNX model, or truncated; export it again")
    require_network(model, name)
    version = opset(model)
    if version == 0:
        raise ModelError(f"{name} imports no version of the ONNX operators; export it again")
    if version < OLDEST_OPSET:
        raise ModelError(
            f"{name} has opset {version}, the oldest that is supported is {OLDEST_OPSET}; "
            f"convert it with onnx.version_converter.convert_version(model, 13)"
        )
    newest = onnx.defs.onnx_opset_version()
    if version > newest:
        raise ModelError(
            f"{name} has opset {version}, the newest that the installed onnx knows is {newest}; "
            f"update onnx, or export with an older opset"
        )
    for node in model.graph.node:
        if node.domain in ONE_PROCESSOR:
            raise ModelError(
                f"{name} was saved by onnxruntime at level 'all', for one kind of processor "
                f"({node.domain}.{node.op_type}); save it at the extended level: "
                f"graph_optimization_level = ORT_ENABLE_EXTENDED"
            )
    for tensor in tensors(model):
        require_held(tensor)
    for graph in (model.graph, *model.functions):
        for sparse in sparse_tensors(graph):
            require_sparse(sparse)
    for tensor in external_tensors(model):
        require_beside(tensor, name, source.folder)
