"""Which layer is taken with no name, on networks of a few lines."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest

from backends.onnx import OnnxBackend, instrument
from cam_core.errors import LayerError
from tests.finding.nets import (
    CLASSES,
    HEAD,
    NORM,
    RESIDUAL,
    STEM,
    TOKENS,
    TWO_CONVOLUTIONS,
    VIT,
    W1,
    conv,
    net,
)

pytest.importorskip("onnxruntime")


VGG = (
    STEM
    + """
    c2 = Conv<pads = [1,1,1,1]>(r1, w2)  r2 = Relu(c2)
    pool = MaxPool<kernel_shape = [2,2], strides = [2,2]>(r2)
    flat = Flatten(pool)  fc = Gemm(flat, w3)  r3 = Relu(fc)  y = Gemm(r3, wy)
"""
)
SQUEEZENET = (
    STEM
    + """
    e1 = Conv(r1, w2)  e3 = Conv<pads = [1,1,1,1]>(r1, w3)  r2 = Relu(e1)  r3 = Relu(e3)
    fire = Concat<axis = 1>(r2, r3)  drop = Dropout(fire)
    classes = Conv(drop, w4)  r4 = Relu(classes)  gap = GlobalAveragePool(r4)  y = Flatten(gap)
"""
)
TRAILING = (
    STEM
    + """
    pool = AveragePool<kernel_shape = [2,2], strides = [2,2]>(r1)
    same = Identity(pool)  last = Transpose<perm = [0, 1, 3, 2]>(same)
"""
    + HEAD
)
BLOCK = """
    {0}n = LayerNormalization<axis = -1>({1}, g, h)
    {0}q = MatMul({0}n, wq)  {0}k = MatMul({0}n, wk)  {0}v = MatMul({0}n, wv)
    {0}t = Transpose<perm = [0, 2, 1]>({0}k)  {0}s = MatMul({0}q, {0}t)
    {0}p = Softmax<axis = -1>({0}s)  {0}a = MatMul({0}p, {0}v)  {0}x = Add({1}, {0}a)
    {0}m = LayerNormalization<axis = -1>({0}x, g, h)
    {0}f = MatMul({0}m, wf)  {0}g = Relu({0}f)  {0}h = MatMul({0}g, wg)  {0} = Add({0}x, {0}h)
"""
UNROLLED = """
    cut = Constant<value = int64[8] {1, 3, 2, 2, 4, 2, 2, 4}>()  parts = Reshape(x, cut)
    order = Transpose<perm = [0, 2, 5, 3, 6, 1, 4, 7]>(parts)
    shape = Constant<value = int64[3] {1, 16, 48}>()  patches = Reshape(order, shape)
    tokens = MatMul(patches, we)
"""
UNROLLED += (
    BLOCK.format("b1", "tokens")
    + """
    mean = ReduceMean<axes = [1], keepdims = 0>(b1)
    y = Gemm<transB = 1>(mean, wy)
