"""The score of each block of a transformer, of its mean token, and its gradient there: `legrad`."""

from __future__ import annotations

from typing import Any

import numpy as np

from cam_core.errors import InputError

from ..differentiating.gradient import HALF_SCALE
from ..differentiating.reverse import Pass
from ..finding.token_places import Sight
from ..reading.graph import Tensor
from ..rules import VJP_RULES
from ..writing.arithmetic import as_float32
from ..writing.op import Op
from .again import again, float16_on
from .trace import Traced

CHOSEN = {"ArgMax", "TopK", "Shape"}
"""What a cotangent may take from the score: which class, and how many rows."""


def own_gradients(op: Op, sight: Sight, cotangent: Tensor) -> list[Tensor]:
    """ds_l/dP_l of each block: what follows the last block is run on the mean token of block l.

    Raises:
        InputError: the cotangent is that of a score which is no sum of logits: it would differ from
            block to block.
    """
    require_constant(op, cotangent, sight.analysis.score.name)
    half = float16_on(sight.analysis.graph.nodes)
    scaled = op.Mul(cotangent, HALF_SCALE) if half else cotangent
    found = []
    for end, block in zip(sight.ends(), sight.blocks, strict=True):
        leaf = block.weights.tensor
        g = _of_mean(op, sight, end, scaled)
        back = Pass(op, VJP_RULES).back(sight.analysis.graph.nodes, [(end, g)], [leaf])
        own = op.expand_like(back[leaf.name], leaf)
        found.append(op.Mul(as_float32(op, own), 1 / HALF_SCALE) if half else own)
    return found


def _of_mean(op: Op, sight: Sight, end: Tensor, cotangent: Tensor) -> Tensor:
    """ds/dtokens where s is Y of the mean token, of the shape of these tokens."""
    last, score = sight.ends()[-1], sight.analysis.score.tensor
    axis, of_last = sight.token_axis(end), sight.token_axis(last)
    mean = _moved(op, op.ReduceMean(end, [axis], keepdims=1), axis, of_last)
    every = op.typed(op.plain("Expand", mean, op.Shape(last)), last.shape)
    copy = again(op, sight.analysis, last, every, score)
    back = Pass(op, VJP_RULES).back(copy.nodes, [(copy.result, cotangent)], [every])
    g = op.expand_like(back[every.name], every)
    each = _moved(op, op.ReduceSum(g, [of_last], keepdims=1), of_last, axis)
    return op.expand_like(op.Mul(each, 1 / end.shape[axis]), end)


def _moved(op: Op, x: Tensor, axis: int, to: int) -> Tensor:
    found: Any = Traced(op, x)
    order = [i for i in range(len(x.shape)) if i != axis]
    order.insert(to, axis)
    turned: Any = np.transpose(found, order)
    return turned.tensor


def require_constant(op: Op, cotangent: Tensor, score: str) -> None:
    """Refuses a cotangent that depends on the score by more than which class is the top one."""
    met, open_ = set[str](), [cotangent]
    while open_:
        tensor = open_.pop()
        if tensor.name == score:
            raise InputError(
                "legrad takes the score of each block, and in a file only targets that are sums of "
                "logits, a class or a difference of two: name one, or use `explain`"
            )
        node = op.made.get(tensor.name)
        if tensor.name in met or node is None or node.op in CHOSEN:
            continue
        met.add(tensor.name)
        open_ += node.inputs
