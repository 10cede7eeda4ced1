"""What draws at random: it is never folded, no constant, and not to be run again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx_graphsurgeon as gs

from .kinds import RANDOM

TRAINED = {
    ("", "Dropout"): 2,
    ("com.microsoft", "BitmaskDropout"): 2,
    ("com.microsoft", "BiasDropout"): 4,
    ("com.microsoft", "BitmaskBiasDropout"): 4,
}
"""Operators that draw in training mode, and the input that says whether they are in it."""

Value = Callable[[str], np.ndarray[Any, Any] | None]
"""The value of a tensor by name, None where it is not known."""


def draws(domain: str | None, operator: str, inputs: Sequence[str], value: Value) -> bool:
    """May a node give something else at the next run?"""
    key = ("" if domain in (None, "ai.onnx") else domain, operator)
    if key not in TRAINED:
        return key in RANDOM
    place = TRAINED[key]
    if len(inputs) <= place or not inputs[place]:
        return False
    training = value(inputs[place])
    return training is None or bool(np.any(training))


def training_note(nodes: Sequence[gs.Node], value: Value) -> str:
    """That operators do here what they do in training; '' of none.

    A Dropout draws, and a BatchNormalization takes mean and deviation of the batch that it is fed.
    """
    found = [
        node
        for node in nodes
        if (node.op == "BatchNormalization" and node.attrs.get("training_mode", 0))
        or ("Dropout" in node.op and draws(node.domain, node.op, _names(node), value))
    ]
    if not found:
        return ""
    first = f"{found[0].op} '{found[0].name or found[0].outputs[0].name}'"
    more = f" and {len(found) - 1} more" if found[1:] else ""
    return f"{first}{more} in training mode: export the model in evaluation mode"


def _names(node: gs.Node) -> list[str]:
    return [tensor.name for tensor in node.inputs]


def drawing(node: gs.Node, around: Value) -> gs.Node | None:
    """A node in the bodies of `node` that draws; `around` knows the values outside them."""
    inner = [n for body in node.subgraphs(recursive=True) for n in body.nodes]
    held: dict[str, list[gs.Constant]] = defaultdict(list)  # two bodies may share a name
    for step in inner:
        for tensor in (*step.inputs, step.attrs.get("value") if step.op == "Constant" else None):
            if isinstance(tensor, gs.Constant):
                held[tensor.name or step.outputs[0].name].append(tensor)

    def value(name: str) -> np.ndarray[Any, Any] | None:
        return np.array([np.any(t.values) for t in held[name]]) if name in held else around(name)

    drawn = (n for n in inner if draws(n.domain, n.op, _names(n), value))
    return next(drawn, None)
