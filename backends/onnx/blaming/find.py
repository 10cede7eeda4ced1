"""What may have moved an answer, of any two files: quantised tensors, else operators of both."""

from __future__ import annotations

from typing import Any

import numpy as np

from cam_core.errors import InputError

from ..finding.analysis import Analysis
from ..reading.graph import Tensor
from ..reading.load import opset
from .net import Net
from .pairs import find_pairs
from .suspects import Suspects
from .twins import TypeOf, find_twins

INTEGER = {
    *("DynamicQuantizeLinear", "ConvInteger", "MatMulInteger", "MatMulIntegerToFloat"),
    *("DynamicQuantizeMatMul", "DynamicQuantizeLSTM", "QAttention", "QLinearConv"),
}
"""Operators whose scales are made at run time, or whose layout is another."""


def find_suspects(plain: Analysis, quantised: Analysis) -> Suspects:
    """The rounded tensors of `quantised`; of a file without QuantizeLinear those of all operators
    that `plain` has too.

    Raises:
        InputError: the files have no tensor in common, or hold other weights.
    """
    net, theirs = Net.of(quantised), Net.of(plain)
    found = find_pairs(net, theirs)
    if found.found:
        return found
    require_static(quantised.source.name, net)
    require_order(plain, quantised)
    found = find_twins(net, theirs, _type_of(quantised), _type_of(plain))
    names = f"{quantised.source.name} and {plain.source.name}"
    if found.found and opset(net.model) != opset(theirs.model):
        raise InputError(
            f"{names} have no pair of QuantizeLinear and DequantizeLinear to blame, and their "
            f"operators cannot be exchanged: opset {opset(net.model)} and {opset(theirs.model)}; "
            "export both with one opset"
        )
    if found.found:
        return found
    raise InputError(
        f"{names} have no pair of QuantizeLinear and DequantizeLinear to blame, and no operator "
        "of one name in both; give two files of one export, or the QDQ form of a quantised one"
    )


def require_static(name: str, net: Net) -> None:
    """Refuses integer operators that no pair stands for.

    Raises:
        InputError: there is one.
    """
    met = next((n.op_type for n in net.model.graph.node if n.op_type in INTEGER), None)
    if met is not None:
        raise InputError(
            f"'{name}' has {met}, whose rounding cannot be taken out: quantise it as pairs of "
            "QuantizeLinear and DequantizeLinear, with onnxruntime by "
            "quantize_static(..., quant_format=QuantFormat.QDQ)"
        )


def require_order(plain: Analysis, quantised: Analysis) -> None:
    """Refuses two files in the wrong order.

    Raises:
        InputError: the first has pairs, the second none.
    """
    pairs = ("QuantizeLinear", "DequantizeLinear")
    ours, theirs = (
        any(node.op_type in pairs for node in one.source.model.graph.node)
        for one in (plain, quantised)
    )
    if ours and not theirs:
        raise InputError(
            f"{quantised.source.name} has no pair of QuantizeLinear and DequantizeLinear, and "
            f"{plain.source.name} has such pairs: FLOAT comes first, then QUANTISED"
        )


def _type_of(analysis: Analysis) -> TypeOf:
    """The types of a file's tensors, as far as they are known."""
    tensors = analysis.graph.tensors

    def kind(name: str) -> np.dtype[Any] | None:
        tensor: Tensor = tensors.get(name)
        known = getattr(tensor, "dtype", None)
        return None if known is None or isinstance(known, int) else np.dtype(known)

    return kind
