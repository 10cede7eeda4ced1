"""The nine complete architectures that the onnx package ships, opset 9, without their weights.

As shipped every weight is 0.02, so that the values of a map are equal or nearly so and the pools
over them tie; with seeded random weights they are networks as any other. Instrumented with no flags
each gives its own outputs bit for bit, and G is what torch's autograd finds in an interpreter of
the graph behind the layer, from the file's own A: with ties, at the first of the window.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from backends.onnx import instrument
from tests.sessions import run

torch = pytest.importorskip("torch", reason="torch is the oracle here")
F = torch.nn.functional

LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
LIGHTER = (
    "bvlc_alexnet",
    "inception_v1",
    "inception_v2",
    "resnet50",
    "shufflenet",
    "squeezenet",
)
HEAVIER = ("densenet121", "vgg19", "zfnet512")
"""They take as long as all the others: with SWEEP=all."""
NAMES = LIGHTER + (HEAVIER if os.environ.get("SWEEP") == "all" else ())
BLOCK = 99991
"""Random numbers that the weights repeat: a prime, so that no two filters are equal."""


def read(name: str) -> onnx.ModelProto:
    return onnx.load(LIGHT / f"light_{name}.onnx")


def randomised(model: onnx.ModelProto) -> onnx.ModelProto:
    """Random weights in place of every ConstantOfShape, of a scale that keeps the signal."""
    graph, rng = model.graph, np.random.default_rng(9)
    extents = {t.name: numpy_helper.to_array(t) for t in graph.initializer if "SHAPE" in t.name}
    uses = {name: (node.op_type, i) for node in graph.node for i, name in enumerate(node.input)}
    block = rng.normal(size=BLOCK).astype(np.float32)
    nodes = []
    for node in graph.node:
        if node.op_type != "ConstantOfShape":
            nodes.append(node)
            continue
        (shape,), (weight,) = node.input, node.output
        size, (reader, position) = extents[shape], uses[weight]
        if reader in ("Conv", "Gemm") and position == 1:
            drawn = block * np.float32(math.sqrt(2 / np.prod(size[1:])))
        elif position == 4 or reader == "Unsqueeze":  # a variance, or a scale
            drawn = np.abs(block) + np.float32(0.5)
        else:
            drawn = block * np.float32(0.1)
        count = int(np.prod(size))
        at = int(rng.integers(BLOCK))
        made = {"block": np.roll(drawn, at)[:count], "times": np.array([-(-count // BLOCK)])}
        given = {key: f"{weight}.{key}" for key in made}
        graph.initializer.extend(numpy_helper.from_array(v, given[k]) for k, v in made.items())
        tiled, cut = f"{weight}.tiled", f"{weight}.cut"
        nodes.append(helper.make_node("Tile", list(given.values()), [tiled]))
        nodes.append(helper.make_node("Slice", [tiled], [cut], starts=[0], ends=[count]))
        nodes.append(helper.make_node("Reshape", [cut, shape], [weight]))
    del graph.node[:]
    graph.node.extend(nodes)
    model.ir_version = 4  # initialisers that are no inputs
    return model


def paired(pads: list[int]) -> list[int]:
    """ONNX's begins and ends as torch's pairs, last axis first."""
    top, left, bottom, right = pads
    return [left, right, top, bottom]


def average(x: Any, attrs: dict[str, Any]) -> Any:
    """The mean over the cells of x: padding does not count."""

    def summed(values: Any) -> Any:
        padded = F.pad(values, paired(attrs.get("pads", [0] * 4)))
        kernel, strides = attrs["kernel_shape"], attrs["strides"]
        return F.avg_pool2d(padded, kernel, strides) * math.prod(kernel)

    return summed(x) / summed(torch.ones_like(x))


TORCH: dict[str, Callable[..., Any]] = {
    "Add": lambda a, x, y: x + y,
    "AveragePool": lambda a, x: average(x, a),
    "BatchNormalization": lambda a, x, scale, bias, mean, variance: F.batch_norm(
        x, mean, variance, scale, bias, eps=a["epsilon"]
    ),
    "Concat": lambda a, *xs: torch.cat(xs, a["axis"]),
    "ConstantOfShape": lambda a, n: torch.full(
        n.tolist(), float(numpy_helper.to_array(a["value"])[0])
    ),
    "Conv": lambda a, x, w, b=None: F.conv2d(
        F.pad(x, paired(a.get("pads", [0] * 4))), w, b, a.get("strides", 1), 0, 1, a.get("group", 1)
    ),
    "Dropout": lambda a, x: x,
    "Gemm": lambda a, x, w, b: x @ w.T + b,
    "GlobalAveragePool": lambda a, x: x.mean((2, 3), keepdim=True),
    "LRN": lambda a, x: F.local_response_norm(x, a["size"], a["alpha"], a["beta"], a["bias"]),
    "MaxPool": lambda a, x: F.max_pool2d(
        F.pad(x, paired(a.get("pads", [0] * 4)), value=-math.inf), a["kernel_shape"], a["strides"]
    ),
    "Mul": lambda a, x, y: x * y,
    "Relu": lambda a, x: torch.relu(x),
    "Reshape": lambda a, x, n: x.reshape(
        [x.shape[i] if d == 0 else d for i, d in enumerate(n.tolist())]
    ),
    "Slice": lambda a, x: x[a["starts"][0] : a["ends"][0]],
    "Sum": lambda a, *xs: sum(xs),
    "Tile": lambda a, x, n: x.tile(n.tolist()),
    "Transpose": lambda a, x: x.permute(a["perm"]),
    "Unsqueeze": lambda a, x: x[:, None, None],
}
"""The sixteen operators of these models, and three that make weights; all attributes they have."""


def tail(model: onnx.ModelProto, layer: str, score: str, A: Any) -> Any:
    """The score in torch when `layer` is A."""
    makers = {name: node for node in model.graph.node for name in node.output}
    weights = {t.name: t for t in model.graph.initializer}
    values: dict[str, Any] = {layer: A}
    todo = [score]
    while todo:
        name = todo[-1]
        if name in weights and name not in values:
            values[name] = torch.tensor(numpy_helper.to_array(weights[name]))
        if name in values:
            todo.pop()
            continue
        node = makers[name]
        missing = [i for i in node.input if i not in values]
        todo += missing
        if not missing:
            attrs = {a.name: helper.get_attribute_value(a) for a in node.attribute}
            values[name] = TORCH[node.op_type](attrs, *[values[i] for i in node.input])
    return values[score]


@pytest.mark.parametrize("weights", ["as shipped", "random"])
@pytest.mark.parametrize("name", NAMES)
def test_light_model(name: str, weights: str, rng: np.random.Generator) -> None:
    model = read(name) if weights == "as shipped" else randomised(read(name))
    twin = instrument(model, outputs=("activations", "gradients", "class_used"))
    cam = {e.key: e.value for e in twin.metadata_props}
    initial = {t.name for t in model.graph.initializer}
    (x,) = (i.name for i in model.graph.input if i.name not in initial)
    feed = {x: rng.normal(size=(1, 3, 224, 224)).astype(np.float32)}
    plain, found = run(model, feed), run(twin, feed | {"cam_class": np.array([7])})
    for output, value in plain.items():
        np.testing.assert_array_equal(found[output], value)
    A = torch.tensor(found["cam_activations"], requires_grad=True)
    y = tail(model, cam["cam.layer"], cam["cam.score"], A)
    y.reshape(-1)[7].backward()
    expected = A.grad.numpy()
    assert np.linalg.norm(expected) > 0
    assert np.linalg.norm(found["cam_gradients"] - expected) <= 1e-4 * np.linalg.norm(expected)
