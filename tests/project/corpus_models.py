"""Small models that the robustness corpus damages: every exporter's habits in a few operators.

`MODELS` maps a name to a function that gives the model's file and the files beside it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import onnx.parser
from onnx import TensorProto, helper, numpy_helper

Files = dict[str, bytes]
MODEL = "model.onnx"

CNN = """<ir_version: 8, opset_import: ["" : 17]>
g (float[N,3,16,16] x) => (float[N,4] p)
{
  c = Conv<pads=[1,1,1,1]>(x, w)
  b = BatchNormalization(c, s, s, z, s)
  a = Relu(b)
  m = MaxPool<kernel_shape=[2,2], strides=[2,2]>(a)
  g = GlobalAveragePool(m)
  f = Flatten(g)
  y = Gemm<transB=1>(f, v)
  p = Softmax<axis=1>(y)
}"""

OLD = """<ir_version: 3, opset_import: ["" : 7]>
g (float[1,3,16,16] x, float[5,3,3,3] w, float[4,5] v, float[4] bias) => (float[1,4] p)
{
  c = Conv<pads=[1,1,1,1], strides=[2,2], kernel_shape=[3,3]>(x, w)
  a = Relu(c)
  d = Dropout<ratio=0.5>(a)
  m = AveragePool<kernel_shape=[8,8]>(d)
  r = Reshape(m, shape)
  y = Gemm<transB=1>(r, v, bias)
  p = Softmax<axis=1>(y)
}"""

RESIDUAL = """<ir_version: 6, opset_import: ["" : 11]>
g (float[N,3,H,W] x) => (float[N,4] y)
{
  c = Conv<auto_pad="SAME_UPPER", strides=[2,2]>(x, w)
  a = Clip(c, low, high)
  e = Conv<pads=[1,1,1,1], group=5>(a, u)
  r = Add(a, e)
  t = Concat<axis=1>(r, a)
  k = Slice(t, starts, ends, axes)
  n = Sigmoid(k)
  h = Mul(k, n)
  m = ReduceMean<axes=[2,3], keepdims=0>(h)
  y = Gemm<transB=1>(m, v)
}"""

FUNCTIONS = """<ir_version: 9, opset_import: ["" : 18, "local" : 1]>
g (float[N,3,16,16] x) => (float[N,4] y)
{
  c = Conv<pads=[1,1,1,1]>(x, w)
  a = local.block (c)
  m = ReduceMean<keepdims=0>(a, axes)
  y = Gemm<transB=1>(m, v)
}
<domain: "local", opset_import: ["" : 18, "local" : 1]>
block (q) => (o) { k = local.gate (q)  o = Add(q, k) }
<domain: "local", opset_import: ["" : 18]>
gate (q) => (o) { h = HardSigmoid(q)  o = Mul(q, h) }"""

QUANTISED = """<ir_version: 7, opset_import: ["" : 13]>
g (float[N,3,16,16] x) => (float[N,4] y)
{
  xq = QuantizeLinear(x, sx, zx)
  xd = DequantizeLinear(xq, sx, zx)
  wd = DequantizeLinear<axis=0>(w8, sw, zw)
  c = Conv<pads=[1,1,1,1]>(xd, wd)
  cq = QuantizeLinear(c, sx, zx)
  cd = DequantizeLinear(cq, sx, zx)
  g = GlobalAveragePool(cd)
  f = Flatten(g)
  y = Gemm<transB=1>(f, v)
}"""

TOKENS = """<ir_version: 8, opset_import: ["" : 17]>
g (float[N,3,16,16] x) => (float[N,4] y)
{
  c = Conv<strides=[4,4]>(x, w)
  n = Shape<start=0, end=1>(x)
  long = Concat<axis=0>(n, tail)
  r = Reshape(c, long)
  t = Transpose<perm=[0,2,1]>(r)
  wide = Concat<axis=0>(n, one_by)
  cls = Expand(token, wide)
  s = Concat<axis=1>(cls, t)
  l = LayerNormalization<axis=-1>(s, scale)
  q = MatMul(l, wq)
  kt = Transpose<perm=[0,2,1]>(l)
  scores = MatMul(q, kt)
  att = Softmax<axis=-1>(scores)
  o = MatMul(att, l)
  b = Add(s, o)
  z = LayerNormalization<axis=-1>(b, scale)
  head = Gather<axis=1>(z, zero)
  y = Gemm<transB=1>(head, v)
}"""

MODERN = """<ir_version: 10, opset_import: ["" : 21]>
g (float16[N,3,16,16] x) => (float16[N,4] y)
{
  c = Conv<pads=[1,1,1,1]>(x, w)
  a = Gelu(c)
  parts, rest = Split<axis=1>(a, sizes)
  e = Pad(parts, pads)
  m = ReduceMean<keepdims=0>(e, axes)
  full = Constant<value_float=1.0>()
  one = Cast<to=10>(full)
  k = Mul(m, one)
  y = Gemm<transB=1>(k, v)
}"""

BRANCHES = """<ir_version: 7, opset_import: ["" : 12]>
g (float[N,3,16,16] x) => (float[N,4] y, int64[N] top)
{
  c = Conv<pads=[1,1,1,1]>(x, w)
  i = If (flag) <
    then_branch = yes () => (float[N,5,16,16] yes_out) { yes_out = Relu(c) },
    else_branch = no () => (float[N,5,16,16] no_out) { no_out = Tanh(c) }
  >
  r = LeakyRelu<alpha=0.1>(c)
  j = Add(r, i)
  m = GlobalMaxPool(j)
  f = Flatten(m)
  y = Gemm<transB=1>(f, v)
  top = ArgMax<axis=1, keepdims=0>(y)
}"""


def _weights(**arrays: object) -> dict[str, np.ndarray]:
    """Arrays as given; a tuple is the shape of random float32 numbers."""
    rng = np.random.default_rng(7)
    return {
        name: rng.normal(size=value).astype(np.float32)
        if isinstance(value, tuple)
        else np.asarray(value)
        for name, value in arrays.items()
    }


def _build(text: str, weights: dict[str, np.ndarray]) -> onnx.ModelProto:
    model = onnx.parser.parse_model(text)
    for name, value in weights.items():
        model.graph.initializer.append(numpy_helper.from_array(value, name))
    return model


HEAD = {"w": (5, 3, 3, 3), "v": (4, 5)}
ONE, NONE = np.ones(5, np.float32), np.zeros(5, np.float32)
PLAIN: dict[str, Callable[[], onnx.ModelProto]] = {
    "cnn": lambda: _build(CNN, _weights(**HEAD, s=ONE, z=NONE)),
    "old": lambda: _build(OLD, _weights(**HEAD, bias=(4,), shape=np.array([1, -1]))),
    "residual": lambda: _build(
        RESIDUAL,
        _weights(
            **HEAD,
            u=(5, 1, 3, 3),
            low=np.float32(0),
            high=np.float32(6),
            starts=np.array([0]),
            ends=np.array([5]),
            axes=np.array([1]),
        ),
    ),
    "functions": lambda: _build(FUNCTIONS, _weights(**HEAD, axes=np.array([2, 3]))),
    "quantised": lambda: _build(
        QUANTISED,
        _weights(
            v=(4, 5),
            w8=np.arange(135, dtype=np.int8).reshape(5, 3, 3, 3),
            sw=np.full(5, 0.01, np.float32),
            zw=np.zeros(5, np.int8),
            sx=np.float32(0.05),
            zx=np.uint8(3),
        ),
    ),
    "tokens": lambda: _build(
        TOKENS,
        _weights(
            w=(6, 3, 4, 4),
            v=(4, 6),
            wq=(6, 6),
            token=(1, 1, 6),
            scale=np.ones(6, np.float32),
            tail=np.array([6, 16]),
            one_by=np.array([1, 6]),
            zero=np.array(0),
        ),
    ),
    "modern": lambda: _build(
        MODERN,
        {
            **{n: a.astype(np.float16) for n, a in _weights(w=(5, 3, 3, 3), v=(4, 3)).items()},
            "sizes": np.array([3, 2]),
            "pads": np.array([0, 0, 1, 1, 0, 0, 1, 1]),
            "axes": np.array([2, 3]),
        },
    ),
    "branches": lambda: _build(BRANCHES, _weights(**HEAD, flag=np.array(True))),
}
"""Those that are one file."""


def external() -> tuple[onnx.ModelProto, bytes]:
    """The first one with its weights in `weights.bin`."""
    model, data = PLAIN["cnn"](), b""
    for tensor in model.graph.initializer:
        raw = tensor.raw_data
        entries = {"location": "weights.bin", "offset": str(len(data)), "length": str(len(raw))}
        for key, value in entries.items():
            tensor.external_data.add(key=key, value=value)
        tensor.data_location = TensorProto.EXTERNAL
        tensor.ClearField("raw_data")
        data += raw
    return model, data


def chain(length: int) -> onnx.ModelProto:
    """Very deep: whoever walks it by recursion falls over."""
    model = PLAIN["cnn"]()
    (relu,) = (n for n in model.graph.node if n.op_type == "Relu")
    last = relu.output[0]
    relu.output[0] = "deep_0"
    at = list(model.graph.node).index(relu) + 1
    links = [helper.make_node("Relu", [f"deep_{i}"], [f"deep_{i + 1}"]) for i in range(length)]
    links[-1].output[0] = last
    nodes = [*model.graph.node[:at], *links, *model.graph.node[at:]]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model
