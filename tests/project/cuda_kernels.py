"""What onnxruntime's CUDA provider has kernels for, as far as added nodes need it.

From onnxruntime's `docs/OperatorKernels.md`, and from `GetCapability` of its CUDA provider.
"""

from __future__ import annotations

import onnx
from onnx import TensorProto, defs

LETTERS = {
    "f": TensorProto.FLOAT,
    "h": TensorProto.FLOAT16,
    "l": TensorProto.INT64,
    "i": TensorProto.INT32,
    "b": TensorProto.BOOL,
}
TABLE = """
1 fh     Conv ConvTranspose MatMul Softmax GlobalAveragePool MaxPool ArgMax DepthToSpace
6 fh     Sum Exp Log Tanh Sigmoid HardSigmoid Relu Sqrt Reciprocal Min Max
7 fh     AveragePool Gemm Cos Sin Pow Greater Less
9 fh     Erf
17 fh    LayerNormalization
1 fhi    ReduceMean
1 fhli   ReduceSum ReduceMax ReduceMin TopK
6 fhli   Abs Neg Tile
7 fhli   Add Sub Mul Div
9 fhli   Greater Less Where
12 fhli  Min Max Pow GreaterOrEqual LessOrEqual
1 b      Not
7 b      And
7 lib    Equal
6 f      Clip
12 fhl   Clip
2 fh     Pad
13 fhb   Pad
11 fli   Range
10 fhi   Resize
1 fhlib  Identity Flatten Squeeze Unsqueeze Transpose Gather
2 fhlib  Split
4 fhlib  Concat
5 fhlib  Reshape
6 fhlib  Cast
8 fhlib  Expand
10 fhlib Slice
11 fhlib GatherElements ScatterElements ScatterND Equal
"""
"""From which version of the operator on, which types (double and the small ones are left out)."""


def _kernels() -> dict[str, list[tuple[int, str]]]:
    found: dict[str, list[tuple[int, str]]] = {}
    for line in TABLE.split("\n")[1:-1]:
        since, letters, *operators = line.split()
        for operator in operators:
            found.setdefault(operator, []).append((int(since), letters))
    return {operator: sorted(rows) for operator, rows in found.items()}


KERNELS = _kernels()


def lacking(node: onnx.NodeProto, opset: int, types: dict[str, int]) -> str:
    """Why CUDA cannot run the node; '' where it can. `types` are its inputs' by name."""
    schema = defs.get_schema(node.op_type, opset)
    version = schema.since_version
    rows = [taken for since, taken in KERNELS.get(node.op_type, []) if since <= version]
    if not rows:
        return f"{node.op_type}-{version} has no kernel"
    taken = {LETTERS[letter] for letter in rows[-1]}
    for i, name in enumerate(node.input):
        formal = schema.inputs[min(i, len(schema.inputs) - 1)].type_str
        if name and formal in ("T", "T1") and types[name] not in taken:
            kind = TensorProto.DataType.Name(types[name])
            return f"{node.op_type}-{version} has no kernel for {kind}"
    attrs = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    pads = attrs.get("pads", [])
    half = len(pads) // 2
    if node.op_type == "ConvTranspose" and list(pads[:half]) != list(pads[half:]):
        return f"ConvTranspose with the pads {list(pads)}, which are not symmetric"
    if node.op_type == "ArgMax" and attrs.get("select_last_index"):
        return "ArgMax of the last index"
    return ""
