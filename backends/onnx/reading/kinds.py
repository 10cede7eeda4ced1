"""The kinds of operators: every set of operator names that more than one step goes by, or may.

What a single step alone knows of an operator (its rule, its spelling) stands with that step.
"""

from __future__ import annotations

EXTENTS = {"Shape", "Size"}
"""What they give are extents: no derivative passes them, and no place."""
RESHAPING = {"Reshape", "Squeeze", "Unsqueeze", "Flatten"}
"""Operators that show the same numbers, in the same order, in another shape."""
VIEWS = RESHAPING | {"Transpose", "Identity", "Dropout", "Cast"}
"""Operators that show the same numbers in another shape, order or type."""
REARRANGING = {"Transpose", "Reshape", "Slice", "Squeeze", "Unsqueeze", "Concat", "Gather", "Neg"}
"""What a constant weight may go through at load: its numbers elsewhere, or negated."""
QUANTISERS = {"QuantizeLinear", "DequantizeLinear"}
"""Between integers and what they stand for."""
MOVES = {
    *("Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Slice", "Gather"),
    *("MaxPool", "NhwcMaxPool", "DepthToSpace", "SpaceToDepth", "Pad", "Expand", "Tile"),
    *("Split", "Resize"),
}
"""Operators on integers whose result has the units of their first input."""
POOLS = {"MaxPool", "AveragePool", "LpPool"}
"""Operators that give one number a window, of its numbers alone."""
WINDOWS = POOLS | {"Pad"}
"""Operators of windows that have no weights."""
WINDOWED_PRODUCTS = {"Conv", "ConvTranspose"}
"""Operators whose weights runtimes lay out anew at load, which they do within one graph only."""
PRODUCTS = {"MatMul", "Einsum"}
"""Of two maps they make no map: the products of an attention's heads lie in no space."""
MIXERS = PRODUCTS | WINDOWED_PRODUCTS | {"Gemm"}
"""Operators that mix channels: a map before one of them is not yet a map of classes."""
RECURRENT = {"LSTM", "GRU", "RNN"}
"""Operators that go along time, one step after the other."""
REDUCTIONS = (
    *("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2"),
    *("ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare"),
)
"""Operators that give one number for all along some axes."""
NORMS = {
    *("LayerNormalization", "BatchNormalization", "RMSNormalization", "GroupNormalization"),
    *("InstanceNormalization", "Standardise"),
}
"""Operators that take the mean off and divide by the deviation, our own composite too."""
CHANNEL_NORMS = {"LayerNormalization", "RMSNormalization"}
"""Norms over channels; they only close the last stage (Swin): the map is the stage's own."""
CHANNELS_FIRST = {
    *("Conv", "ConvTranspose", "MaxPool", "AveragePool", "LpPool"),
    *("BatchNormalization", "InstanceNormalization", "GroupNormalization", "LRN", "PRelu"),
    *("GlobalAveragePool", "GlobalMaxPool", "DepthToSpace", "SpaceToDepth", "ImageScaler"),
    *("Col2Im", "MaxUnpool", "DeformConv", "GridSample", "RoiAlign"),
}
"""Operators whose result has its channels at axis 1."""
CHANNELS_LAST = {"LayerNormalization", "MatMul", "Gemm", "RMSNormalization"}
"""Operators whose result has them at the last axis."""
PRELUDE = {"Add", "Mul", "Div", "Softmax", "Slice", "Gather"}
"""What else may stand between a linear layer and the product that its result is a factor of."""
FUSED_AFTER_GEMM = {
    *("Relu", "Sigmoid", "Tanh", "LeakyRelu", "Elu", "Softplus", "Softsign", "HardSigmoid"),
}
"""What may have been fused with the Gemm, and stands between it and the second Reshape."""
FLATTENING = {"Softmax", "LogSoftmax", "Hardmax"}
"""Before opset 13 they flattened their input to two dimensions at `axis`."""
DATA_DEPENDENT = ("Shape", "Size", "Range", "ConstantOfShape", "NonZero", "Unique", "Compress")
"""Operators that no added node may be: they make or read an extent at run time."""
SAME_TYPE = {
    *("ImageScaler", "Affine", "ScaledTanh", "ParametricSoftplus"),
    "MeanVarianceNormalization",  # its schema infers nothing where axes are defaulted
}
"""Operators that keep their input's type; those of the oldest exporters have no schema any more."""
RANDOM = frozenset(
    {
        ("", "Bernoulli"),
        ("", "Multinomial"),
        ("", "RandomNormal"),
        ("", "RandomNormalLike"),
        ("", "RandomUniform"),
        ("", "RandomUniformLike"),
        ("com.microsoft", "Sampling"),
    }
)
"""They give something else at every run. Those that do in training mode only: `draws.py`."""