"""
)
"""Hiera's: the tokens are unrolled, window by window, and were never a grid."""
STATES = """
    e = Conv<strides = [4,4]>(x, w1)  sh = Constant<value = int64[3] {1, 8, 16}>()
    fl = Reshape(e, sh)  c = Conv(fl, w5)  states = Relu(c)  last = Relu(e)
    p1 = GlobalAveragePool(states)  f1 = Flatten(p1)  p2 = GlobalAveragePool(last)
    f2 = Flatten(p2)  f = Concat<axis = 1>(f1, f2)  y = Gemm<transB = 1>(f, wy)
"""
"""EfficientViM's: the head reads a row of states too, whose windows cross the picture's rows. No
place is known there, and everything passes through the convolution before it."""
AGGREGATE = """
    e = Conv<strides = [4,4]>(x, w1)  last = Relu(e)  sh = Constant<value = int64[3] {1, 1, 8}>()
    mean = GlobalAveragePool(last)  top = GlobalMaxPool(last)  a = Reshape(mean, sh)
    b = Reshape(top, sh)  two = Concat<axis = 1>(a, b)  own = Conv(two, w2)
    one = Constant<value = int64[1] {1}>()  f = Squeeze(own, one)  y = Gemm<transB = 1>(f, wy)
"""
"""CoaT's: a Conv over the class tokens of its branches."""
GROUPS = """
    wide = Conv<strides = [2,2], pads = [1,1,1,1]>(x, w1)  fl = Flatten(wide)
    e = Conv<strides = [4,4]>(x, w1)  r = Relu(e)  sh = Constant<value = int64[3] {0, 2, -1}>()
    gr = Reshape(r, sh)  gn = InstanceNormalization(gr, ones, zeros)
    back = Shape(r)  gb = Reshape(gn, back)  n = Mul(gb, scale)  last = Relu(n)
    gap = GlobalAveragePool(last)  f = Flatten(gap)  y = Gemm<transB = 1>(f, wy)
"""
"""torch's GroupNormalization: its groups hold as many numbers as a wider map has places."""
FLAT = """
    e = Conv<strides = [4,4]>(x, w1)  sh = Constant<value = int64[3] {1, 8, 16}>()
    fl = Reshape(e, sh)  c = Conv(fl, w2)  last = Relu(c)
    gap = GlobalAveragePool(last)  f = Flatten(gap)  y = Gemm<transB = 1>(f, wy)
"""
"""EfficientViM's: a map of one axis that is a flattened picture."""
BLOCKS = BLOCK.format("b1", "tokens") + BLOCK.format("b2", "b1")
CLASS_TOKEN = (
    TOKENS
    + "tokens = Concat<axis = 1>(cls, tk)\n"
    + BLOCKS
    + """
    norm = LayerNormalization<axis = -1>(b2, g, h)  zero = Constant<value = int64 {0}>()
    first = Gather<axis = 1>(norm, zero)  y = Gemm<transB = 1>(first, wy)
"""
)
CLASS_ATTENTION = (
    TOKENS
    + "tokens = Identity(tk)\n"
    + BLOCK.format("b1", "tokens")
    + """
    all = Concat<axis = 1>(cls, b1)  an = LayerNormalization<axis = -1>(all, g, h)
    none = Constant<value = int64[1] {0}>()  own = Gather<axis = 1>(an, none)
    one = Constant<value = int64[4] {1, 1, 2, 4}>()
    many = Constant<value = int64[4] {1, 17, 2, 4}>()
    q = MatMul(own, wq)  qr = Reshape(q, one)  qh = Transpose<perm = [0, 2, 1, 3]>(qr)
    k = MatMul(an, wk)  kr = Reshape(k, many)  kh = Transpose<perm = [0, 2, 3, 1]>(kr)
    v = MatMul(an, wv)  vr = Reshape(v, many)  vh = Transpose<perm = [0, 2, 1, 3]>(vr)
    s = MatMul(qh, kh)  p = Softmax<axis = -1>(s)  a = MatMul(p, vh)
    at = Transpose<perm = [0, 2, 1, 3]>(a)  to = Constant<value = int64[3] {1, 1, 8}>()
    af = Reshape(at, to)  out = Add(af, cls)  again = Concat<axis = 1>(out, b1)
    norm = LayerNormalization<axis = -1>(again, g, h)  zero = Constant<value = int64 {0}>()
    first = Gather<axis = 1>(norm, zero)  y = Gemm<transB = 1>(first, wy)
"""
)
"""CaiT's: the class token joins late and reads the patches, whose heads are no coarser maps."""
CLASS_BLOCK = (
    TOKENS
    + "tokens = Concat<axis = 1>(cls, tk)\n"
    + BLOCK.format("b1", "tokens")
    + """
    i0 = Constant<value = int64[1] {0}>()  i1 = Constant<value = int64[1] {1}>()
    end = Constant<value = int64[1] {17}>()
    n = LayerNormalization<axis = -1>(b1, g, h)  own = Slice(n, i0, i1, i1)
    q = MatMul(own, wq)  k = MatMul(n, wk)  v = MatMul(n, wv)
    t = Transpose<perm = [0, 2, 1]>(k)  s = MatMul(q, t)  p = Softmax<axis = -1>(s)
    a = MatMul(p, v)  rest = Slice(n, i1, end, i1)  both = Concat<axis = 1>(a, rest)
    sum = Add(b1, both)  c = Slice(sum, i0, i1, i1)  d = Slice(sum, i1, end, i1)
    f = MatMul(c, wq)  again = Concat<axis = 1>(f, d)  out = Add(sum, again)
    norm = LayerNormalization<axis = -1>(out, g, h)  zero = Constant<value = int64 {0}>()
    first = Gather<axis = 1>(norm, zero)  y = Gemm<transB = 1>(first, wy)
"""
)
"""XCiT's: patches go on beside the class token's block, to no effect."""
POSITIONED = """
    #e = Conv<strides = [4,4]>(x, w1)  #fl = Reshape(#e, flat)
    #tk = Transpose<perm = [0, 2, 1]>(#fl)  #t = Concat<axis = 1>(cls, #tk)
    #n = LayerNormalization<axis = -1>(#t, g, h)  #all = MatMul(#n, wqkv)
    #five = Reshape(#all, heads)  #order = Transpose<perm = [2, 0, 3, 1, 4]>(#five)
    UNBIND
    #kt = Transpose<perm = [0, 1, 3, 2]>(#k)  #s = MatMul(#q, #kt)
    #p = Softmax<axis = -1>(#s)  #a = MatMul(#p, #v)
    #seen = Slice(#v, i1, end, i2)  #vt = Transpose<perm = [0, 1, 3, 2]>(#seen)
    #vg = Reshape(#vt, grid)  #c = Conv<group = 8, pads = [1,1,1,1]>(#vg, wpos)
    #cr = Reshape(#c, apart)  #ct = Transpose<perm = [0, 1, 3, 2]>(#cr)
    #cp = Pad(#ct, front)  #out = Add(#a, #cp)  #ot = Transpose<perm = [0, 2, 1, 3]>(#out)
    #o = Reshape(#ot, whole)  #sum = Add(#t, #o)
    #first = Gather<axis = 1>(#sum, zero)
"""
UNBINDS = {
    "split": "#q5, #k5, #v5 = Split<axis = 0>(#order) #q = Squeeze(#q5, i0)  #k = Squeeze(#k5, i0)"
    "  #v = Squeeze(#v5, i0)",
    "sliced": "#q5 = Slice(#order, i0, i1, i0)  #k5 = Slice(#order, i1, i2, i0)"
    "  #v5 = Slice(#order, i2, i3, i0)  #q = Squeeze(#q5, i0)  #k = Squeeze(#k5, i0)"
    "  #v = Squeeze(#v5, i0)",
    "gathered": "#q = Gather<axis = 0>(#order, zero)  #k = Gather<axis = 0>(#order, one)"
    "  #v = Gather<axis = 0>(#order, two)",
}
"""How exporters write torch.unbind."""
POSITIONS = """
    one = Constant<value = int64 {1}>()  two = Constant<value = int64 {2}>()
    flat = Constant<value = int64[3] {1, 8, 16}>()  zero = Constant<value = int64 {0}>()
    i0 = Constant<value = int64[1] {0}>()  i1 = Constant<value = int64[1] {1}>()
    i2 = Constant<value = int64[1] {2}>()  i3 = Constant<value = int64[1] {3}>()
    end = Constant<value = int64[1] {17}>()
    front = Constant<value = int64[8] {0,0,1,0,0,0,0,0}>()
    heads = Constant<value = int64[5] {1, 17, 3, 2, 4}>()
    grid = Constant<value = int64[4] {1, 8, 4, 4}>()
    apart = Constant<value = int64[4] {1, 2, 4, 16}>()
    whole = Constant<value = int64[3] {1, 17, 8}>()
    BLOCKS
    both = Add(one_first, two_first)  y = Gemm<transB = 1>(both, wy)
"""
"""CoaT's: of two branches, whose heads read the class token, which no convolution reaches."""


