"""Takes out of an instrumented model all that was added; what is left is the source."""

from __future__ import annotations

import zlib

import onnx
from google.protobuf.message import DecodeError

from cam_core.errors import ModelError
from cam_core.foreign import UNREADABLE, from_json

from ..finding.analysis import instrumented
from ..reading import names
from ..reading.functions import restore_functions
from ..reading.load import load, sha256
from ..reading.static import reopen
from ..writing.ir import lower_ir
from .metadata import restore_own

DAMAGED = (*UNREADABLE, zlib.error, DecodeError)
"""What damaged notes end in, wherever they are read."""


def strip(model: object) -> onnx.ModelProto:
    """The source model, message for message.

    Raises:
        ModelError: not an instrumented model, or one that was changed since.
    """
    source = load(model)
    if not instrumented(source.model):
        raise ModelError(f"{source.name} is not instrumented: nothing to strip")
    try:
        result = _source(source.model)
    except DAMAGED:
        result = None
    if result is None:
        raise ModelError(f"{source.name} was changed after it was instrumented: cannot strip it")
    return result


def _source(model: onnx.ModelProto) -> onnx.ModelProto | None:
    """What the notes in the metadata lead back to; None if that is not the source."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    added = from_json({e.key: e.value for e in result.metadata_props}[names.ADDED])
    metadata = added.pop("metadata_props")
    facts = {e.key: e.value for e in result.metadata_props[-metadata:]}
    for name, count in added.items():
        field = getattr(result.graph, name)
        del field[len(field) - count :]
    restore_functions(result, facts)
    reopen(result, facts)
    del result.metadata_props[-metadata:]
    restore_own(result, facts)
    if names.IR_RAISED in facts:
        lower_ir(result, from_json(facts[names.IR_RAISED]))
    return result if sha256(result) == facts.get(names.SOURCE_SHA256) else None
