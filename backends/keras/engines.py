"""What differentiates a Keras model: the framework that Keras runs on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np

from cam_core.backend import Array
from cam_core.errors import ModelError

from ..jax.engine import JaxEngine
from ..live.engine import (
    Counted,
    Engine,
    Outcome,
    Point,
    Recorded,
    Run,
    Tap,
    copied,
    replacing,
)


class TensorFlowEngine:
    """Gradients by a tape."""

    @property
    def name(self) -> str:
        """TensorFlow and its device."""
        import tensorflow as tf

        return f"TensorFlow {'gpu' if tf.config.list_physical_devices('GPU') else 'cpu'}"

    def tensor(self, array: Array, like: Any = None) -> Any:
        """A tensor."""
        import tensorflow as tf

        return tf.convert_to_tensor(np.array(array), None) if like is None else _cast(array, like)

    def array(self, tensor: Any) -> Array:
        """A copy."""
        return copied(tensor)

    def record(
        self,
        run: Run,
        feed: Mapping[str, Any],
        paths: Collection[str] | None,
        inputs: Collection[str],
    ) -> Recorded:
        """One run under a tape that lasts."""
        import tensorflow as tf

        points: dict[Point, Any] = {}
        kinds: dict[Point, str] = {}
        tape = tf.GradientTape(persistent=True, watch_accessed_variables=False)

        def act(point: Point, tensor: Any, kind: str) -> Any:
            if (paths is None or point[0] in paths) and tensor.dtype.is_floating:
                tensor = tf.identity(tensor)  # a layer may hand on what another one made
                tape.watch(tensor)
                points[point], kinds[point] = tensor, kind
            return tensor

        leaves = {name: feed[name] for name in inputs}
        with tape:
            for leaf in leaves.values():
                tape.watch(leaf)
            outcome = run(feed, Counted(act))

        def pull(gy: Any) -> tuple[Mapping[Point, Any], Mapping[str, Any]]:
            found = tape.gradient(outcome.y, [points, leaves], output_gradients=gy)
            return found[0], found[1]

        return Recorded(outcome, points, kinds, pull)

    def plain(self, run: Run, feed: Mapping[str, Any], tap: Tap) -> Outcome:
        """As it is."""
        return run(feed, tap)

    def tail(self, run: Run, feed: Mapping[str, Any], point: Point) -> Callable[[Any], Any]:
        """As a graph, out of which falls what only leads to the point."""
        import tensorflow as tf

        found: Any = tf.function(
            lambda given: run(feed, replacing(point, given)).y, reduce_retracing=True
        )
        score: Callable[[Any], Any] = found
        return score


class TorchEngine:
    """Gradients by autograd; a tail runs the layers before its own again, for nothing."""

    @property
    def name(self) -> str:
        """torch and its device."""
        import torch

        return f"torch {'cuda' if torch.cuda.is_available() else 'cpu'}"

    def tensor(self, array: Array, like: Any = None) -> Any:
        """A tensor where Keras has its own."""
        import keras

        found = keras.ops.convert_to_tensor(np.array(array))
        return found if like is None else found.to(like)

    def array(self, tensor: Any) -> Array:
        """A copy on the CPU."""
        import torch

        tensor = tensor.detach().cpu()
        plain = tensor.float() if tensor.dtype == torch.bfloat16 else tensor
        array: Array = plain.numpy().copy()
        return array

    def record(
        self,
        run: Run,
        feed: Mapping[str, Any],
        paths: Collection[str] | None,
        inputs: Collection[str],
    ) -> Recorded:
        """One run whose graph is kept."""
        import torch

        points: dict[Point, Any] = {}
        kinds: dict[Point, str] = {}

        def act(point: Point, tensor: Any, kind: str) -> Any:
            if (paths is None or point[0] in paths) and tensor.is_floating_point():
                tensor = tensor.clone() if tensor.requires_grad else _leaf(tensor)
                points[point], kinds[point] = tensor, kind
            return tensor

        with torch.enable_grad():
            leaves = {name: _leaf(feed[name]) for name in inputs}
            outcome = run({**feed, **leaves}, Counted(act))

        def pull(gy: Any) -> tuple[Mapping[Point, Any], Mapping[str, Any]]:
            wanted = [*points.values(), *leaves.values()]
            if not wanted or not outcome.y.requires_grad:
                return dict.fromkeys(points), dict.fromkeys(leaves)
            found = iter(
                torch.autograd.grad(outcome.y, wanted, gy, retain_graph=True, allow_unused=True)
            )
            return {p: next(found) for p in points}, {n: next(found) for n in leaves}

        return Recorded(outcome, points, kinds, pull)

    def plain(self, run: Run, feed: Mapping[str, Any], tap: Tap) -> Outcome:
        """Without a graph."""
        import torch

        with torch.no_grad():
            return run(feed, tap)

    def tail(self, run: Run, feed: Mapping[str, Any], point: Point) -> Callable[[Any], Any]:
        """Run as it is."""
        return lambda given: self.plain(run, feed, replacing(point, given)).y


ENGINES: dict[str, Callable[[], Engine]] = {
    "tensorflow": TensorFlowEngine,
    "jax": JaxEngine,
    "torch": TorchEngine,
}
"""By what Keras calls its backend."""


def engine() -> Engine:
    """That of the framework that Keras runs on in this process.

    Raises:
        ModelError: it is none that differentiates, such as NumPy.
    """
    import keras

    name = keras.backend.backend()
    if name not in ENGINES:
        raise ModelError(
            f"Keras runs on {name}, which has no gradients: set KERAS_BACKEND to one of "
            f"{', '.join(ENGINES)}"
        )
    return ENGINES[name]()


def _cast(array: Array, like: Any) -> Any:
    import tensorflow as tf

    return tf.cast(tf.convert_to_tensor(np.array(array)), like.dtype)


def _leaf(tensor: Any) -> Any:
    return tensor.detach().clone().requires_grad_()