def positions(unbind: str) -> onnx.ModelProto:
    block = POSITIONED.replace("UNBIND", unbind)
    blocks = "".join(block.replace("#", branch) for branch in ("one_", "two_"))
    weights = VIT | {"wqkv": (8, 24), "wpos": (8, 1, 3, 3)}
    return net(POSITIONS.replace("BLOCKS", blocks), weights, "1, 3, 16, 16")


MEAN_TOKEN = (
    TOKENS
    + "tokens = Identity(tk)\n"
    + BLOCKS
    + """
    norm = LayerNormalization<axis = -1>(b2, g, h)
    mean = ReduceMean<axes = [1], keepdims = 0>(norm)  y = Gemm<transB = 1>(mean, wy)
"""
)
BRANCHES = (
    STEM
    + """
    c2 = Conv<strides = [2,2]>(r1, w2)  r2 = Relu(c2)
    c3 = Conv<strides = [3,3]>(r1, w3)  r3 = Relu(c3)
    g2 = GlobalAveragePool(r2)  g3 = GlobalAveragePool(r3)
    both = Concat<axis = 1>(g2, g3)  flat = Flatten(both)  y = Gemm<transB = 1>(flat, wy)
"""
)
CROSSED = (
    """
    e = Conv<strides = [4,4]>(x, w1)  sh = Constant<value = int64[3] {1, 8, 16}>()
    fl = Reshape(e, sh)  fine = Transpose<perm = [0, 2, 1]>(fl)
    f = Conv<strides = [4,4]>(x, w1)  half = AveragePool<kernel_shape = [2,2], strides = [2,2]>(f)
    sh2 = Constant<value = int64[3] {1, 8, 4}>()  fl2 = Reshape(half, sh2)
    coarse = Transpose<perm = [0, 2, 1]>(fl2)
"""
    + BLOCK.format("b1", "fine")
    + BLOCK.format("b2", "coarse")
    + """
    mean = ReduceMean<axes = [1], keepdims = 1>(b2)  q = MatMul(mean, wq)
    n1 = LayerNormalization<axis = -1>(b1, g, h)  k1 = MatMul(n1, wk)  v1 = MatMul(n1, wv)
    t1 = Transpose<perm = [0, 2, 1]>(k1)  s1 = MatMul(q, t1)  a1 = MatMul(s1, v1)
    n2 = LayerNormalization<axis = -1>(b2, g, h)  k2 = MatMul(n2, wk)  v2 = MatMul(n2, wv)
    t2 = Transpose<perm = [0, 2, 1]>(k2)  s2 = MatMul(q, t2)  a2 = MatMul(s2, v2)
    both = Add(a1, a2)  zero = Constant<value = int64 {0}>()
    first = Gather<axis = 1>(both, zero)  y = Gemm<transB = 1>(first, wy)
"""
)
"""CrossViT's: class tokens read two branches; keys and values are no ends of theirs."""
BLOCKED = (
    TOKENS
    + """
    of = Constant<value = int64[4] {1, 1, 16, 8}>()  blocks = Reshape(tk, of)
    n = LayerNormalization<axis = -1>(blocks, g, h)  f = MatMul(n, wq)  sum = Add(blocks, f)
    to = Constant<value = int64[4] {1, 4, 4, 8}>()  grid = Reshape(sum, to)
    m = LayerNormalization<axis = -1>(grid, g, h)
    mean = ReduceMean<axes = [1, 2], keepdims = 0>(m)  y = Gemm<transB = 1>(mean, wy)
"""
)
"""NesT's: one block of all tokens, whose grid shows only behind it."""
GATHERED = (
    """
    e = Conv<strides = [4,4]>(x, w1)  t = Transpose<perm = [0, 2, 3, 1]>(e)
    apart = Constant<value = int64[6] {1, 2, 2, 2, 2, 8}>()  six = Reshape(t, apart)
    swap = Transpose<perm = [0, 1, 3, 2, 4, 5]>(six)  f = MatMul(swap, wq)  sum = Add(swap, f)
    back = Transpose<perm = [0, 5, 1, 3, 2, 4]>(sum)
    to = Constant<value = int64[4] {1, 8, 4, 4}>()  last = Reshape(back, to)
"""
    + HEAD
)
"""MaxViT's: windows and places in them are axes of their own until the end."""
PLACED = (
    TOKENS
    + """
    n = LayerNormalization<axis = -1>(tk, g, h)  f = MatMul(n, wq)  sum = Add(tk, f)
    t = Transpose<perm = [0, 2, 1]>(sum)
    to = Constant<value = int64[4] {1, 8, 4, 4}>()  last = Reshape(t, to)
"""
    + HEAD
)
"""DaViT's: a map was flattened, and the tokens are a map again."""
LAST_CHANNELS = """
    first = Transpose<perm = [0, 3, 1, 2]>(x)
    c1 = Conv<pads = [1,1,1,1]>(first, w1)  r1 = Relu(c1)
    back = Transpose<perm = [0, 2, 3, 1]>(r1)
    mean = ReduceMean<axes = [1, 2], keepdims = 0>(back)  y = Gemm<transB = 1>(mean, wy)
"""
BYTES = "pixels = Cast<to = 1>(x)\n" + LAST_CHANNELS.replace("(x)", "(pixels)")
RESHAPED = (
    STEM
    + """
    gap = GlobalAveragePool(r1)  all = Shape(x)
    from = Constant<value = int64[1] {0}>()  to = Constant<value = int64[1] {1}>()
    n = Slice(all, from, to)  k = Constant<value = int64[1] {-1}>()
    s = Concat<axis = 0>(n, k)  flat = Reshape(gap, s)  y = Gemm<transB = 1>(flat, wy)
"""
)
SIGNAL = (
    """
    c1 = Conv(x, w1)  r1 = Relu(c1)  c2 = Conv<strides = [2]>(r1, w2)  last = Relu(c2)
"""
    + HEAD
)
NARROW = (
    """
    e = Conv<strides = [4,4]>(x, w1)  sh = Constant<value = int64[3] {1, 8, 6}>()
    fl = Reshape(e, sh)  tk = Transpose<perm = [0, 2, 1]>(fl)
"""
    + BLOCK.format("b1", "tk")
    + """
    grid = Constant<value = int64[4] {1, 2, 3, 8}>()  rows = Reshape(b1, grid)
    from = Constant<value = int64[2] {0, 0}>()  to = Constant<value = int64[2] {2, 3}>()
    axes = Constant<value = int64[2] {1, 2}>()  by = Constant<value = int64[2] {2, 2}>()
    half = Slice(rows, from, to, axes, by)  two = Constant<value = int64[3] {1, 2, 8}>()
    own = Reshape(half, two)  q = MatMul(own, wq)  k = MatMul(b1, wk)  kr = Relu(k)
    kt = Transpose<perm = [0, 2, 1]>(kr)  s = MatMul(q, kt)  p = Softmax<axis = -1>(s)
    v = MatMul(b1, wv)  a = MatMul(p, v)  mean = ReduceMean<axes = [1], keepdims = 0>(a)
    y = Gemm<transB = 1>(mean, wy)
"""
)
"""LeViT's attention halves the grid, 2 x 3 to 1 x 2: a line is no coarser map of the picture."""
GEM = (
    STEM
    + """
    low = Constant<value = float {0.000001}>()  p = Constant<value = float {3}>()
    above = Clip(r1, low)  cubed = Pow(above, p)  gap = GlobalAveragePool(cubed)
    third = Constant<value = float {0.333333}>()  root = Pow(gap, third)
    flat = Flatten(root)  y = Gemm<transB = 1>(flat, wy)
"""
)
DEFAULTS = [  # name, model, layer, layout
    ("residual", net(RESIDUAL, W1 | TWO_CONVOLUTIONS | NORM | CLASSES), "last", "NCHW"),
    ("vgg", net(VGG, W1 | {"w2": conv(4, 8), "w3": (64, 7), "wy": (7, 5)}), "r2", "NCHW"),
    ("squeezenet", net(SQUEEZENET, W1 | {"w2": conv(4, 8, 1), "w3": conv(4, 8),
                                         "w4": conv(5, 8, 1)}), "fire", "NCHW"),
    ("trailing pool", net(TRAILING, W1 | CLASSES), "r1", "NCHW"),
    ("class token", net(CLASS_TOKEN, VIT, "1, 3, 16, 16"), "b2n", "N(1+4*4)C"),
    ("class attention", net(CLASS_ATTENTION, VIT, "1, 3, 16, 16"), "b1", "N(4*4)C"),
    ("class block", net(CLASS_BLOCK, VIT, "1, 3, 16, 16"), "n", "N(1+4*4)C"),
    *((f"positions, {name}", positions(unbind), "one_t", "N(1+4*4)C")
      for name, unbind in UNBINDS.items()),
    ("crossed", net(CROSSED, VIT, "1, 3, 16, 16"), "b1", "N(4*4)C"),
    ("blocked", net(BLOCKED, VIT, "1, 3, 16, 16"), "grid", "NHWC"),
    ("gathered", net(GATHERED, VIT, "1, 3, 16, 16"), "last", "NCHW"),
    ("placed", net(PLACED, VIT, "1, 3, 16, 16"), "sum", "N(4*4)C"),
    ("narrow", net(NARROW, VIT, "1, 3, 8, 12"), "b1", "N(2*3)C"),
    ("mean token", net(MEAN_TOKEN, VIT, "1, 3, 16, 16"), "b2", "N(4*4)C"),
    ("branches", net(BRANCHES, W1 | {"w2": conv(6, 8), "w3": conv(9, 8), "wy": (5, 15)}), "r2",
     "NCHW"),
    ("channels last", net(LAST_CHANNELS, W1 | CLASSES, "N, 16, 16, 3"), "r1", "NCHW"),
    ("bytes", net(BYTES, W1 | CLASSES, "N, 16, 16, 3", "uint8"), "r1", "NCHW"),
    ("reshaped", net(RESHAPED, W1 | CLASSES, "?, 3, 16, 16"), "r1", "NCHW"),
    ("unrolled", net(UNROLLED, VIT | {"we": (48, 8)}, "1, 3, 16, 16"), "b1",
     "N1 (b2 c2 d2 e2) C8 -> N C (b d) (c e)"),
    ("groups", net(GROUPS, {"w1": (8, 3, 4, 4), "ones": (2,), "zeros": (2,), "scale": (8, 1, 1)}
     | CLASSES, "1, 3, 32, 32"), "last", "NCHW"),
    ("rows", net(AGGREGATE, {"w1": (8, 3, 4, 4), "w2": (1, 2, 1), "wy": (5, 8)}, "1, 3, 16, 16"),
     "last", "NCHW"),
    ("states", net(STATES, {"w1": (8, 3, 4, 4), "w5": (16, 8, 2), "wy": (5, 24)}, "1, 3, 16, 16"),
     "e", "NCHW"),
    ("flat", net(FLAT, {"w1": (8, 3, 4, 4), "w2": (8, 8, 1)} | CLASSES, "1, 3, 16, 16"), "last",
     "NC(4*4)"),
    ("second order", net(STEM + "squared = Mul(r1, r1)\n" + HEAD.replace("last", "squared"),
                         W1 | CLASSES), "r1", "NCHW"),
    ("GeM", net(GEM, W1 | CLASSES), "r1", "NCHW"),
    ("signal", net(SIGNAL, {"w1": (8, 3, 3), "w2": (8, 8, 3)} | CLASSES, "N, 3, 20"), "last",
     "NCL"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "model", "layer", "layout"), DEFAULTS, ids=[row[0] for row in DEFAULTS]
)
def test_default_layer(name: str, model: onnx.ModelProto, layer: str, layout: str) -> None:
    backend = OnnxBackend(model)
    assert backend.default_layer == layer
    assert [found.name for found in backend.layers() if found.default] == [layer]
    facts = {e.key: e.value for e in instrument(model).metadata_props}
    assert (facts["cam.layer"], facts["cam.layout"]) == (layer, layout)


