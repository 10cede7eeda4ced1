"""What onnxruntime-web 1.30.0 runs on WebGPU (its native provider, `onnxruntime-web/webgpu`).

Found by its own answer: a session of one node, for which falling back to the CPU was forbidden.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx

from ..reading.graph import Node, Tensor

RUNTIME = "onnxruntime-web 1.30.0"
NEWEST = 24
"""The opset beyond which it moves even Transpose and Conv to the CPU."""
KINDS = {
    np.dtype(np.float32): "f",
    np.dtype(np.float16): "f",  # where the adapter has shader-f16
    np.dtype(np.int32): "i",
    np.dtype(np.bool_): "b",
    np.dtype(np.uint8): "u",
    np.dtype(np.int8): "s",
}
"""A letter for each type that some operator takes; none takes int64 but as indices."""


@dataclass(frozen=True)
class Kernel:
    """What it takes of an operator."""

    kinds: str
    """Letters of KINDS, of the first operand that is data."""
    first: int = 1
    """The oldest version of the operator."""
    last: int = NEWEST
    """The newest."""


FLOATS, WHOLE, ANY = Kernel("f"), Kernel("fi"), Kernel("fib")
OLD = Kernel("f", last=21)
KERNELS: dict[str, Kernel] = {
    **dict.fromkeys(
        (
            *("Abs", "Neg", "Sqrt", "Exp", "Log", "Erf", "Sigmoid", "Tanh", "Relu", "Reciprocal"),
            *("Floor", "Ceil", "LeakyRelu", "PRelu", "Gelu", "Softmax", "Softplus", "Mish"),
            *("ReduceMean", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSum"),
            *("ReduceLogSumExp", "ReduceSumSquare", "MatMul", "Gemm", "Einsum", "Conv"),
            *("AveragePool", "LayerNormalization", "BatchNormalization", "CastLike", "Slice"),
            *("InstanceNormalization", "DepthToSpace", "Trilu", "TopK", "DFT", "GatherElements"),
            *("ScatterElements", "ScatterND"),
        ),
        FLOATS,
    ),
    **dict.fromkeys(
        (
            *("Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Cos", "Cosh", "Sin", "Sinh"),
            *("Tan", "Elu", "ThresholdedRelu", "HardSwish", "HardSigmoid", "GlobalMaxPool"),
            *("GlobalAveragePool", "MaxPool", "ConvTranspose", "GridSample"),
        ),
        OLD,
    ),
    **dict.fromkeys(
        (
            *("Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Equal", "Greater", "Less"),
            *("GreaterOrEqual", "LessOrEqual", "Tile", "Concat", "Split", "ReduceMax"),
            *("ReduceMin", "ReduceSum", "ArgMax", "ArgMin", "GatherND", "Range", "CumSum"),
            *("Transpose", "Identity"),
        ),
        WHOLE,
    ),
    **dict.fromkeys(("Expand", "Unsqueeze", "Gather", "Where"), ANY),
    "Reshape": Kernel("fibu"),
    "Squeeze": WHOLE,
    "Flatten": Kernel("fib", last=21),
    "Pad": Kernel("fi", last=23),
    "Clip": Kernel("fi", first=11),
    "Resize": Kernel("f", first=10),
    "Cast": Kernel("fibu"),
    "DequantizeLinear": Kernel("usi", last=23),
    "And": Kernel("b"),
    "Not": Kernel("b"),
    "If": Kernel("b"),
}
"""By operator. Shape is not there: it runs on the CPU, and so does what is computed of shapes."""
FUSED = frozenset(
    {
        *("Attention", "BiasAdd", "BiasSplitGelu", "FastGelu", "FusedConv", "Gelu", "QuickGelu"),
        *("GroupQueryAttention", "MatMulNBits", "MultiHeadAttention", "RotaryEmbedding"),
        *("SkipLayerNormalization", "SkipSimplifiedLayerNormalization", "GatherBlockQuantized"),
    }
)
"""Those of com.microsoft, as its documentation lists them; not tried one by one."""
CONDITION = {"Where": 1}
"""Operators whose first operand is no data."""


def data_of(op_type: str, inputs: Iterable[Tensor]) -> Tensor | None:
    """The operand whose type counts."""
    given = list(inputs)[CONDITION.get(op_type, 0) :]
    return given[0] if given else None


def kind_of(tensor: Tensor | None) -> str:
    """A letter of KINDS; '' of any other type."""
    if tensor is None or tensor.dtype is None or isinstance(tensor.dtype, int):
        return ""
    return KINDS.get(np.dtype(tensor.dtype), "")


def runs(op_type: str, inputs: Iterable[Tensor], opset: int, domain: str = "") -> bool:
    """Is there a kernel for an operator of that opset, with operands of these types?"""
    if domain == "com.microsoft":
        return op_type in FUSED
    kernel = KERNELS.get(op_type) if domain in ("", "ai.onnx") else None
    if kernel is None:
        return False
    version = _version(op_type, opset)
    kind = kind_of(data_of(op_type, inputs))
    return kernel.first <= version <= kernel.last and kind != "" and kind in kernel.kinds


def _version(op_type: str, opset: int) -> int:
    try:
        return int(onnx.defs.get_schema(op_type, opset).since_version)
    except onnx.defs.SchemaError:
        return opset


def missing(
    nodes: Iterable[Node], opset: int, constant: Callable[[Tensor], bool]
) -> dict[str, list[Any]]:
    """The nodes that would run on the CPU, by operator; `Conv of int64` where its type is why.

    What depends on constants and fixed extents alone is computed when the file is loaded.
    """
    found: dict[str, list[Any]] = {}
    for node in nodes:
        loaded = any(
            all(not t.name or constant(t) for t in side) for side in (node.inputs, node.outputs)
        )
        if loaded or runs(node.op, node.inputs, opset, node.domain or ""):
            continue
        found.setdefault(_said(node, opset), []).append(node)
    return found


def _said(node: Node, opset: int) -> str:
    """The operator, and its type or version where it is that."""
    name = f"{node.domain}.{node.op}" if node.domain not in (None, "", "ai.onnx") else str(node.op)
    kernel, data = KERNELS.get(node.op), data_of(node.op, node.inputs)
    if kernel is None or name != node.op:
        return name
    version = _version(node.op, opset)
    if not kernel.first <= version <= kernel.last:
        return f"{name} of opset {version}"
    kind = None if data is None or isinstance(data.dtype, int) else data.dtype
    return name if kind is None else f"{name} of {np.dtype(kind)}"
