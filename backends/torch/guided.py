"""Guided backpropagation of a live module: hooks on the rectifiers of one recorded pass.

Autograd records every operator, called as a module, as a function or in place, so the rectifiers
are read from its graph; the module itself gets no hooks. One spelled as a `where` or a product
with a mask is not told from other such operators, and keeps its derivative: the .onnx file has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

Gradients = tuple[Any, ...]


def _from_zero(node: Any) -> bool:
    """A Clip whose lower bound is 0, whatever the upper one is."""
    low = node._saved_min_val if hasattr(node, "_saved_min_val") else node._saved_min
    return low is not None and not bool(low)


def _with_zeros(node: Any) -> bool:
    """The maximum of a tensor and zeros that nothing is differentiated by."""
    sides = zip((node._saved_self, node._saved_other), node.next_functions, strict=True)
    return any(fn is None and not values.any() for values, (fn, _) in sides)


RECTIFIERS: dict[str, Callable[[Any], bool]] = {
    "Relu": lambda node: True,
    "Hardtanh": _from_zero,
    "Clamp": _from_zero,
    "ClampMin": _from_zero,
    "Maximum": _with_zeros,
    "LeakyRelu": lambda node: node._saved_negative_slope == 0,
    "PreluKernel": lambda node: not node._saved_weight.any(),
}
"""What autograd calls an operator -> is this one a rectifier, max(x, 0), perhaps with a ceiling?"""
OTHERS = {
    *("LeakyRelu", "PreluKernel", "RreluWithNoise", "Threshold", "Elu", "Celu", "Softplus"),
    *("Gelu", "Silu", "Mish", "Hardswish", "Tanh"),
}
"""Activations in a rectifier's place."""


def guide(y: Any) -> str:
    """Makes every backward pass from y a guided one (Springenberg et al. 2015): rectifiers pass
    R_x = [x > 0] ReLU(R_y) back. Returns where it stays the plain gradient, '' where nowhere.
    """
    rectifiers, others = 0, set()
    for node in _recorded(y):
        name = node.name().partition("Backward")[0]
        if name in RECTIFIERS and RECTIFIERS[name](node):
            node.register_prehook(_rectified)
            rectifiers += 1
        elif name in OTHERS:
            others.add(name.removesuffix("Kernel").removesuffix("WithNoise"))
    if not rectifiers:
        return "no rectifier lies between input and score: guided is the plain gradient"
    met = ", ".join(sorted(others))
    return f"guided is the plain gradient at {met}: no rectifiers" if met else ""


def _rectified(gradients: Gradients) -> Gradients:
    return tuple(None if g is None else g.clamp(min=0) for g in gradients)


def _recorded(y: Any) -> Iterator[Any]:
    """Every node that y was computed by, once."""
    waiting, met = [y.grad_fn], set()
    while waiting:
        node = waiting.pop()
        if node is None or node in met:
            continue
        met.add(node)
        yield node
        waiting += [before for before, _ in node.next_functions]
