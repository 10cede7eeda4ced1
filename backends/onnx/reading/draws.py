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

    drawn = (n for n in inner if draws(n.domain, n.op, [t.name for t in n.inputs], value))
    return next(drawn, None)
