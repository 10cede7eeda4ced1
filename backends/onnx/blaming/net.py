"""A file as a net of names: who makes and who reads each tensor, and what is constant."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import onnx
from onnx import numpy_helper

from cam_core.backend import Array

from ..finding.analysis import Analysis
from ..reading.fold import constant_value
from ..reading.stored import embedded


class Net:
    """The nodes of a model by the tensors that they make and read.

    Args:
        model: with its local functions written out.
        folder: where external weights lie.
    """

    def __init__(self, model: onnx.ModelProto, folder: Path | None = None) -> None:
        self.model = model
        self._folder = folder
        nodes = model.graph.node
        self.makers = {name: node for node in nodes for name in node.output if name}
        found: dict[str, list[onnx.NodeProto]] = defaultdict(list)
        for node in nodes:
            for name in dict.fromkeys(filter(None, node.input)):
                found[name].append(node)
        self.readers: Mapping[str, list[onnx.NodeProto]] = dict(found)
        self._held = {t.name: t for t in model.graph.initializer}

    @classmethod
    def of(cls, analysis: Analysis) -> Net:
        """Of a model that was read."""
        return cls(analysis.model, analysis.source.folder)

    @functools.cached_property
    def names(self) -> frozenset[str]:
        """Of all tensors that are made, fed or held."""
        return frozenset([*self.makers, *self._held, *(i.name for i in self.model.graph.input)])

    @functools.cached_property
    def node_names(self) -> frozenset[str]:
        """Of the operators that have one."""
        return frozenset(node.name for node in self.model.graph.node if node.name)

    @functools.cached_property
    def weights(self) -> tuple[str, ...]:
        """The names of all initialisers and of the Constant nodes' outputs."""
        made = (n for n, node in self.makers.items() if node.op_type == "Constant")
        return (*self._held, *made)

    def constant(self, name: str) -> bool:
        """Is it held by the file?"""
        node = self.makers.get(name)
        return name in self._held or (node is not None and node.op_type == "Constant")

    def value(self, name: str) -> Array | None:
        """The value of a tensor that the file holds; None of any other."""
        held = self._held.get(name)
        if held is not None:
            outside = held.data_location == onnx.TensorProto.EXTERNAL
            if outside and self._folder is None:
                return None
            return numpy_helper.to_array(
                embedded(held, self._folder) if outside and self._folder else held
            )
        node = self.makers.get(name)
        if node is None or node.op_type != "Constant":
            return None
        return constant_value(node)

    def read_by(self, name: str, op_type: str) -> list[onnx.NodeProto]:
        """Those readers of a tensor that are this operator, and read it first."""
        found = self.readers.get(name, [])
        return [n for n in found if n.op_type == op_type and n.input[0] == name]
