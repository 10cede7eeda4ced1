"""LSTM, GRU and RNN through what they stand for: one product for the whole input, then cells.

A node gives its states only, so the gates are computed again. Short sequences are written out;
longer ones, or of unknown length, become a Scan, whose derivative is that of loops.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ...reading.graph import Node, Tensor
from ...writing.op import Op
from ..parts.extents import extent, positions, vector
from ..registry import optional
from ..spelled_out import body
from .gates import Function, functions
from .recurrence import Cell, run, stack


@dataclass(frozen=True)
class Weights:
    """Those of one direction, and what limits its gates."""

    R: Tensor
    """[H, G H]"""
    Rb: Tensor | None
    """[H], the part of the bias that a reset gate multiplies."""
    P: Tensor | None
    """Peepholes, [3 H]."""
    clip: Function


MakeCell = Callable[[Op, Node, Weights, Sequence[Function]], Cell]


@body("RNN")
def rnn(op: Op, node: Node) -> list[Tensor]:
    """h' = f(x W + h R + b)."""
    return _recurrent(op, node, _rnn_cell, gates=1, states=1, defaults=["Tanh"])


def _rnn_cell(op: Op, node: Node, w: Weights, chosen: Sequence[Function]) -> Cell:
    (f,) = chosen

    def step(op: Op, x: Tensor, states: Sequence[Tensor]) -> list[Tensor]:
        return [f(op, w.clip(op, op.Add(x, op.MatMul(states[0], w.R))))]

    return step


@body("GRU")
def gru(op: Op, node: Node) -> list[Tensor]:
    """z, r = f(.); n = g(x W + (r h) R + b) or g(x W + Wb + r (h R + Rb)); h' = (1 - z) n + z h."""
    return _recurrent(op, node, _gru_cell, gates=3, states=1, defaults=["Sigmoid", "Tanh"])


def _gru_cell(op: Op, node: Node, w: Weights, chosen: Sequence[Function]) -> Cell:
    f, g = chosen
    size = w.R.shape[0]
    Rzr, Rn = op.Split(w.R, [2 * size, size], axis=1, outputs=2)

    def inner(op: Op, r: Tensor, h: Tensor) -> Tensor:
        if not node.attrs["linear_before_reset"]:
            return op.MatMul(op.Mul(r, h), Rn)
        product = op.MatMul(h, Rn)
        return op.Mul(r, product if w.Rb is None else op.Add(product, w.Rb))

    def step(op: Op, x: Tensor, states: Sequence[Tensor]) -> list[Tensor]:
        (h,) = states
        xzr, xn = op.Split(x, [2 * size, size], axis=1, outputs=2)
        both = f(op, w.clip(op, op.Add(xzr, op.MatMul(h, Rzr))))
        z, r = op.Split(both, [size, size], axis=1, outputs=2)
        n = g(op, w.clip(op, op.Add(xn, inner(op, r, h))))
        return [op.Add(op.Mul(op.Sub(1.0, z), n), op.Mul(z, h))]

    return step


@body("LSTM")
def lstm(op: Op, node: Node) -> list[Tensor]:
    """i, o, f = f(.), n = g(.); c' = f c + i n; h' = o k(c').

    A clip limits the gates and not c', as onnxruntime computes it.
    """
    return _recurrent(op, node, _lstm_cell, gates=4, states=2, defaults=["Sigmoid", "Tanh", "Tanh"])


def _lstm_cell(op: Op, node: Node, w: Weights, chosen: Sequence[Function]) -> Cell:
    f, g, k = chosen
    sizes = [w.R.shape[0]]
    peepholes = [None] * 3 if w.P is None else op.Split(w.P, sizes * 3, axis=0, outputs=3)

    def step(op: Op, x: Tensor, states: Sequence[Tensor]) -> list[Tensor]:
        h, c = states
        parts = op.Split(op.Add(x, op.MatMul(h, w.R)), sizes * 4, axis=1, outputs=4)

        def gate(position: int, cell: Tensor) -> Tensor:
            x, p = parts[position], peepholes[position]
            return f(op, w.clip(op, x if p is None else op.Add(x, op.Mul(p, cell))))

        i = gate(0, c)
        forget = op.Sub(1.0, i) if node.attrs["input_forget"] else gate(2, c)
        new = op.Add(op.Mul(forget, c), op.Mul(i, g(op, w.clip(op, parts[3]))))
        return [op.Mul(gate(1, new), k(op, new)), new]

    return step


