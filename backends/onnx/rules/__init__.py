"""VJP rules, one family a file; importing this package fills the tables."""

from . import (
    activation,
    convolution,
    elementwise,
    index,
    linear,
    normalisation,
    pooling,
    quantisation,
    reduction,
    resize,
    shape,
    zeros,
)
from .registry import GUIDED, VJP_RULES, ZERO, Rule, key_of, refusal, vjp, zero

__all__ = [
    "GUIDED",
    "VJP_RULES",
    "ZERO",
    "Rule",
    "activation",
    "convolution",
    "elementwise",
    "index",
    "key_of",
    "linear",
    "normalisation",
    "pooling",
    "quantisation",
    "reduction",
    "refusal",
    "resize",
    "shape",
    "vjp",
    "zero",
    "zeros",
]
