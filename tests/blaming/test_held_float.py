"""A weight kept in float is so at every level of onnxruntime's optimiser."""

from __future__ import annotations

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import numpy_helper

from backends.onnx.blaming.held_float import hold_float
from tests.blaming.quantised import plain, quantised, ranges
from tests.blaming.test_blame import blamed
from tests.sessions import run

LEVELS = ("ORT_ENABLE_BASIC", "ORT_ENABLE_EXTENDED", "ORT_ENABLE_ALL")
BODIES = {
    "Conv": ("Conv<group=2>(d, w{})", (4, 2, 1, 1)),
    "ConvTranspose": ("ConvTranspose<group=2>(d, w{})", (4, 2, 1, 1)),
    "Gemm": ("Gemm(d, w{})", (4, 4)),
}


@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("name", BODIES)
def test_the_optimiser_leaves_it(name: str, biased: bool, rng: np.random.Generator) -> None:
    """One large channel: a scale for all of the weight would leave the others few steps."""
    body, shape = BODIES[name]
    size = "N,4" if name == "Gemm" else "N,4,3,3"
    text = f"""<ir_version: 8, opset_import: ["" : 17]>
    g (float[{size}] x) => (float[{size}] y)
    {{
      q = QuantizeLinear(x, s, z)
      d = DequantizeLinear(q, s, z)
      y = {body.format(", b" if biased else "")}
    }}"""
    model = onnx.parser.parse_model(text)
    w = rng.normal(size=shape)
    w[0] *= 300
    held = {"w": np.float32(w), "b": rng.normal(size=4).astype(np.float32)}
    held |= {"s": np.float32(0.02), "z": np.uint8(128)}
    model.graph.initializer.extend(
        numpy_helper.from_array(np.asarray(v), n) for n, v in held.items()
    )
    x = rng.normal(size=(2, 4) if name == "Gemm" else (2, 4, 3, 3)).astype(np.float32)
    expected = run(model, x=x, level="ORT_DISABLE_ALL")["y"]
    hold_float(model)
    onnx.checker.check_model(model)
    for level in LEVELS:
        np.testing.assert_allclose(
            run(model, x=x, level=level)["y"], expected, rtol=1e-5, atol=1e-5
        )


@pytest.mark.parametrize("level", LEVELS)
def test_a_repair_holds_at_every_level(level: str, rng: np.random.Generator) -> None:
    model, x = plain(rng), rng.normal(size=(6, 3, 8, 8)).astype(np.float32)
    blame = blamed(model, quantised(model, ranges(model, x), {"w2": 2.0}))
    made = blame.model_with(["w2_dq"])
    at = [run(made, x=x, level=one)["y"] for one in ("ORT_DISABLE_ALL", level)]
    step = np.abs(at[0]).max() / 255
    np.testing.assert_allclose(at[1], at[0], atol=step)  # fused integer kernels round a tie apart


def test_what_is_not_rounded_is_left_alone(rng: np.random.Generator) -> None:
    model = plain(rng)
    before = model.SerializeToString()
    hold_float(model)
    assert model.SerializeToString() == before
