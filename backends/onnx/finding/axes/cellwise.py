"""Operators that make each cell of the same cell of their inputs, and reductions."""

from __future__ import annotations

from collections.abc import Sequence

from ...reading.kinds import REDUCTIONS
from .factors import Axes, fresh
from .table import Step, moves

OF_ALL = (
    *("Add", "Sub", "Mul", "Div", "Pow", "Mod", "Max", "Min", "Sum", "Mean", "Where", "PRelu"),
    *("And", "Or", "Xor", "Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual"),
    *("BitShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor"),
)
"""Every input counts."""
OF_FIRST = (
    *("Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Cast", "CastLike", "Ceil"),
    *("Celu", "Clip", "Cos", "Cosh", "CumProd", "CumSum", "DequantizeLinear", "Elu", "Erf", "Exp"),
    *("Floor", "Gelu", "HardSigmoid", "HardSwish", "Hardmax", "Identity", "ImageScaler", "IsInf"),
    *("InstanceNormalization", "IsNaN", "LeakyRelu", "Log", "LogSoftmax", "LpNormalization", "LRN"),
    *("MeanVarianceNormalization", "Mish", "Neg", "Not", "QuantizeLinear", "Reciprocal", "Relu"),
    *("Affine", "ParametricSoftplus", "ScaledTanh", "BitwiseNot", "BitCast"),
    *("RotaryEmbedding", "Round", "Selu", "Shrink", "Sigmoid", "Sign", "Sin", "Sinh", "Softmax"),
    *("Softplus", "Softsign", "Sqrt", "Swish", "Tan", "Tanh", "ThresholdedRelu", "Trilu"),
    *("SimplifiedLayerNormalization", "Bernoulli", "RandomNormalLike", "RandomUniformLike"),
    *("GroupNormalization", "RMSNormalization", "EyeLike", "ScatterElements", "TensorScatter"),
    *("Scatter", "QLinearLeakyRelu"),
)
"""The first input counts, the others say how."""


@moves(*OF_ALL)
def of_all(step: Step) -> Sequence[Axes | None]:
    shape = step.made[0]
    return [None if shape is None else step.aligned(step.inputs, shape)]


@moves(*OF_FIRST)
def of_first(step: Step) -> Sequence[Axes | None]:
    return [step.inputs[0]]


@moves("Dropout", "BatchNormalization", "LayerNormalization", "DynamicQuantizeLinear")
def with_more(step: Step) -> Sequence[Axes | None]:
    """The first output as the first input; a mask likewise, statistics where they still fit."""
    found: list[Axes | None] = [step.inputs[0]]
    for shape in step.made[1:]:
        found.append(None if shape is None else step.aligned([step.inputs[0]], shape))
    return found


@moves("SiLU", "Mish", "Straight", "Standardise", domain="cam")
def composite(step: Step) -> Sequence[Axes | None]:
    """Ours, found in the graph."""
    return [step.inputs[0]]


@moves(*REDUCTIONS, "ArgMax", "ArgMin")
def reduced(step: Step) -> Sequence[Axes | None]:
    """The axes that are summed over go."""
    rank, given = len(step.x), step.value(1)
    if step.operator in ("ArgMax", "ArgMin"):
        gone = {step.axis()}
    elif given is not None and given.size:
        gone = {int(axis) % rank for axis in given.ravel()}
    elif len(step.inputs) > 1 and step.node.inputs[1].name and given is None:
        return [step.unknown()]
    else:
        gone = set() if step.attrs.get("noop_with_empty_axes") else set(range(rank))
    keep = step.attrs.get("keepdims", 1)
    return [tuple(() if i in gone else a for i, a in enumerate(step.x) if keep or i not in gone)]


@moves("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool")
def pooled_away(step: Step) -> Sequence[Axes | None]:
    return [(*step.x[:2], *(() for _ in step.x[2:]))]


@moves("Shape", "Size", "ConstantOfShape", "Range", "RandomNormal", "RandomUniform", "Constant")
@moves("AffineGrid", "HannWindow", "HammingWindow", "BlackmanWindow", "MelWeightMatrix")
def from_nothing(step: Step) -> Sequence[Axes | None]:
    """Extents, numbers that count, and what is made of them."""
    return [step.new(output) for output in range(len(step.made))]


@moves("OneHot")
def one_hot(step: Step) -> Sequence[Axes | None]:
    """The places of the indices, and an axis of classes among them."""
    rank = len(step.x) + 1
    at = step.axis(default=-1, rank=rank)
    shape = step.made[0]
    if shape is None:
        return [None]
    return [(*step.x[:at], fresh(shape[at]), *step.x[at:])]


@moves("NonZero", "Compress", "Unique", "NonMaxSuppression", "Multinomial", "StringNormalizer")
@moves("TfIdfVectorizer", "SequenceAt", "ConcatFromSequence", "SplitToSequence", "Optional")
def by_data(step: Step) -> Sequence[Axes | None]:
    """What is kept, and in which order, is decided by the numbers."""
    return [step.unknown(output) for output in range(len(step.made))]
