"""Matrix products. Weight cotangents are written only where a weight depends on the layer."""

from __future__ import annotations

from ...reading.graph import Node, Tensor
from ...writing.arithmetic import transposed
from ...writing.op import Op
from ..registry import Cotangent, optional, vjp


@vjp("MatMul")
def matmul(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    """dA = gy B^T, dB = A^T gy over the last two axes; a vector counts as one row or column."""
    a, b = node.inputs
    a_vector, b_vector = len(a.shape) == 1, len(b.shape) == 1
    if a_vector:
        gy = op.Unsqueeze(gy, [-1 if b_vector else -2])
    if b_vector:
        gy = op.Unsqueeze(gy, [-1])
    rows = op.Unsqueeze(a, [0]) if a_vector else a
    columns = op.Unsqueeze(b, [1]) if b_vector else b

    def of_a() -> Tensor:
        g, w = unmerged(op, gy, columns, columns.shape[-2] == columns.shape[-1])
        ga = op.MatMul(g, transposed(op, w))
        return op.sum_to(op.Squeeze(ga, [-2]), a) if a_vector else ga

    def of_b() -> Tensor:
        gb = op.MatMul(transposed(op, rows), gy)
        return op.sum_to(op.Squeeze(gb, [-1]), b) if b_vector else gb

    return of_a, of_b


def unmerged(op: Op, gy: Tensor, w: Tensor, square: bool) -> tuple[Tensor, Tensor]:
    """gy and w, or both negated: their product is the same, bit for bit.

    OpenVINO (2026.4) packs a square weight once for both of its orientations, and multiplies by W
    where W^T was meant. So the backward pass reads a square weight as another constant.
    """
    if not square or not op.graph.constant(w) or op.promises.one_hot_rows(gy):
        return gy, w
    return op.Neg(gy), op.Neg(w)


@vjp("Gemm")
def gemm(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    """y = alpha A' B' + beta C."""
    a, b = node.inputs[:2]
    alpha, beta = node.attrs["alpha"], node.attrs["beta"]
    flip_a, flip_b = bool(node.attrs["transA"]), bool(node.attrs["transB"])
    scaled = gy if alpha == 1 else op.Mul(gy, alpha)

    def of_a() -> Tensor:
        if flip_a:
            return op.Gemm(b, scaled, transA=int(flip_b), transB=1)
        g, w = unmerged(op, scaled, b, b.shape[0] == b.shape[1])
        return op.MatMul(g, w if flip_b else transposed(op, w))

    def of_b() -> Tensor:
        if flip_b:
            return op.Gemm(scaled, a, transA=1, transB=int(flip_a))
        return op.MatMul(a if flip_a else transposed(op, a), scaled)

    c = optional(node, 2)
    if c is None:
        return of_a, of_b
    return of_a, of_b, gy if beta == 1 else op.Mul(gy, beta)
