"""<dy, L x> == <x, L* dy> in onnxruntime for convolutions drawn at random: no oracle needed."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx.parser
import onnx_graphsurgeon as gs
import pytest

from backends.onnx.append import append
from backends.onnx.emit import Emitter
from backends.onnx.prepare import prepare
from backends.onnx.reverse import reverse
from cam_core.errors import UnsupportedOpError

CONFIGURATIONS = 75


def draw(rng: np.random.Generator) -> tuple[str, tuple[int, ...], tuple[int, ...], bool]:
    """(attributes, x's shape, w's shape, is it declared dynamic)."""
    rank = int(rng.integers(1, 4))
    kernel = rng.integers(1, 5 - rank // 2, rank)
    strides = rng.integers(1, 4, rank) if rng.random() < 0.7 else np.ones(rank, int)
    dilations = rng.integers(1, 3, rank)
    group = int(rng.integers(1, 4))
    depthwise = rng.random() < 0.3
    channels, outputs = (1, int(rng.integers(1, 3))) if depthwise else rng.integers(1, 4, 2)
    text = f"group={group}, strides={list(map(int, strides))}"
    reach = dilations * (kernel - 1)
    if rng.random() < 0.3:
        side = rng.choice(["SAME_UPPER", "SAME_LOWER", "VALID"])
        text += f', auto_pad="{side}"'
        reach, pads = kernel - 1, np.zeros(2 * rank, int)
    else:
        pads = rng.integers(0, 4, 2 * rank)
        text += f", dilations={list(map(int, dilations))}, pads={list(map(int, pads))}"
    space = rng.integers(1, 5, rank) + np.maximum(reach - pads[:rank] - pads[rank:], 0)
    x = (2, group * int(channels), *map(int, space))
    w = (group * int(outputs), int(channels), *map(int, kernel))
    return text, x, w, bool(rng.random() < 0.5)


def gradient(attributes: str, x: tuple[int, ...], w: tuple[int, ...], dynamic: bool) -> Any:
    """A session of Conv with the input `cot` and the outputs y, dx, dw."""
    import onnxruntime as ort

    declared = ("N", x[1], *"DHW"[: len(x) - 2]) if dynamic else x
    text = (
        f'<ir_version: 8, opset_import: ["" : 17]> g (float[{",".join(map(str, declared))}] x, '
        f"float[{','.join(map(str, w))}] w) => (float[{','.join('abcde'[: len(x)])}] y) "
        f"{{ y = Conv<{attributes}>(x, w) }}"
    )
    graph = prepare(onnx.parser.parse_model(text))
    op = Emitter(graph)
    y = graph.tensors["y"]
    cot = gs.Variable("cot", np.dtype(np.float32), y.shape)
    known = 'auto_pad="SAME' not in attributes or not dynamic
    found = reverse(op, y, cot, ["x", "w"] if known else ["x"])
    outputs = [op.Identity(g) for g in found.values()]
    model = append(op, inputs=[cot], outputs=outputs)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return session, [t.name for t in outputs]


@pytest.mark.parametrize("seed", range(CONFIGURATIONS))
def test_conv_and_its_adjoint(seed: int) -> None:
    rng = np.random.default_rng(seed)
    attributes, x_shape, w_shape, dynamic = draw(rng)
    session, names = gradient(attributes, x_shape, w_shape, dynamic)
    x, w = (rng.normal(size=shape).astype(np.float32) for shape in (x_shape, w_shape))
    feed = {"x": x, "w": w}
    shape = _output_shape(attributes, x, w)
    cot = rng.normal(size=shape).astype(np.float32)
    y, *found = session.run(["y", *names], feed | {"cot": cot})
    assert y.shape == cot.shape
    expected = float(np.sum(cot.astype(np.float64) * y))
    for operand, g in zip((x, w), found, strict=False):
        assert g.shape == operand.shape
        product = float(np.sum(operand.astype(np.float64) * g))
        scale = float(np.linalg.norm(cot) * np.linalg.norm(y)) + 1e-6
        assert abs(product - expected) < 1e-5 * scale, attributes


def _output_shape(attributes: str, x: Any, w: Any) -> tuple[int, ...]:
    """y's shape, by running the plain Conv."""
    import onnxruntime as ort

    own, weight = (",".join(map(str, operand.shape)) for operand in (x, w))
    model = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : 17]> g (float[{own}] x, float[{weight}] w) => '
        f"(float[{','.join('abcde'[: x.ndim])}] y) {{ y = Conv<{attributes}>(x, w) }}"
    )
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return tuple(session.run(None, {"x": x, "w": w})[0].shape)


def test_negative_pads_are_refused() -> None:
    """ONNX's inference and onnxruntime refuse them too; a declared shape hides it from us."""
    with pytest.raises(UnsupportedOpError, match="negative"):
        gradient("pads=[-1,0]", (1, 2, 8), (2, 2, 3), False)
