"""The activation functions that LSTM, GRU and RNN name, with their parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...reading.graph import Node, Tensor
from ...writing.op import Op
from ..registry import unsupported

Function = Callable[[Op, Tensor], Tensor]

PLAIN: dict[str, str] = {
    "relu": "Relu",
    "tanh": "Tanh",
    "sigmoid": "Sigmoid",
    "softsign": "Softsign",
    "softplus": "Softplus",
}
"""Lower case, as runtimes compare -> the operator."""
WITH_ALPHA: dict[str, tuple[str, float]] = {
    "leakyrelu": ("LeakyRelu", 0.01),
    "thresholdedrelu": ("ThresholdedRelu", 1.0),
    "elu": ("Elu", 1.0),
}
"""The operator, and alpha where the node names none."""


def functions(node: Node, defaults: Sequence[str], directions: int) -> list[Function]:
    """The activations of all directions in order; parameters go to those that take some."""
    names = node.attrs.get("activations") or [*defaults] * directions
    alphas, betas = (list(node.attrs.get(f"activation_{p}") or ()) for p in ("alpha", "beta"))
    found = []
    for name in (n.decode().lower() if isinstance(n, bytes) else n.lower() for n in names):
        if name in PLAIN:
            found.append(_plain(PLAIN[name]))
        elif name in WITH_ALPHA:
            op_type, alpha = WITH_ALPHA[name]
            found.append(_plain(op_type, alpha=alphas.pop(0) if alphas else alpha))
        elif name == "hardsigmoid":
            alpha, beta = _next(alphas, 0.2), _next(betas, 0.5)
            found.append(_plain("HardSigmoid", alpha=alpha, beta=beta))
        elif name == "affine":
            found.append(_affine(_next(alphas, 1.0), _next(betas, 0.0)))
        elif name == "scaledtanh":
            found.append(_scaled(_next(alphas, 1.0), _next(betas, 1.0)))
        else:
            raise unsupported(node, f"its activation is {name}")
    return found


def _next(given: list[float], default: float) -> float:
    return given.pop(0) if given else default


def _plain(op_type: str, **attrs: float) -> Function:
    return lambda op, x: getattr(op, op_type)(x, **attrs)


def _affine(alpha: float, beta: float) -> Function:
    return lambda op, x: op.Add(op.Mul(x, alpha), beta)


def _scaled(alpha: float, beta: float) -> Function:
    return lambda op, x: op.Mul(op.Tanh(op.Mul(x, beta)), alpha)