def _recurrent(
    op: Op, node: Node, make: MakeCell, *, gates: int, states: int, defaults: Sequence[str]
) -> list[Tensor]:
    """Y, the last h and, of an LSTM, the last c."""
    directions = 2 if node.attrs["direction"] == "bidirectional" else 1
    batch_first = bool(node.attrs.get("layout"))
    x = op.Transpose(node.inputs[0], perm=[1, 0, 2]) if batch_first else node.inputs[0]
    mask = _mask(op, node, x)
    chosen = functions(node, defaults, directions)
    rows: list[Tensor] = []
    lasts: list[list[Tensor]] = [[] for _ in range(states)]
    for d in range(directions):
        given, weights = _weights(op, node, x, d, gates)
        cell = make(op, node, weights, chosen[d * len(defaults) :][: len(defaults)])
        first = [_initial(op, node, x, d, 5 + i) for i in range(states)]
        backwards = node.attrs["direction"] == "reverse" or d == 1
        y, *last = run(op, node, cell, given, mask, first, backwards)
        rows.append(op.Transpose(y, perm=[1, 0, 2]) if batch_first else y)
        for i, state in enumerate(last):
            lasts[i].append(state)
    axis = 2 if batch_first else 1
    return [stack(op, rows, axis), *(stack(op, last, axis - 1) for last in lasts)]


def _weights(op: Op, node: Node, x: Tensor, d: int, gates: int) -> tuple[Tensor, Weights]:
    """x W + b for all steps in one product, [T, N, G H], and what the cell takes."""
    W, R = (op.Transpose(_of(op, node.inputs[i], d), perm=[1, 0]) for i in (1, 2))
    size = R.shape[0]
    given, Rb, B = op.MatMul(x, W), None, optional(node, 3)
    if B is not None:
        Wb, bias = op.Split(_of(op, B, d), [gates * size] * 2, axis=0, outputs=2)
        if node.attrs.get("linear_before_reset"):
            bias, Rb = op.Split(bias, [2 * size, size], axis=0, outputs=2)
            bias = op.Concat(bias, np.zeros(size, bias.dtype), axis=0)
        given = op.Add(given, op.Add(Wb, bias))
    P = optional(node, 7)
    limit = node.attrs.get("clip")

    def clip(op: Op, x: Tensor) -> Tensor:
        return x if limit is None else op.Clip(x, -limit, limit)

    return given, Weights(R, Rb, None if P is None else _of(op, P, d), clip)


def _of(op: Op, weights: Tensor, direction: int) -> Tensor:
    return op.Gather(weights, np.array(direction), axis=0)


def _initial(op: Op, node: Node, x: Tensor, d: int, position: int) -> Tensor:
    """A first state, [N, H]; zeros where there is none."""
    given = optional(node, position)
    if given is not None:
        return op.Gather(given, np.array(d), axis=1 if node.attrs.get("layout") else 0)
    size = node.inputs[2].shape[2]
    zero = op.constant(np.zeros((), x.dtype))
    made = op.Expand(zero, vector(op, [extent(op, x, 1), size]))
    return op.typed(made, (x.shape[1], size))


def _mask(op: Op, node: Node, x: Tensor) -> Tensor | None:
    """Which steps each row has, [T, N, 1]; None: all of them."""
    lengths = optional(node, 4)
    if lengths is None:
        return None
    steps = op.Unsqueeze(positions(op, extent(op, x, 0)), [1])
    return op.Unsqueeze(op.Less(steps, op.Cast(lengths, to=np.int64)), [2])
