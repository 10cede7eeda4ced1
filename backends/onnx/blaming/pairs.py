"""The tensors that QuantizeLinear and DequantizeLinear round, and what each would be in float."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx import helper, numpy_helper

from cam_core.backend import Array
from cam_core.metrics.agreement.noise import power, sqnr

from .constants import dequantised_by
from .floats import float_of, require_same
from .net import Net
from .shown import with_shown
from .suspects import PREFIX, Error, Suspect, Suspects, outputs_as

CLIPS = ("Relu", "Clip")
"""What quantisers fold into the range of a tensor."""


@dataclass
class Pairs:
    """Collects them from a quantised file.

    Args:
        net: the quantised file.
        plain: the float model.
    """

    net: Net
    plain: Net
    found: list[Suspect] = field(default_factory=list)
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: list[onnx.TensorProto] = field(default_factory=list)
    lacking: list[str] = field(default_factory=list)
    known: list[tuple[str, Array, Array]] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)

    def activation(self, q: onnx.NodeProto, copies: Sequence[onnx.NodeProto]) -> None:
        """e = DQ(Q(x)) - clip(x): of a range that holds a ReLU, the float model says which."""
        x = q.input[0]
        actual = tuple(dq.output[0] for dq in copies)
        clips = self._folded(x)
        twin = clips[0].output[0] if clips else self._twin(x)
        if twin is None:  # of an output of the model it is the copy that has the name
            twin = next((name for name in actual if name in self.plain.names), None)
        bounds = self._range(q) if twin is None else _bounds(self.plain, clips)
        expected = self._clipped(x, bounds)
        around = [self.net.makers.get(x), *(n for a in actual for n in self.net.readers.get(a, []))]
        self.found.append(
            Suspect(
                x,
                "activation",
                (Error(actual, expected, twin),),
                dict.fromkeys(actual, expected),
                nodes=self._named([*around, *clips]),
                shown=q.name or q.output[0],
            )
        )

    def weight(self, dq: onnx.NodeProto, own: Array | None = None) -> None:
        """e = f(x, w_q) - f(x, w) where it is read, of a weight w; of a bias w_q - w."""
        name, out = dq.input[0], dq.output[0]
        dequantised = dequantised_by(dq, self.net)
        if dequantised is None:
            return self._lack("constants whose scale is computed", out)
        w = own
        if w is None:
            twin = float_of(self.plain, (out, name), dequantised, self.taken)
            if twin is None:
                return self._lack("weights that the float model does not hold", out)
            self.taken.add(twin[0])
            w = twin[1]
        self.known.append((out, w, dequantised))
        kind = self.net.value(name)
        bias = kind is not None and kind.dtype == np.int32
        if bias and not _matters(w, dequantised):
            return None
        readers = [n for n in self.net.readers.get(out, []) if n.output[0] in self.net.makers]
        held = f"{PREFIX}{out}.float"
        self.weights.append(numpy_helper.from_array(w.astype(dequantised.dtype), held))
        errors = tuple(self._read_with(node, out, held) for node in readers)
        if not errors:
            return None
        self.found.append(
            Suspect(
                _bare(out),
                "bias" if bias else "weight",
                errors,
                {out: held},
                weight_sqnr=sqnr(power(w), power(dequantised - w)),
                nodes=self._named(readers),
                shown=readers[0].name or readers[0].output[0],
            )
        )
        return None

    def _lack(self, why: str, name: str) -> None:
        self.lacking.append(f"{why}: {name}")

    def _folded(self, x: str) -> list[onnx.NodeProto]:
        """The float model's ReLUs of x that the quantised file has no more, for its range cuts.

        What was before the ReLU may go by its name.
        """
        before = self._renamed(x)
        if before is not None:
            return [before]
        theirs = self.plain.readers.get(x, [])
        clips = [n for n in theirs if n.op_type in CLIPS]
        own = {n.op_type for n in self.net.readers.get(x, [])}
        if len(clips) != len(theirs) or own & set(CLIPS):
            return []
        return clips[:1]

    def _renamed(self, x: str) -> onnx.NodeProto | None:
        """The ReLU that makes x in the float model, where another operator does so here."""
        theirs, own = self.plain.makers.get(x), self.net.makers.get(x)
        if theirs is None or theirs.op_type not in CLIPS:
            return None
        return None if own is not None and own.op_type == theirs.op_type else theirs

    def _twin(self, x: str) -> str | None:
        """The tensor of the float model that is what x is here."""
        before = self._renamed(x)
        if before is not None:
            return str(before.input[0])
        return x if x in self.plain.names else None

    def _clipped(self, x: str, bounds: tuple[Array | None, Array | None]) -> str:
        """x between bounds, as nodes; x itself where there are none."""
        for op_type, bound in zip(("Max", "Min"), bounds, strict=True):
            if bound is None:
                continue
            name = f"{PREFIX}{x}.{op_type}"
            self.weights.append(numpy_helper.from_array(bound, f"{name}.bound"))
            self.nodes.append(helper.make_node(op_type, [x, f"{name}.bound"], [name], name))
            x = name
        return x

    def _range(self, q: onnx.NodeProto) -> tuple[Array | None, Array | None]:
        """What a quantiser can say: (q_min - zero) scale and (q_max - zero) scale."""
        scale = self.net.value(q.input[1])
        zero = self.net.value(q.input[2]) if len(q.input) > 2 else np.zeros((), np.uint8)
        if scale is None or zero is None or zero.dtype.kind not in "iu" or scale.size > 1:
            return None, None
        ends = np.iinfo(zero.dtype)
        low, high = ((end - zero.astype(np.float64)) * scale for end in (ends.min, ends.max))
        return low.reshape(()).astype(scale.dtype), high.reshape(()).astype(scale.dtype)

    def _read_with(self, node: onnx.NodeProto, out: str, held: str) -> Error:
        """What the reader of a weight makes with the float one."""
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        copy.name = f"{PREFIX}{node.output[0]}.of.{out}"
        copy.input[:] = [held if name == out else name for name in node.input]
        copy.output[:] = outputs_as(node, copy.name)
        self.nodes.append(copy)
        y = node.output[0]
        return Error((y,), copy.name, self._twin(y))

    def _named(self, nodes: Sequence[onnx.NodeProto | None]) -> tuple[str, ...]:
        """As the float model calls them, by what they make; by their own name otherwise."""
        found = dict[str, None]()
        for node in nodes:
            if node is None:
                continue
            theirs = self.plain.makers.get(node.output[0], node)
            theirs = node if node.name in self.plain.node_names else theirs
            bare = theirs.name.removesuffix("_quant")  # as onnxruntime calls what it quantises
            name = bare if bare in self.plain.node_names else theirs.name
            if name and theirs.op_type not in ("QuantizeLinear", "DequantizeLinear"):
                found[name] = None
        return tuple(found)


def find_pairs(net: Net, plain: Net) -> Suspects:
    """All tensors of a file that are rounded to integers; none where it has no pair.

    Raises:
        InputError: the float model is of another training.
    """
    pairs = Pairs(net, plain)
    seen = set[str]()
    for node in net.model.graph.node:
        if node.op_type == "QuantizeLinear" and node.input[0] not in seen:
            x = node.input[0]
            seen.add(x)  # each reader may have a pair of its own
            quantisers = net.read_by(x, "QuantizeLinear")
            copies = [dq for q in quantisers for dq in net.read_by(q.output[0], "DequantizeLinear")]
            own = net.value(x)
            if copies and own is None:
                pairs.activation(node, copies)
            for dq in copies if own is not None else ():
                pairs.weight(dq, own)
        elif node.op_type == "DequantizeLinear" and net.constant(node.input[0]):
            pairs.weight(node)
    require_same(pairs.known)
    found = with_shown(net, pairs.found)
    return Suspects(found, tuple(pairs.nodes), tuple(pairs.weights), tuple(pairs.lacking))


def _bounds(net: Net, clips: Sequence[onnx.NodeProto]) -> tuple[Array | None, Array | None]:
    """What a ReLU or a Clip cuts off, below and above."""
    for node in clips:
        if node.op_type == "Relu":
            return np.zeros((), np.float32), None
        given = [net.value(name) if name else None for name in node.input[1:]]
        set_at = {a.name: np.float32(a.f) for a in node.attribute}
        low, high = (*given, None, None)[:2]
        return (
            low if low is not None else _as_array(set_at.get("min")),
            high if high is not None else _as_array(set_at.get("max")),
        )
    return None, None


def _as_array(value: np.float32 | None) -> Array | None:
    return None if value is None else np.asarray(value)


def _matters(w: Array, q: Array) -> bool:
    """Is a bias, of 32 bits, off by more than a thousandth of the largest?"""
    off = np.max(np.abs(w.astype(np.float64) - q), initial=0.0)
    return bool(off > 1e-3 * np.max(np.abs(w), initial=0.0))


def _bare(name: str) -> str:
    """A weight as people know it."""
    for end in ("_dequantized", "_DequantizeLinear_Output"):
        name = name.removesuffix(end)
    return name
