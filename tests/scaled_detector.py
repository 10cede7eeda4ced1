"""A detector as many are: the fine neck feeds the coarse one, heads of 3 x 3 kernels, logs at last.

64 fine anchors, 16 coarse ones; the score is log(objectness) + log(class).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import onnx.parser
from onnx import numpy_helper

HEAD = """
    h# = Conv<pads = [1,1,1,1]>(n#, v#) s# = Sigmoid(h#) a# = Mul(h#, s#)
    k# = Conv<pads = [1,1,1,1], group = 2>(a#, k) t# = Tanh(k#)
    c# = Conv(t#, c) o# = Conv(a#, o) both# = Concat<axis = 1>(o#, c#) p# = Sigmoid(both#)
    flat# = Reshape(p#, four)
"""
TEXT = """<ir_version: 8, opset_import: ["" : 17]>
net (float[{rows}, 3, 32, 32] x) => (float[{rows}, 80, 3] y)
<int64[3] four = {{0, 4, -1}}, int64[1] zero = {{0}}, int64[1] one = {{1}}, int64[1] two = {{2}},
 int64[1] five = {{5}}> {{
    f1 = Conv<strides = [4, 4]>(x, w1) fine = Relu(f1)
    g1 = Conv<strides = [2, 2]>(fine, w2) coarse = Relu(g1)
    f2 = Conv<pads = [1,1,1,1]>(fine, w3) nf = Tanh(f2)
    d1 = Conv<strides = [2, 2]>(nf, w4) d2 = Tanh(d1) both = Concat<axis = 1>(d2, coarse)
    g2 = Conv(both, w5) nc = Tanh(g2)
    {heads}
    joined = Concat<axis = 2>(flatf, flatc)
    turned = Transpose<perm = [0, 2, 1]>(joined)
    kinds = Slice(turned, one, five, two) objects = Slice(turned, zero, one, two)
    kl = Log(kinds) ol = Log(objects) y = Add(kl, ol)
}}"""
SHAPES = {
    **{"w1": (6, 3, 4, 4), "w2": (6, 6, 2, 2), "w3": (6, 6, 3, 3), "w4": (4, 6, 2, 2)},
    **{"w5": (6, 10, 1, 1), "vf": (8, 6, 3, 3), "vc": (8, 6, 3, 3), "k": (8, 4, 3, 3)},
    **{"c": (3, 8, 1, 1), "o": (1, 8, 1, 1)},
}
LAYERS = ("nf", "nc")
FINE, COARSE = 64, 16


def scaled_detector(rows: str = "1", edit: Callable[[str], str] = str) -> onnx.ModelProto:
    """Seeded; `edit` changes its text."""
    heads = HEAD.replace("#", "f") + HEAD.replace("#", "c")
    model = onnx.parser.parse_model(edit(TEXT.format(rows=rows, heads=heads)))
    rng = np.random.default_rng(3)
    read = {name for node in model.graph.node for name in node.input}
    for name, shape in SHAPES.items():
        weight = np.float32(rng.normal(size=shape) / np.sqrt(np.prod(shape[1:])))
        if name in read:
            model.graph.initializer.append(numpy_helper.from_array(weight, name))
    return model


def instead(before: str, after: str) -> Callable[[str], str]:
    """An edit."""

    def edit(text: str) -> str:
        assert before in text
        return text.replace(before, after)

    return edit
