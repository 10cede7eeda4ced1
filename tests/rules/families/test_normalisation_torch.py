"""Normalisations against torch.autograd, in float64, and at the corners of their domains."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx.parser
import onnx_graphsurgeon as gs
import pytest
import torch
from onnx.reference import ReferenceEvaluator
from torch.nn import functional

from backends.onnx.differentiating.reverse import reverse
from backends.onnx.reading.prepare import prepare
from backends.onnx.writing.append import append
from backends.onnx.writing.emit import Emitter
from cam_core.errors import UnsupportedOpError


def _gradient(
    body: str, values: dict[str, Any], cot: Any, opset: int = 17, fixed: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Cotangents of all inputs but the fixed ones; the added part runs alone in the evaluator."""
    kind = {"float16": "float16", "float64": "double"}[values["x"].dtype.name]
    parameters = ", ".join(f"{kind}[{','.join(map(str, v.shape))}] {k}" for k, v in values.items())
    model = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : {opset}]> g ({parameters}) => ({kind} y) {{ {body} }}'
    )
    model.graph.output[0].type.CopyFrom(model.graph.input[0].type)
    op = Emitter(prepare(model))
    given = gs.Variable("cot", values["x"].dtype, cot.shape)
    wanted = [name for name in values if name not in fixed]
    found = reverse(op, op.graph.tensors["y"], given, wanted)
    outputs = [op.Identity(g) for g in found.values()]
    both = append(op, inputs=[given], outputs=outputs)
    alone = [node for node in both.graph.node if "y" not in node.output]
    del both.graph.node[:], both.graph.output[0]
    both.graph.node.extend(alone)
    results = ReferenceEvaluator(both).run([t.name for t in outputs], values | {"cot": cot})
    return dict(zip(wanted, results, strict=True))


def _compare(
    body: str,
    values: dict[str, Any],
    forward: Callable[..., torch.Tensor],
    opset: int = 17,
    fixed: tuple[str, ...] = (),
) -> None:
    tensors = {k: torch.tensor(v, requires_grad=k not in fixed) for k, v in values.items()}
    y = forward(**tensors)
    cot = np.random.default_rng(3).normal(size=tuple(y.shape))
    y.backward(torch.tensor(cot))
    for name, g in _gradient(body, values, cot, opset, fixed).items():
        assert g.dtype == np.float64
        np.testing.assert_allclose(g, tensors[name].grad.numpy(), rtol=1e-9, atol=1e-11)


def _values(rng: np.random.Generator, **shapes: tuple[int, ...]) -> dict[str, Any]:
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


@pytest.mark.parametrize("shape", [(2, 6, 5), (2, 6, 4, 3), (1, 6, 2, 3, 2)])
def test_group_norm_per_channel(shape: tuple[int, ...], rng: np.random.Generator) -> None:
    _compare(
        "y = GroupNormalization<num_groups=3>(x, s, b)",
        _values(rng, x=shape, s=(6,), b=(6,)),
        lambda x, s, b: functional.group_norm(x, 3, s, b),
        opset=21,
    )


def test_group_norm_per_group(rng: np.random.Generator) -> None:
    _compare(
        "y = GroupNormalization<num_groups=3>(x, s, b)",
        _values(rng, x=(2, 6, 4, 3), s=(3,), b=(3,)),
        lambda x, s, b: functional.group_norm(x, 3, s.repeat_interleave(2), b.repeat_interleave(2)),
        opset=18,
    )


def test_instance_norm(rng: np.random.Generator) -> None:
    _compare(
        "y = InstanceNormalization(x, s, b)",
        _values(rng, x=(2, 3, 4, 3), s=(3,), b=(3,)),
        lambda x, s, b: functional.instance_norm(x, weight=s, bias=b),
    )


def test_layer_norm(rng: np.random.Generator) -> None:
    _compare(
        "y = LayerNormalization<axis=-2>(x, s, b)",
        _values(rng, x=(2, 3, 5), s=(3, 5), b=(3, 5)),
        lambda x, s, b: functional.layer_norm(x, (3, 5), s, b),
    )


def test_rms_norm(rng: np.random.Generator) -> None:
    _compare(
        "y = RMSNormalization<epsilon=0.001>(x, s)",
        _values(rng, x=(2, 3, 5), s=(5,)),
        lambda x, s: functional.rms_norm(x, (5,), s, eps=0.001),
        opset=23,
    )


@pytest.mark.parametrize(("opset", "spatial"), [(7, 1), (7, 0), (9, None)])
def test_batch_norm_of_old_opsets(
    opset: int, spatial: int | None, rng: np.random.Generator
) -> None:
    """With `spatial=0` each place of each channel has statistics of its own."""
    shape = (3, 4, 2) if spatial == 0 else (3,)
    attribute = "" if spatial is None else f"<spatial={spatial}>"

    def forward(
        x: torch.Tensor, s: torch.Tensor, b: torch.Tensor, m: torch.Tensor, v: torch.Tensor
    ) -> torch.Tensor:
        s, b, m, v = (t.reshape(shape + (1,) * (3 - len(shape))) for t in (s, b, m, v))
        return (x - m) / torch.sqrt(v + 1e-5) * s + b

    values = _values(rng, x=(2, 3, 4, 2), s=shape, b=shape, m=shape)
    values["v"] = rng.uniform(0.5, 2, size=shape)
    body = f"y = BatchNormalization{attribute}(x, s, b, m, v)"
    _compare(body, values, forward, opset, fixed=("m", "v"))


