"""What a browser makes of a model as it is: which nodes leave WebGPU, its size, its opset."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import onnx

from ..finding.analysis import Analysis
from ..reading.graph import Tensor
from ..reading.load import message_size
from ..reading.stored import external_entry, external_tensors
from ..writing.webgpu import NEWEST, RUNTIME, missing

LIMIT = 2**31
"""Bytes: what one file, and one buffer of a page, may have."""
NAMED = 3
"""Nodes of an operator that are named."""


class Plain(NamedTuple):
    """A node as the file has it, with the types of its tensors."""

    op: str
    inputs: list[Tensor]
    outputs: list[Tensor]
    name: str
    domain: str


@dataclass(frozen=True)
class Left:
    """An operator that runs on WASM."""

    operator: str
    count: int
    names: tuple[str, ...]
    """Of the first nodes."""


@dataclass(frozen=True)
class InBrowser:
    """What is to be said of a model."""

    left: tuple[Left, ...]
    """The most frequent first."""
    nodes: int
    bytes: int
    """With its external data."""
    external: tuple[str, ...]
    """The files of weights beside it."""
    opset: int

    @property
    def notes(self) -> list[str]:
        """What else is in the way, a sentence each."""
        found = []
        if self.bytes > LIMIT:
            size = f"{self.bytes / 2**30:.1f} GiB"
            found.append(f"{size}, and a page takes less than 2: it will not load")
        if self.external:
            count = len(self.external)
            files = f"'{self.external[0]}'" + (f" and {count - 1} more" if count > 1 else "")
            found.append(f"its weights lie in {files}: the page must fetch them too")
        if self.opset > NEWEST:
            found.append(
                f"opset {self.opset} is newer than {NEWEST}, beyond which most operators run on "
                f"WASM; convert it with onnx.version_converter"
            )
        return found

    @property
    def said(self) -> str:
        """In one line."""
        count = sum(one.count for one in self.left)
        if not count:
            return f"all {self.nodes} nodes run on WebGPU ({RUNTIME})"
        each = ", ".join(f"{one.count} {one.operator}" for one in self.left)
        return f"{count} of {self.nodes} nodes run on WASM ({RUNTIME}): {each}"

    def record(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "runtime": RUNTIME,
            "nodes": self.nodes,
            "fallback": [asdict(one) | {"names": list(one.names)} for one in self.left],
            "bytes": self.bytes,
            "external": list(self.external),
            "opset": self.opset,
            "notes": self.notes,
        }


def in_browser(analysis: Analysis) -> InBrowser:
    """What the runtime of the profile `web` makes of the model itself; nothing is run."""
    source, graph = analysis.source, analysis.graph
    nodes = [_plain(node, graph.tensors) for node in analysis.model.graph.node]
    found = missing(nodes, graph.opset, graph.constant)
    left = [Left(name, len(group), _names(group)) for name, group in found.items()]
    entries = [external_entry(tensor) for tensor in external_tensors(source.model)]
    files = sorted({entry["location"] for entry in entries})
    sizes = [] if source.folder is None else [source.folder / name for name in files]
    beside = sum(path.stat().st_size for path in sizes if path.is_file())
    return InBrowser(
        tuple(sorted(left, key=lambda one: (-one.count, one.operator))),
        len(nodes),
        message_size(source.model) + beside,
        tuple(files),
        graph.opset,
    )


def _plain(node: onnx.NodeProto, tensors: Any) -> Plain:
    given = [tensors.get(name, _Untold(name)) for name in node.input]
    made = [tensors.get(name, _Untold(name)) for name in node.output]
    return Plain(node.op_type, given, made, node.name or node.output[0], node.domain)


class _Untold(NamedTuple):
    """A tensor of which nothing is known, such as one that is left out."""

    name: str
    dtype: Any = None


def _names(group: list[Any]) -> tuple[str, ...]:
    return tuple(str(node.name) for node in group[:NAMED])
