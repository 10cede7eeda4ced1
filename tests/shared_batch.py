"""One backbone called once for several inputs: their rows in one batch, apart again at the end."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx.parser
import torch
from onnx import numpy_helper

BODY = """c = Conv<pads = [1,1,1,1]>(x, w) a = Relu(c) d = Conv<strides = [2,2]>(a, v) b = Relu(d)
  p = GlobalAveragePool(b) f = Flatten(p)"""
JOIN = {
    "one after the other": (
        "x = Concat<axis = 0>({names})",
        "{apart} = Split<axis = 0{count}>(f)",
    ),
    "stacked first": (
        "{lifted} s = Concat<axis = 0>({stacked}) x = Reshape(s, to)",
        "q = Reshape(f, first) {split} = Split<axis = 0{count}>(q) {squeezed}",
    ),
    "in turns": (
        "{lifted} s = Concat<axis = 1>({stacked}) x = Reshape(s, to)",
        "q = Reshape(f, second) {split} = Split<axis = 1{count}>(q) {squeezed}",
    ),
}
HEADS = {2: "m = Mul({0}, {1}) e = Sub(m, {0})", 3: "m = Mul({0}, {1}) e = Sub(m, {2})"}
SIDE = 9
"""Of the pictures, square."""


def weights() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    shapes = {"w": (4, 3, 3, 3), "v": (6, 4, 2, 2), "head": (6, 5)}
    return {n: rng.normal(size=s).astype(np.float32) for n, s in shapes.items()}


def siamese(
    how: str, names: tuple[str, ...] = ("left", "right"), n: str = "N", opset: int = 17
) -> onnx.ModelProto:
    """Scores [n, 5]; layers a [m n, 4, 9, 9] and b [m n, 6, 4, 4]."""
    m = len(names)
    apart = [f"{name}_f" for name in names]
    words = {
        "names": ", ".join(names),
        "apart": ", ".join(apart),
        "count": f", num_outputs = {m}" if opset >= 18 else "",
        "stacked": ", ".join(f"{name}_u" for name in names),
        "split": ", ".join(f"{name}_s" for name in names),
    }
    axis = "zero" if how == "stacked first" else "one"
    words["lifted"] = " ".join(f"{name}_u = Unsqueeze({name}, {axis})" for name in names)
    words["squeezed"] = " ".join(f"{name}_f = Squeeze({name}_s, {axis})" for name in names)
    before, after = (text.format(**words) for text in JOIN[how])
    inputs = ", ".join(f"float[{n},3,{SIDE},{SIDE}] {name}" for name in names)
    head = HEADS[m].format(*apart)
    model = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : {opset}]> g ({inputs}) => (float[{n},5] y) '
        f"{{ {before} {BODY} {after} {head} y = MatMul(e, head) }}"
    )
    integers = {"zero": [0], "one": [1], "to": [-1, 3, SIDE, SIDE]}
    integers |= {"first": [m, -1, 6], "second": [-1, m, 6]}
    used = {name for node in model.graph.node for name in node.input}
    known = weights() | {k: np.array(v, np.int64) for k, v in integers.items()}
    model.graph.initializer.extend(
        numpy_helper.from_array(value, name) for name, value in known.items() if name in used
    )
    return model


def photos(names: tuple[str, ...] = ("left", "right"), n: int = 2, seed: int = 1) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=(n, 3, SIDE, SIDE)).astype(np.float32) for name in names}


def by_autograd(x: dict[str, Any], classes: list[int]) -> dict[str, dict[str, Any]]:
    """By input, A and G of b, each input in a call of its own: `A`, `G` [N, 6, 4, 4]."""
    w, v, head = (torch.from_numpy(value) for value in weights().values())
    maps = {}
    for name, array in x.items():
        a = torch.relu(torch.nn.functional.conv2d(torch.from_numpy(array), w, padding=1))
        b = torch.relu(torch.nn.functional.conv2d(a, v, stride=2))
        maps[name] = b.detach().requires_grad_()
    f = [b.mean((2, 3)) for b in maps.values()]
    y = (f[0] * f[1] - (f[0] if len(f) == 2 else f[2])) @ head
    y[range(len(classes)), classes].sum().backward()
    return {
        name: {"A": b.detach().numpy(), "G": b.grad.numpy()}  # type: ignore[union-attr]
        for name, b in maps.items()
    }


def map_of(A: Any, G: Any) -> Any:
    """Grad-CAM written as loops: [N, h, w]."""
    out = np.zeros((len(A), *A.shape[2:]), np.float32)
    for n in range(len(A)):
        for k in range(A.shape[1]):
            out[n] += G[n, k].mean() * A[n, k]
    return np.maximum(out, 0)
