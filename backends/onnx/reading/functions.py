"""Local functions, inlined where they are called, and put back by `strip`."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable, Iterator, Mapping

import onnx
from google.protobuf.message import Message

from cam_core.errors import ModelError

from .load import LARGEST_MESSAGE
from .names import INLINED

MOST_NODES = 1_000_000
"""Beyond all models that were ever exported."""


def inline_functions(model: onnx.ModelProto) -> onnx.ModelProto:
    """`model` itself if it calls no local function, else a copy that calls none.

    The definitions stay in the copy, and what the inliner changed is kept in its metadata.

    Raises:
        ModelError: functions that call one another in a ring, that would unfold without end, or
            that are called with what they do not take.
    """
    _require_finite(model)
    local = {(f.domain, f.name) for f in model.functions}
    if local.isdisjoint(_called(model.graph.node)):
        return model
    from onnx import inliner

    try:
        inlined = inliner.inline_local_functions(model)
    except Exception as error:  # the inliner raises several kinds
        line = " ".join(str(error).split()).rpartition(" failed: ")[2]
        raise ModelError(f"the local functions cannot be inlined: {line}") from error
    was = onnx.ModelProto(ir_version=model.ir_version)
    was.opset_import.extend(model.opset_import)
    was.graph.node.extend(model.graph.node)
    was.graph.value_info.extend(model.graph.value_info)
    del inlined.functions[:]
    inlined.functions.extend(model.functions)
    inlined.metadata_props.add(key=INLINED, value=packed(was))
    return inlined


def packed(message: Message) -> str:
    """A protobuf message as metadata."""
    return base64.b64encode(zlib.compress(message.SerializeToString(deterministic=True))).decode()


def kept(notes: Mapping[str, str], key: str) -> bytes | None:
    """What was packed under `key`; None where nothing was."""
    if key not in notes:
        return None
    unpacked = zlib.decompressobj()
    data = unpacked.decompress(base64.b64decode(notes[key]), LARGEST_MESSAGE)
    if not unpacked.eof:
        raise ValueError("cut off, or larger than a message can be")
    return data


def _require_finite(model: onnx.ModelProto) -> None:
    """The runtimes too unfold every call, as often as it is met."""
    functions = {(f.domain, f.name): f for f in model.functions}
    sizes: dict[tuple[str, str], int] = {}
    for key in functions:
        stack = [key]  # no recursion: a chain of calls may be long
        while stack:
            top = stack[-1]
            calls = [c for c in _called(functions[top].node) if c in functions]
            open_calls = [c for c in calls if c not in sizes]
            if top in sizes or not open_calls:
                sizes[stack.pop()] = 1 + len(functions[top].node) + sum(sizes[c] for c in calls)
                continue
            if open_calls[0] in stack:
                raise ModelError(f"the local function '{top[1]}' calls itself; export it again")
            stack.append(open_calls[0])
    total = sum(sizes.get(call, 0) for call in _called(model.graph.node))
    if total > MOST_NODES:
        raise ModelError(f"the local functions unfold to {total:.1e} nodes; export the model again")


def _called(nodes: Iterable[onnx.NodeProto]) -> Iterator[tuple[str, str]]:
    """Domain and operator of each node, those in branches included."""
    for node in nodes:
        yield node.domain, node.op_type
        for attribute in node.attribute:
            for body in (attribute.g, *attribute.graphs):
                yield from _called(body.node)


def restore_functions(model: onnx.ModelProto, notes: Mapping[str, str]) -> None:
    """Puts the calls back into a copy that `inline_functions` made; `notes`: what it added."""
    data = kept(notes, INLINED)
    if data is None:
        return
    was = onnx.ModelProto.FromString(data)
    for mine, theirs in (
        (model.graph.node, was.graph.node),
        (model.graph.value_info, was.graph.value_info),
        (model.opset_import, was.opset_import),
    ):
        del mine[:]
        mine.extend(theirs)
