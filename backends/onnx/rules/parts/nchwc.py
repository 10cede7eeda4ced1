"""onnxruntime's layout for convolutions: channels in blocks of 8 or 16, called NCHWc.

Convolutions, pools, sums, products and a few activations stay in it; whatever else reads a map, or
makes one, costs a reordering of the whole map. What is written here keeps maps in that layout, and
means the same in any runtime.
"""

from __future__ import annotations

import numpy as np

from ...reading.graph import Tensor
from ...writing.op import Op

BLOCK = 16
"""Channels in a block of the widest kind."""


def is_map(x: Tensor) -> bool:
    """Is it of a kind that the layout knows: [N, C, H, W] in float32, more than one place?"""
    if np.dtype(x.dtype) != np.float32 or x.shape is None or len(x.shape) != 4:
        return False
    return any(extent != 1 for extent in x.shape[2:])


def blockable(x: Tensor) -> bool:
    """May its channels be taken in blocks?"""
    return is_map(x) and isinstance(x.shape[1], int) and x.shape[1] % BLOCK == 0


def blocked(op: Op, x: Tensor) -> Tensor:
    """x again, in blocks: a pool over one cell is an identity that no optimiser merges with x."""
    if not blockable(x):
        return x
    return op.typed(op.AveragePool(x, kernel_shape=[1, 1]), x.shape)
