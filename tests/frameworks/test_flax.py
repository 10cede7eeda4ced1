"""Flax modules are layers by their paths, of exact gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cam_core import LayerError, explain, open_backend
from cam_core.errors import InputError

jax = pytest.importorskip("jax", reason="JAX is not installed")
linen = pytest.importorskip("flax.linen", reason="Flax is not installed")


class Block(linen.Module):
    @linen.compact
    def __call__(self, x: Any) -> Any:
        return linen.relu(linen.Conv(4, (3, 3), name="conv")(x))


class Net(linen.Module):
    @linen.compact
    def __call__(self, x: Any) -> Any:
        block = Block(name="block")
        x = block(block(Block(name="first")(x)))
        return linen.Dense(5, name="head")(x.mean((1, 2)))


@pytest.fixture
def net() -> tuple[Any, Any, Any]:
    x = np.random.default_rng(0).random((2, 6, 7, 3)).astype(np.float32)
    module = Net()
    return module, module.init(jax.random.key(1), x), x


def test_layers_are_modules_and_their_calls(net: tuple[Any, Any, Any]) -> None:
    module, variables, x = net
    backend = open_backend(module, params=variables, example=x)
    found = {layer.name: layer.operator for layer in backend.layers()}
    assert found == {
        "first.conv": "Conv",
        "first": "Block",
        "block.conv#1": "Conv",
        "block#1": "Block",
        "block.conv": "Conv",
        "block": "Block",
        "head": "Dense",
    }
    assert [layer.name for layer in backend.layers() if layer.default] == ["block"]
    (info,) = backend.inputs()
    assert (info.shape, info.channel_axis) == ((None, 6, 7, 3), 3)


def test_gradients_are_those_of_the_formula(net: tuple[Any, Any, Any]) -> None:
    """At the last block A is pooled: G = w / places, whatever the input."""
    module, variables, x = net
    backend = open_backend(module, params=variables)
    look = backend.look(x, layers=["block", "block#1"])
    G = look.pull(lambda y, _: np.eye(5)[[2, 4]]).layers["block"]
    w = np.asarray(variables["params"]["head"]["kernel"])[:, [2, 4]].T / 42
    np.testing.assert_allclose(G, np.broadcast_to(w[:, :, None, None], G.shape), rtol=1e-5)
    expected = np.asarray(module.apply(variables, x))
    np.testing.assert_allclose(
        look.tail("block#1")(look.activations["block#1"]), expected, rtol=1e-4
    )
    assert explain(backend, x, 1).map.shape == (2, 6, 7)


def test_what_is_missing_is_said(net: tuple[Any, Any, Any]) -> None:
    module, variables, x = net
    with pytest.raises(InputError, match="Net needs its parameters"):
        open_backend(module)
    with pytest.raises(InputError, match=r"no apply\(params, x, tap\)"):
        open_backend([], backend="jax", params={})
    with pytest.raises(LayerError, match="did you mean block"):
        open_backend(module, params=variables).look(x, layers=["blocks"])


def test_a_layer_beside_the_score_is_refused() -> None:
    def apply(params: Any, x: Any, tap: Any) -> Any:
        tap("aside", x * 2)
        return tap("on", x * params).mean((1, 2))

    x = np.ones((1, 2, 2, 3), np.float32)
    look = open_backend(apply, backend="jax", params=np.float32(2)).look(x, layers=["aside", "on"])
    with pytest.raises(LayerError, match="'aside' does not reach the score"):
        look.pull(lambda y, _: y)


def test_a_point_can_be_the_score() -> None:
    def apply(params: Any, x: Any, tap: Any) -> Any:
        return jax.nn.softmax(tap("logits", tap("late", x * params).mean((1, 2))))

    x = np.random.default_rng(1).random((1, 2, 2, 3)).astype(np.float32)
    backend = open_backend(
        apply, backend="jax", params=np.float32(2), score="logits", activation="Softmax", example=x
    )
    np.testing.assert_allclose(backend.look(x).score, 2 * x.mean((1, 2)), rtol=1e-6)
    (head,) = backend.heads()
    assert (head.kind, head.probability) == ("classes", "softmax")
    assert explain(backend, x, "prob:1").layer == "late"
