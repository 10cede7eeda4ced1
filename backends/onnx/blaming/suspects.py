"""What may have moved an answer: tensors of a file, and what each would be without its rounding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import onnx

PREFIX = "blame."
"""Of the tensors and nodes that are added."""


def outputs_as(node: onnx.NodeProto, first: str) -> list[str]:
    """Those of a copy of `node` whose first result is called `first`.

    Where the node has others they are given too: onnxruntime reads beyond its memory where a
    Split lacks one.
    """
    rest = enumerate(node.output[1:], 1)
    return [first, *(f"{first}.{i}" if name else "" for i, name in rest)]


@dataclass(frozen=True)
class Error:
    """Where an error is in the file: e = actual - expected, both made of the file's own tensors."""

    actual: tuple[str, ...]
    """The tensor with the error; several copies of one where each reader has its own."""
    expected: str
    """The same without it."""
    twin: str | None = None
    """The tensor of the float model that both stand for."""


@dataclass(frozen=True)
class Suspect:
    """One tensor that is rounded."""

    name: str
    kind: Literal["activation", "weight", "bias", "node"]
    errors: tuple[Error, ...]
    instead: Mapping[str, str]
    """Tensor -> what its readers get where this one is kept in float."""
    wide: Mapping[str, str] = field(default_factory=dict)
    """The same for what is itself computed in the float model's type."""
    weight_sqnr: float | None = None
    """Of a weight: its own power by that of its error, in dB; None: measured on photos."""
    nodes: tuple[str, ...] = ()
    """The operators that make and read it, as the float model names them."""
    shown: str = ""
    """The operator of the file that pictures of its graph colour."""


@dataclass(frozen=True)
class Suspects:
    """All of a file, and the nodes and weights that say what each would be."""

    found: tuple[Suspect, ...]
    nodes: tuple[onnx.NodeProto, ...]
    weights: tuple[onnx.TensorProto, ...]
    unrated: tuple[str, ...] = ()
    """A line for each kind of tensor that is rounded and whose float nobody knows."""

    def named(self, names: Sequence[str]) -> list[Suspect]:
        """Those of these names."""
        known = {s.name: s for s in self.found}
        return [known[name] for name in names]