@pytest.mark.parametrize(
    ("name", "model"), [row[:2] for row in DEFAULTS], ids=[row[0] for row in DEFAULTS]
)
def test_the_default_layers_gradient_is_not_zero(name: str, model: onnx.ModelProto) -> None:
    backend = OnnxBackend(model)
    shape = [d if isinstance(d, int) else 1 for d in backend.inputs()[0].shape]
    x = (9 * np.random.default_rng(1).random(shape)).astype(backend.inputs()[0].dtype)
    (capture,) = backend.capture(x, lambda y, _: np.ones_like(y))
    assert np.count_nonzero(capture.gradients) > capture.gradients.size // 10


def test_the_block_output_under_a_class_token_has_no_patch_gradient() -> None:
    """Which is why the default lies before it."""
    model = net(CLASS_TOKEN, VIT, "1, 3, 16, 16")
    x = np.random.default_rng(1).normal(size=(1, 3, 16, 16)).astype(np.float32)
    target: Any = lambda y, _: np.eye(5, dtype=np.float32)[:1]  # noqa: E731
    (capture,) = OnnxBackend(model).capture(x, target, layers=["b2"])
    assert not capture.gradients.any()


def test_of_branches_the_others_are_named() -> None:
    backend = OnnxBackend(next(row[1] for row in DEFAULTS if row[0] == "branches"))
    assert "largest branch" in backend.layer_note
    assert "'r3'" in backend.layer_note
    for alone in ("residual", "narrow"):
        assert OnnxBackend(next(r[1] for r in DEFAULTS if r[0] == alone)).layer_note == ""


def test_tokens_put_in_place_are_a_map_too() -> None:
    backend = OnnxBackend(net(PLACED, VIT, "1, 3, 16, 16"), layer="last")
    x = np.random.default_rng(1).normal(size=(1, 3, 16, 16)).astype(np.float32)
    (capture,) = backend.capture(x, lambda y, _: np.ones_like(y))
    assert capture.gradients.shape == (1, 8, 4, 4)


def test_without_a_map_there_is_an_error() -> None:
    model = net("h = MatMul(x, w)  y = Relu(h)", {"w": (3, 5)}, "N, 3")
    with pytest.raises(LayerError, match=r"only vectors without places; .* --layer, as 'h'"):
        instrument(model)
    assert instrument(model, layer="h").graph.output[1].name == "cam_map"
    alone = net("y = MatMul(x, w)", {"w": (3, 5)}, "N, 3")
    with pytest.raises(LayerError, match="none of its tensors has places of an input"):
        instrument(alone)
