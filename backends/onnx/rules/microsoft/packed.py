"""MatMulNBits: weights of 2, 4 or 8 bits, several in a byte, with a scale a block.

They are unpacked by arithmetic, which a runtime folds at load.
"""

from __future__ import annotations

import numpy as np

from ...reading.graph import Node, Tensor
from ...writing.op import Op
from ..registry import attribute, optional, unsupported
from ..spelled_out import body
from .fused import MICROSOFT


@body("MatMulNBits", domain=MICROSOFT)
def matmul_nbits(op: Op, node: Node) -> Tensor:
    """A W^T + bias, W [N, K] dequantised along K in blocks."""
    a, bias = node.inputs[0], optional(node, 5)
    if optional(node, 4) is not None:
        raise unsupported(node, "its rows are grouped anew (g_idx)")
    if attribute(node, "weight_prepacked"):
        raise unsupported(node, "its weight is laid out for one kind of processor")
    y = op.MatMul(a, op.Transpose(_weight(op, node), perm=[1, 0]))
    return y if bias is None else op.Add(y, bias)


def _weight(op: Op, node: Node) -> Tensor:
    """[N, K]: (q - zero) scale."""
    packed, scales, zeros = node.inputs[1], node.inputs[2], optional(node, 3)
    columns, depth, size = (int(node.attrs[name]) for name in ("N", "K", "block_size"))
    blocks = -(-depth // size)
    q = op.Reshape(_unpacked(op, node, packed), [columns, blocks, size])
    each = [columns, blocks, 1]
    middle: object = float(2 ** (_bits(node) - 1))
    if zeros is not None and zeros.dtype == np.uint8:
        row = op.Reshape(_unpacked(op, node, zeros), [columns, -1])  # padded to whole bytes
        middle = op.Reshape(op.Slice(row, [0], [blocks], [1]), each)
    elif zeros is not None:
        middle = op.Reshape(op.Cast(zeros, to=np.float32), each)
    steps = op.Sub(q, middle)
    w = op.Mul(op.Cast(steps, to=scales.dtype), op.Reshape(scales, each))
    return op.Slice(op.Reshape(w, [columns, blocks * size]), [0], [depth], [1])


def _bits(node: Node) -> int:
    bits = node.attrs.get("bits", 4)
    if bits not in (2, 4, 8):
        raise unsupported(node, f"its weights have {bits} bits")
    return int(bits)


def _unpacked(op: Op, node: Node, packed: Tensor) -> Tensor:
    """The numbers in each byte, the lowest bits first, as one flat row of float32."""
    bits, rest = _bits(node), op.Cast(packed, to=np.float32)
    parts = []
    for _ in range(8 // bits - 1):
        above = op.Cast(op.Cast(op.Mul(rest, 2.0**-bits), to=np.int32), to=np.float32)
        parts.append(op.Sub(rest, op.Mul(above, 2.0**bits)))
        rest = above
    parts.append(rest)
    return op.Reshape(op.Concat(*(op.Unsqueeze(p, [-1]) for p in parts), axis=-1), [-1])
