"""Which operators every runtime runs: what is added at an ordinary layer keeps to them."""

from __future__ import annotations

PORTABLE = frozenset(
    {
        *("Add", "Sub", "Mul", "Div", "Neg", "Reciprocal", "Sqrt", "Pow", "Exp", "Log", "Erf"),
        *("Abs", "Sin", "Cos", "Tanh", "Sigmoid", "HardSigmoid", "Relu", "Softmax", "Clip"),
        *("Min", "Max", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"),
        *("Not", "And", "Where", "Cast", "Identity"),
        *("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Shape", "Expand", "Tile"),
        *("Concat", "Split", "Slice", "Pad", "Gather", "GatherElements", "DepthToSpace", "Range"),
        *("ScatterElements", "ScatterND", "ArgMax", "ReduceSum", "ReduceMean", "ReduceMax"),
        *("ReduceMin", "MatMul", "Gemm", "Conv", "ConvTranspose", "AveragePool", "MaxPool"),
        *("GlobalAveragePool", "Resize", "LayerNormalization"),
    }
)
"""Operators that onnxruntime, TensorRT, OpenVINO, CoreML and browsers all run.

Left out, because one of them cannot: OneHot, Sign, ConstantOfShape, NonZero, Or, Mod, Round, LRN
and Col2Im (WebGPU), EyeLike and If (WebNN, TensorRT's engines), MaxUnpool (all but onnxruntime).
MaxPool is portable without its Indices, a Scatter without a reduction (TensorRT, WebNN)."""
