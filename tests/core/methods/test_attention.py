"""The methods of attention against their formulas in torch, of a ViT that both exporters wrote."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnxruntime")
torch = pytest.importorskip("torch")
from backends.onnx import OnnxBackend  # noqa: E402
from cam_core import explain  # noqa: E402
from cam_core.errors import InputError  # noqa: E402
from cam_core.methods import METHODS  # noqa: E402
from tests.attentive import HEADS_OF, SPELLINGS, TinyViT, exported, made, pictures  # noqa: E402

Array = np.ndarray
CLASS = 3


def mean_row(net: TinyViT, R: Any) -> Any:
    return net.places(sum(R[:, q] for q in net.queries()) / len(net.queries()))


def rolled(net: TinyViT, x: Any) -> Any:
    """Abnar and Zuidema, row by row and head by head."""
    _, spied = net.spied(x)
    whole = []
    for n in range(len(x)):
        R = torch.eye(spied.P[0].shape[-1])
        for P in spied.P:
            A = 0.5 * sum(P[n, h] for h in range(P.shape[1])) / P.shape[1] + 0.5 * torch.eye(len(R))
            R = torch.stack([row / row.sum() for row in A]) @ R
        whole.append(R)
    return mean_row(net, torch.stack(whole))


def grad_rolled(net: TinyViT, x: Any) -> Any:
    """Chefer et al., eq. 5 and 6."""
    y, spied = net.spied(x)
    grads = torch.autograd.grad(y[:, CLASS].sum(), spied.P)
    R = torch.eye(spied.P[0].shape[-1]).repeat(len(x), 1, 1)
    for P, g in zip(spied.P, grads, strict=True):
        R = R + (g * P).clamp(min=0).mean(1) @ R
    return mean_row(net, R)


def legrad_final(net: TinyViT, x: Any) -> Any:
    y, spied = net.spied(x)
    grads = torch.autograd.grad(y[:, CLASS].sum(), spied.P)
    return net.places(sum(g.clamp(min=0).mean(dim=(1, 2)) for g in grads))


def legrad(net: TinyViT, x: Any) -> Any:
    """2404.03214, the score of each block: head(norm(mean of its tokens))."""
    _, spied = net.spied(x)
    total = 0
    for P, Z in zip(spied.P, spied.ends, strict=True):
        s = net.head(net.norm(Z.mean(1)))[:, CLASS].sum()
        (g,) = torch.autograd.grad(s, P, retain_graph=True)
        total = total + g.clamp(min=0).mean(dim=(1, 2))
    return net.places(total)


def gradeclip(net: TinyViT, x: Any, *, one_head: bool = False) -> Any:
    """2502.18816, place by place."""
    y, spied = net.spied(x, one_head=one_head)
    (g,) = torch.autograd.grad(y[:, CLASS].sum(), spied.o)
    project = net.blocks[-1].attn.proj
    q, k = project(spied.q), project(spied.k)
    total = torch.zeros(k.shape[:2])
    for n in range(len(x)):
        for row in net.queries():
            cosines = torch.stack([torch.cosine_similarity(q[n, row], key, 0) for key in k[n]])
            inside = net.places(cosines[None])
            w = (cosines - inside.min()) / (inside.max() - inside.min())
            total[n] += (g[n, row] * spied.v[n]).sum(-1) * w
    return net.places(total).clamp(min=0)


ORACLES: dict[str, Callable[..., Any]] = {
    "rollout": rolled,
    "gradrollout": grad_rolled,
    "legrad": legrad,
    "legrad-final": legrad_final,
    "gradeclip": gradeclip,
}
HELD = {(head, "merged", "torchscript-13") for head in HEADS_OF}
HELD |= {("class", spelling, "torchscript-17") for spelling in SPELLINGS}
HELD |= {("registers", spelling, "dynamo-18") for spelling in ("before", "einsum", "sdpa")}


def test_every_method_of_attention_has_an_oracle() -> None:
    assert set(ORACLES) == {name for name, row in METHODS.items() if "attention" in row.needs}


def close(found: Array, expected: Any) -> None:
    """To 1e-4 of the largest: two runtimes in float32, and a cosine scaled by its range."""
    expected = expected.detach().numpy()
    assert expected.max() > 0
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * expected.max())


@pytest.mark.parametrize(("head", "spelling", "export"), sorted(HELD), ids=str)
def test_exported_like_torch(head: str, spelling: str, export: str) -> None:
    net, x = made(head, spelling), pictures()
    kind, _, opset = export.partition("-")
    backend = OnnxBackend(exported(net, kind, int(opset)))
    for name, oracle in ORACLES.items():
        close(explain(backend, x.numpy(), CLASS, name).map, oracle(net, x))
    found = explain(backend, x.numpy(), CLASS, "gradeclip", one_head=True)
    close(found.map, gradeclip(net, x, one_head=True))


@pytest.fixture(scope="module")
def net() -> TinyViT:
    return made()


@pytest.fixture(scope="module")
def backend(net: TinyViT) -> OnnxBackend:
    return OnnxBackend(exported(net, "torchscript", 17))


def test_what_an_explanation_says_of_it(net: TinyViT, backend: OnnxBackend) -> None:
    x = pictures()
    found = explain(backend, x.numpy(), CLASS, "legrad")
    assert found.alpha is None
    assert found.region is not None
    assert (found.region.whole, found.region.input) == (True, "x")
    assert found.layer in backend.analysis.graph.tensors
    np.testing.assert_allclose(found.score, net(x)[:, CLASS].detach(), rtol=1e-4)


@pytest.mark.parametrize("heads", ["max", "min"])
def test_heads_made_one_by_their_extremes(net: TinyViT, backend: OnnxBackend, heads: str) -> None:
    x = pictures()
    _, spied = net.spied(x)
    R = torch.eye(7)
    for P in spied.P:
        A = 0.5 * getattr(P, f"a{heads}")(1) + 0.5 * torch.eye(7)
        R = A / A.sum(-1, keepdim=True) @ R
    close(explain(backend, x.numpy(), CLASS, "rollout", heads=heads).map, mean_row(net, R))


def test_the_smallest_weights_left_out(net: TinyViT, backend: OnnxBackend) -> None:
    x = pictures()
    _, spied = net.spied(x)
    R = torch.eye(7)
    for P in spied.P:
        mixed = P.mean(1).detach().clone()
        for row in mixed:
            for i in row.flatten().sort().indices[: int(49 * 0.4)].tolist():
                row[i // 7, i % 7] = 0
        A = 0.5 * mixed + 0.5 * torch.eye(7)
        R = A / A.sum(-1, keepdim=True) @ R
    close(explain(backend, x.numpy(), CLASS, "rollout", discard=0.4).map, mean_row(net, R))


def test_the_last_blocks_alone(net: TinyViT, backend: OnnxBackend) -> None:
    x = pictures()
    y, spied = net.spied(x)
    grads = torch.autograd.grad(y[:, CLASS].sum(), spied.P)
    expected = net.places(sum(g.clamp(min=0).mean(dim=(1, 2)) for g in grads[-1:]))
    close(explain(backend, x.numpy(), CLASS, "legrad-final", blocks=1).map, expected)
    with pytest.raises(InputError, match="has 2 blocks, not 4"):
        explain(backend, x.numpy(), CLASS, "legrad", blocks=4)


@pytest.mark.parametrize("options", [{"heads": "sum"}, {"discard": 1.0}], ids=str)
def test_options_that_rollout_has_not(backend: OnnxBackend, options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="takes heads mean, max, min and discard"):
        explain(backend, pictures().numpy(), CLASS, "rollout", **options)
