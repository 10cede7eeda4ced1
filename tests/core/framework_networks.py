"""The two networks of the contract in JAX and in Keras: channels last inside, torch's weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cam_core.backend import Backend
from cam_core.discover import open_backend

Weights = dict[str, Any]
"""torch's parameters by name, as arrays."""


def kernels(weights: Weights) -> Weights:
    """The same as other frameworks have them: HWIO for convolutions, [in, out] for products."""
    order = {4: (2, 3, 1, 0), 2: (1, 0)}
    return {
        name.removesuffix(".weight"): np.ascontiguousarray(w.transpose(order.get(w.ndim)))
        if w.ndim in order
        else w
        for name, w in weights.items()
    }


def in_jax(name: str, weights: Weights, example: Any) -> Backend:
    pytest.importorskip("jax", reason="JAX is not installed")
    held = {n: {"kernel": w} for n, w in kernels(weights).items()}
    return open_backend(JAX[name], backend="jax", params=held, example=example)


def jax_cnn(params: Any, x: Any, tap: Any) -> Any:
    """x [N, 3, 8, 12], NHWC from there on."""
    import jax.numpy as jnp

    early = tap("early", jnp.tanh(convolved(nhwc(x), params["conv1"]["kernel"], 1, 1)))
    late = tap("late", jnp.tanh(convolved(early, params["conv2"]["kernel"], 2, 0)))
    return late.mean((1, 2)) @ params["head"]["kernel"]


def jax_tokens(params: Any, x: Any, tap: Any) -> Any:
    import jax.numpy as jnp

    patches = convolved(nhwc(x), params["patch"]["kernel"], 4, 0)
    places = patches.reshape(len(x), -1, 6)
    token = jnp.broadcast_to(params["token"]["kernel"], (len(x), 1, 6))
    tokens = jnp.concatenate([token, places], 1)
    normed = tap("norm1", normalised(tokens, params["norm1"]["kernel"]), "LayerNorm")
    mixed = normed.transpose(0, 2, 1) @ params["mix"]["kernel"]
    bent = jnp.tanh(mixed.transpose(0, 2, 1))
    last = tap("norm2", normalised(tokens + bent, params["norm2"]["kernel"]), "LayerNorm")
    return last[:, 0] @ params["head"]["kernel"]


def nhwc(x: Any) -> Any:
    return x.transpose(0, 2, 3, 1)


def convolved(x: Any, w: Any, stride: int, pad: int) -> Any:
    from jax import lax

    return lax.conv_general_dilated(
        x, w, (stride,) * 2, [(pad, pad)] * 2, dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def normalised(x: Any, weight: Any) -> Any:
    mean = x.mean(-1, keepdims=True)
    return (x - mean) / (((x - mean) ** 2).mean(-1, keepdims=True) + 1e-5) ** 0.5 * weight


JAX: dict[str, Callable[..., Any]] = {"cnn": jax_cnn, "tokens": jax_tokens}


def in_keras(name: str, weights: Weights, example: Any) -> Backend:
    pytest.importorskip("keras", reason="Keras is not installed")
    model = KERAS[name](example.shape[1:])
    own = kernels(weights)
    for variable in model.weights:
        layer = variable.path.split("/")[-2] if "/" in variable.path else variable.path
        variable.assign(own[layer])
    return open_backend(model, example=example)


def keras_cnn(size: tuple[int, ...]) -> Any:
    import keras
    from keras import layers

    x = layers.Input(size, name="x")
    h = layers.Permute((2, 3, 1), name="turned")(x)
    h = layers.Conv2D(4, 3, padding="same", use_bias=False, name="conv1")(h)
    h = layers.Activation("tanh", name="early")(h)
    h = layers.Conv2D(6, 3, strides=2, use_bias=False, name="conv2")(h)
    h = layers.Activation("tanh", name="late")(h)
    h = layers.GlobalAveragePooling2D(name="pool")(h)
    return keras.Model(x, layers.Dense(5, use_bias=False, name="head")(h))


def keras_tokens(size: tuple[int, ...]) -> Any:
    import keras
    from keras import layers

    class Token(layers.Layer):
        """The class token, before the patches."""

        def build(self, shape: Any) -> None:
            self.token = self.add_weight(shape=(1, 1, shape[-1]), name="token")

        def call(self, x: Any) -> Any:
            token = keras.ops.broadcast_to(self.token, (keras.ops.shape(x)[0], 1, x.shape[-1]))
            return keras.ops.concatenate([token, x], 1)

    def norm(name: str) -> Any:
        return layers.LayerNormalization(center=False, epsilon=1e-5, name=name)

    x = layers.Input(size, name="x")
    h = layers.Permute((2, 3, 1), name="turned")(x)
    h = layers.Conv2D(6, 4, strides=4, use_bias=False, name="patch")(h)
    tokens = Token(name="token")(layers.Reshape((-1, 6), name="flat")(h))
    normed = layers.Permute((2, 1), name="across")(norm("norm1")(tokens))
    bent = layers.Dense(5, activation="tanh", use_bias=False, name="mix")(normed)
    summed = layers.Add(name="sum")([tokens, layers.Permute((2, 1), name="back")(bent)])
    first = norm("norm2")(summed)[:, 0]
    return keras.Model(x, layers.Dense(5, use_bias=False, name="head")(first))


KERAS: dict[str, Callable[..., Any]] = {"cnn": keras_cnn, "tokens": keras_tokens}
