"""Configurations drawn at random, and what their gradients are held against.

A seeded part of the draws runs by default; the 200 of each family with

    SWEEP=all pytest tests/rules/test_random_*.py

and SWEEP=1000 looks for new ones: so many of each, others at every run.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
import onnx.parser
from hypothesis import HealthCheck, settings
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun
from scipy.special import erf

from backends.onnx.finding.composites import recognise
from backends.onnx.reading.prepare import prepare
from tests.gradients import with_gradient
from tests.sessions import open_session as session_of

Arrays = dict[str, np.ndarray[Any, Any]]

ASKED = os.environ.get("SWEEP", "")
WHOLE = 200
"""Draws of each family."""


def draws(share: int) -> settings:
    """The settings of a family: `share` of its 200 draws, or what SWEEP asks for."""
    count = {"": share, "all": WHOLE}.get(ASKED) or int(ASKED)
    return settings(
        max_examples=count,
        derandomize=ASKED in ("", "all"),
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


@dataclass(frozen=True)
class Drawn:
    """A model that ends in `y`."""

    body: str
    """ONNX text."""
    shapes: Mapping[str, tuple[int, ...]]
    """The inputs that are differentiated."""
    constants: Mapping[str, Any] = field(default_factory=dict)
    """Integers, booleans and floats that the model holds."""
    declared: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """Symbolic shapes."""
    opset: int = 17
    wrt: tuple[str, ...] = ()
    """The inputs to differentiate; none named: all."""

    @property
    def wanted(self) -> list[str]:
        return list(self.wrt or self.shapes)


def model_of(drawn: Drawn, dtype: Any = np.float32) -> onnx.ModelProto:
    kind = {np.float32: "float", np.float64: "double"}[dtype]
    shapes = drawn.shapes | drawn.declared
    dims = {n: f"[{','.join(map(str, shape))}]" if shape else "" for n, shape in shapes.items()}
    inputs = ", ".join(f"{kind}{shape} {name}" for name, shape in dims.items())
    model = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : {drawn.opset}]> g ({inputs}) => ({kind} y) '
        f"{{ {drawn.body} }}"
    )
    for name, value in drawn.constants.items():
        array = np.asarray(value)
        floats = array.dtype == np.float64  # what must stay float32, as scales, comes as float32
        kept = array.astype(dtype) if floats else array
        model.graph.initializer.append(onnx.numpy_helper.from_array(kept, name))
    model.graph.output[0].type.tensor_type.ClearField("shape")
    inferred = onnx.shape_inference.infer_shapes(model)
    model.graph.output[0].CopyFrom(inferred.graph.output[0])
    return model


def plain_of(drawn: Drawn) -> Callable[[Arrays], Any]:
    """y of given inputs."""
    session = session_of(model_of(drawn))
    return lambda feed: session.run(["y"], feed)[0]


def gradient_of(drawn: Drawn, dtype: Any = np.float32) -> tuple[onnx.ModelProto, list[str]]:
    """The model with an input `cot`, and the names of the cotangents of what is wanted."""
    graph = recognise(prepare(model_of(drawn, dtype)), keep=("y", *drawn.wanted))
    return with_gradient(graph, drawn.wanted)


def normal(drawn: Drawn, rng: np.random.Generator) -> Arrays:
    return {name: rng.normal(size=shape) for name, shape in drawn.shapes.items()}


def single(arrays: Arrays) -> Arrays:
    return {name: value.astype(np.float32) for name, value in arrays.items()}


def run_gradient(drawn: Drawn, feed: Arrays, cot: Any) -> tuple[Any, Arrays]:
    """y and the cotangents, in onnxruntime."""
    model, names = gradient_of(drawn)
    y, *found = session_of(model).run(["y", *names], feed | {"cot": cot.astype(np.float32)})
    for name, g in zip(drawn.wanted, found, strict=True):
        assert g.shape == drawn.shapes[name], f"the cotangent of {name} has shape {g.shape}"
    return y, dict(zip(drawn.wanted, found, strict=True))


class Erf(OpRun):
    """In float64; the reference evaluator's own rounds to float32."""

    op_domain = ""

    def _run(self, x: Any) -> tuple[Any]:
        return (np.asarray(erf(x)),)


def reference(model: onnx.ModelProto) -> Callable[..., list[Any]]:
    run: Callable[..., list[Any]] = ReferenceEvaluator(model, new_ops=[Erf]).run
    return run


def require_adjoint(drawn: Drawn, seed: int) -> None:
    """<c, y(v) - y(0)> == <v, G> for a random v in the place of each input: y is affine in each."""
    rng = np.random.default_rng(seed)
    feed = single(normal(drawn, rng))
    plain = plain_of(drawn)
    y = plain(feed)
    cot = rng.normal(size=y.shape).astype(np.float32)
    again, found = run_gradient(drawn, feed, cot)
    np.testing.assert_array_equal(again, y)
    for name, g in found.items():
        v = rng.normal(size=g.shape).astype(np.float32)
        moved = plain(feed | {name: v}).astype(np.float64) - plain(feed | {name: 0 * v})
        require_equal(np.sum(cot * moved), np.sum(v.astype(np.float64) * g), (cot, moved), 1e-5)


def require_differences(drawn: Drawn, seed: int, rtol: float = 1e-4) -> None:
    """Float64 differences of the reference evaluator, and onnxruntime's float32 against them."""
    rng = np.random.default_rng(seed)
    feed = normal(drawn, rng)
    run = reference(model_of(drawn, np.float64))
    y = run(["y"], feed)[0]
    assert y.dtype == np.float64
    cot = rng.normal(size=np.shape(y))
    model, names = gradient_of(drawn, np.float64)
    found = reference(model)(names, feed | {"cot": cot})
    _, narrow = run_gradient(drawn, single(feed), cot)
    for name, g in zip(drawn.wanted, found, strict=True):
        v, h = rng.normal(size=np.shape(g)), 1e-6
        up, down = (run(["y"], feed | {name: feed[name] + s * v})[0] for s in (h, -h))
        slope = float(np.sum(cot * (up - down)) / (2 * h))
        require_equal(slope, np.sum(g * v), (g, v), 1e-6)
        limit = rtol * (np.linalg.norm(g) + 1e-3)
        assert np.linalg.norm(narrow[name] - g) <= limit, f"float32 differs in {name}"


def require_equal(a: Any, b: Any, factors: tuple[Any, Any], rtol: float) -> None:
    """|a - b| within rtol of what Cauchy and Schwarz allow both to be."""
    scale = float(np.prod([np.linalg.norm(np.ravel(f).astype(np.float64)) for f in factors]))
    assert abs(float(a) - float(b)) <= rtol * (scale + 0.1), f"{float(a)} and {float(b)}"
