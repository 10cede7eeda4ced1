"""QLinearConv and its kin as what they stand for: pairs around an operator in float.

y = Q(f(DQ(a), DQ(b))) is how ONNX defines them; kernels may round a tie otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, count

import numpy as np
import onnx
from onnx import helper, numpy_helper

from ..reading.kinds import MOVES
from ..reading.load import Source, opset
from ..rules.microsoft.fused import MICROSOFT
from .net import Net

BIAS = {"QLinearConv": 8, "QGemm": 6}
"""Operators that add a bias of 32 bits, in units of both scales, and where it stands."""
QUANTISED: dict[str, tuple[tuple[int, ...], int]] = {
    **dict.fromkeys(("QLinearConv", "QLinearMatMul", "QLinearAdd", "QLinearMul"), ((0, 3), 6)),
    **dict.fromkeys(("QLinearSigmoid", "QLinearLeakyRelu", "QLinearSoftmax"), ((0,), 3)),
    **dict.fromkeys(("QLinearAveragePool", "QLinearGlobalAveragePool"), ((0,), 3)),
    "QGemm": ((0, 3), 7),
    "QLinearWhere": ((1, 4), 7),
}
"""Where an operator's inputs stand, each with its scale and zero point behind it; where the
result's scale does. QLinearConcat has the result's first."""
OWN = ("channels_last", "opset")
"""Attributes that the operator in float has not."""
SHOWN = MOVES - {"Pad", "NhwcMaxPool"}
"""Operators on integers that are the same on what these stand for."""
PER_AXIS = 13
"""The opset from which on DequantizeLinear knows an axis."""


@dataclass
class Spelled:
    """Collects the nodes of the other form.

    Args:
        net: the file.
    """

    net: Net
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: list[onnx.TensorProto] = field(default_factory=list)
    units: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Tensor of integers -> its scale and its zero point."""
    real: dict[tuple[str, ...], str] = field(default_factory=dict)
    """The same and its units -> what it stands for."""
    taken: set[str] = field(default_factory=set)
    """Names of tensors, those of the file among them."""

    def add(self, node: onnx.NodeProto) -> None:
        """One node of the file."""
        if node.op_type == "QuantizeLinear" and len(node.output) == 1:
            self.units[node.output[0]] = (node.input[1], _at(node, 2))
        if node.op_type == "QLinearConcat":
            self._quantised(node, range(2, len(node.input), 3), 0)
        elif node.op_type in QUANTISED and not _channels_last(node):
            self._quantised(node, *QUANTISED[node.op_type])
        elif node.op_type in SHOWN and node.input[0] in self.units:
            self._shown(node)
        else:
            self.nodes.append(node)

    def _quantised(self, node: onnx.NodeProto, inputs: Sequence[int], scale: int) -> None:
        read = {i: self._dequantised(node, i) for i in inputs}
        condition = node.input[:1] if node.op_type == "QLinearWhere" else []
        given = [*condition, *read.values()]
        if node.op_type in BIAS and _at(node, BIAS[node.op_type]):
            given.append(self._bias(node, BIAS[node.op_type]))
        name = node.op_type.removeprefix("QLinear").removeprefix("Q")
        units = (_at(node, scale), _at(node, scale + 1))
        self._emit(node, name, given, units)

    def _shown(self, node: onnx.NodeProto) -> None:
        units = self.units[node.input[0]]
        given = [self._real(node.input[0], units), *node.input[1:]]
        self._emit(node, node.op_type, given, units)

    def _emit(
        self, node: onnx.NodeProto, name: str, given: Sequence[str], units: tuple[str, str]
    ) -> None:
        """The operator in float, and a quantiser behind it; a QGemm may have none."""
        copy = helper.make_node(name, list(given), [], node.name)
        copy.attribute.extend(a for a in node.attribute if a.name not in OWN)
        self.nodes.append(copy)
        if not units[0]:
            copy.output[:] = node.output
            return
        rounded = [y for y in node.output[:1] if y] if name == "MaxPool" else list(node.output)
        for y in rounded:
            self.units[y] = units
            aside = self._free(_bare(y))
            copy.output.append(aside)
            three = [aside, *filter(None, units)]
            self.nodes.append(helper.make_node("QuantizeLinear", three, [y]))
        copy.output.extend(node.output[len(rounded) :])

    def _dequantised(self, node: onnx.NodeProto, i: int) -> str:
        """The input at i, in float; of a weight each channel may have its own scale."""
        name, scale, zero = node.input[i], node.input[i + 1], _at(node, i + 2)
        value = self.net.value(scale)
        axis = None if value is None or value.size == 1 else _axis(node)
        return self._real(name, (scale, zero), axis)

    def _bias(self, node: onnx.NodeProto, i: int) -> str:
        """In units of both scales, which the file holds."""
        held = [self.net.value(node.input[j]) for j in (1, 4)]
        a, b = (np.asarray(v, np.float32) for v in held if v is not None)
        alpha = next((x.f for x in node.attribute if x.name == "alpha"), 1.0)
        name = self._free(f"{node.input[i]}_scale")
        units = np.ravel(a * b * np.float32(alpha))
        self.weights.append(
            numpy_helper.from_array(units if units.size > 1 else units.reshape(()), name)
        )
        return self._real(node.input[i], (name, ""), 0 if units.size > 1 else None)

    def _real(self, name: str, units: tuple[str, str], axis: int | None = None) -> str:
        """DQ of a tensor, made once."""
        key = (name, *units)
        if key not in self.real:
            made = self.real[key] = self._free(f"{_bare(name)}_dequantized")
            dq = helper.make_node("DequantizeLinear", [name, *filter(None, units)], [made])
            if axis is not None:
                dq.attribute.append(helper.make_attribute("axis", axis))
                dq.domain = "" if opset(self.net.model) >= PER_AXIS else MICROSOFT
            self.nodes.append(dq)
        return self.real[key]

    def _free(self, name: str) -> str:
        """The name, or one that nobody has."""
        found = next(n for n in chain([name], _numbered(name)) if n not in self.taken)
        self.taken.add(found)
        return found


def as_pairs(source: Source) -> Source:
    """The file with pairs of QuantizeLinear and DequantizeLinear; itself where it has no such
    operator."""
    known = {*QUANTISED, "QLinearConcat"}
    model = source.model
    if not any(node.op_type in known for node in model.graph.node):
        return source
    net = Net(model, source.folder)
    spelled = Spelled(net, taken=set(net.names))
    for node in model.graph.node:
        spelled.add(node)
    made = onnx.ModelProto()
    made.CopyFrom(model)
    del made.graph.node[:], made.graph.value_info[:]
    made.graph.node.extend(spelled.nodes)
    made.graph.initializer.extend(spelled.weights)
    if not any(o.domain == MICROSOFT for o in made.opset_import):
        made.opset_import.append(helper.make_opsetid(MICROSOFT, 1))
    return Source(made, source.path)


def _at(node: onnx.NodeProto, i: int) -> str:
    return node.input[i] if i < len(node.input) else ""


def _axis(node: onnx.NodeProto) -> int:
    """The channels of a product's weight."""
    flipped = any(a.name == "transB" and a.i for a in node.attribute)
    return 0 if node.op_type == "QLinearConv" or flipped else 1


def _channels_last(node: onnx.NodeProto) -> bool:
    return any(a.name == "channels_last" and a.i for a in node.attribute)


def _numbered(name: str) -> Iterator[str]:
    return (f"{name}.{i}" for i in count())


def _bare(name: str) -> str:
    return name.removesuffix("_quantized")