@pytest.mark.parametrize(
    ("opset", "body"),
    [
        (7, "y, m2, v2, m3, v3 = BatchNormalization(x, s, b, m, v)"),
        (15, "y, m2, v2 = BatchNormalization<training_mode=1>(x, s, b, m, v)"),
        (15, "y = BatchNormalization<training_mode=1>(x, s, b, m, v)"),
    ],
)
def test_batch_norm_in_training_is_refused(opset: int, body: str) -> None:
    values = {name: np.ones(3) for name in "sbmv"}
    with pytest.raises(UnsupportedOpError, match="training mode"):
        _gradient(body, {"x": np.ones((2, 3, 4)), **values}, np.ones((2, 3, 4)), opset, (*"sbmv",))


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 9])
def test_lrn_of_any_window(size: int, rng: np.random.Generator) -> None:
    """The window reaches floor((size-1)/2) channels back and ceil((size-1)/2) ahead."""

    def forward(x: torch.Tensor) -> torch.Tensor:
        back, ahead = (size - 1) // 2, size // 2
        channels = range(x.shape[1])
        sums = [(x[:, max(0, c - back) : c + ahead + 1] ** 2).sum(1) for c in channels]
        return x / (1.5 + 0.75 / size * torch.stack(sums, 1)) ** 0.625

    body = f"y = LRN<size={size}, alpha=0.75, beta=0.625, bias=1.5>(x)"
    for shape in ((2, 6, 3), (2, 6, 3, 2), (1, 6, 2, 2, 2)):
        _compare(body, _values(rng, x=shape), forward)


def test_lrn_equals_torch(rng: np.random.Generator) -> None:
    body = "y = LRN<size=5, alpha=0.5, beta=0.75, bias=2.0>(x)"
    values = _values(rng, x=(2, 7, 3, 2))
    _compare(body, values, lambda x: functional.local_response_norm(x, 5, 0.5, 0.75, 2.0))


def test_mean_variance_normalization(rng: np.random.Generator) -> None:
    def forward(x: torch.Tensor) -> torch.Tensor:
        centred = x - x.mean((0, 2), keepdim=True)
        return centred / (torch.sqrt((centred**2).mean((0, 2), keepdim=True)) + 1e-9)

    body = "y = MeanVarianceNormalization<axes=[0, -1]>(x)"
    _compare(body, _values(rng, x=(2, 3, 4)), forward, opset=13)


def test_constant_map_has_no_slope_of_its_own() -> None:
    x, cot = np.ones((1, 2, 3)), np.arange(6.0).reshape(1, 2, 3)
    body = "y = MeanVarianceNormalization<axes=[2]>(x)"
    g = _gradient(body, {"x": x}, cot, opset=13)["x"]
    np.testing.assert_allclose(g * 1e-9, cot - cot.mean(2, keepdims=True), rtol=1e-6)


@pytest.mark.parametrize("p", [1, 2])
def test_lp_normalization(p: int, rng: np.random.Generator) -> None:
    values = _values(rng, x=(2, 3, 4))
    body = f"y = LpNormalization<axis=1, p={p}>(x)"
    _compare(body, values, lambda x: x / torch.linalg.vector_norm(x, p, 1, keepdim=True))


@pytest.mark.parametrize("p", [1, 2])
def test_lp_normalization_of_zero_is_flat(p: int) -> None:
    """Zero, as the operator's own value there: no infinity, no NaN."""
    x = np.array([[0.0, 0.0], [3.0, 4.0]])
    g = _gradient(f"y = LpNormalization<p={p}>(x)", {"x": x}, np.ones((2, 2)))["x"]
    assert np.isfinite(g).all()
    assert not g[0].any()


def test_half_precision_sums_do_not_overflow(rng: np.random.Generator) -> None:
    """4096 values around 100 add up to more than float16 holds."""
    x = (100 + rng.normal(size=(1, 2, 4096))).astype(np.float16)
    values = {"x": x, "s": np.ones(2, np.float16), "b": np.zeros(2, np.float16)}
    cot = rng.normal(size=x.shape).astype(np.float16)
    g = _gradient("y = InstanceNormalization(x, s, b)", values, cot)["x"]
    t = torch.tensor(x.astype(np.float64), requires_grad=True)
    functional.instance_norm(t).backward(torch.tensor(cot.astype(np.float64)))
    assert g.dtype == np.float16
    np.testing.assert_allclose(g, t.grad.numpy(), atol=5e-3)
