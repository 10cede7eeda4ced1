"""VJP rules, one family a file; importing this package fills the tables."""

from . import (
    activation,
    attention,
    composite,
    convolution,
    einsum,
    elementwise,
    index,
    linear,
    maxpool,
    normalisation,
    pooling,
    quantisation,
    reduction,
    resize,
    scatter,
    shape,
    slicing,
    zeros,
)
from .pending import NOT_YET
from .registry import GUIDED, RULES, VJP_RULES, ZERO, RefusedError, Rule, key_of, vjp, zero
from .third_party import load_third_party
from .through import body

__all__ = [
    "GUIDED",
    "NOT_YET",
    "RULES",
    "VJP_RULES",
    "ZERO",
    "RefusedError",
    "Rule",
    "activation",
    "attention",
    "body",
    "composite",
    "convolution",
    "einsum",
    "elementwise",
    "index",
    "key_of",
    "linear",
    "load_third_party",
    "maxpool",
    "normalisation",
    "pooling",
    "quantisation",
    "reduction",
    "resize",
    "scatter",
    "shape",
    "slicing",
    "vjp",
    "zero",
    "zeros",
]
