"""JAX for tapped models: zeros are added at each point, and their gradients are G, exactly."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np

from cam_core.backend import Array

from ..live.engine import Counted, Outcome, Point, Recorded, Run, Tap, copied, replacing
from ..live.heads import Ends


class JaxEngine:
    """The `Engine` of JAX."""

    @property
    def name(self) -> str:
        """JAX and the kind of its device."""
        import jax

        return f"JAX {jax.default_backend()}"

    def tensor(self, array: Array, like: Any = None) -> Any:
        """A JAX array; JAX itself makes float32 of float64 unless it is told to keep it."""
        import jax.numpy as jnp

        given = np.array(array)
        return jnp.asarray(given, None if like is None else like.dtype)

    def array(self, tensor: Any) -> Array:
        """A copy on the CPU."""
        return copied(tensor)

    def record(
        self,
        run: Run,
        feed: Mapping[str, Any],
        paths: Collection[str] | None,
        inputs: Collection[str],
    ) -> Recorded:
        """One run under jax.vjp, whose second half is called for each cotangent."""
        import jax
        import jax.numpy as jnp

        ends: list[Ends] = []
        kinds: dict[Point, str] = {}
        shapes = _shapes(run, feed, paths, kinds)
        zeros = {point: jnp.zeros(s.shape, s.dtype) for point, s in shapes.items()}
        leaves = {name: feed[name] for name in inputs}

        def seen(leaves: Any, shifts: Any) -> Any:
            held = {}

            def act(point: Point, tensor: Any, kind: str) -> Any:
                if point not in shifts:
                    return tensor
                held[point] = tensor
                return tensor + shifts[point]

            outcome = run({**feed, **leaves}, Counted(act))
            ends.append(outcome.ends)
            return outcome.y, (dict(outcome.outputs), held)

        y, back, (outputs, held) = jax.vjp(seen, leaves, zeros, has_aux=True)

        def pull(gy: Any) -> tuple[Mapping[Point, Any], Mapping[str, Any]]:
            at_inputs, at_points = back(gy)
            return at_points, at_inputs

        points = {point: held[point] for point in shapes}
        outputs = {name: outputs[name] for name in ends[-1].shapes}
        return Recorded(Outcome(y, outputs, ends[-1]), points, kinds, pull)

    def plain(self, run: Run, feed: Mapping[str, Any], tap: Tap) -> Outcome:
        """As it is."""
        return run(feed, tap)

    def tail(self, run: Run, feed: Mapping[str, Any], point: Point) -> Callable[[Any], Any]:
        """Compiled once a shape; what only leads to the point is left out by the compiler."""
        import jax

        compiled = jax.jit(lambda given, fed: run(fed, replacing(point, given)).y)
        return lambda given: compiled(given, dict(feed))


def _shapes(
    run: Run, feed: Mapping[str, Any], paths: Collection[str] | None, kinds: dict[Point, str]
) -> dict[Point, Any]:
    """Shape and type of the floating tensors of these paths, in the order in which they are met."""
    import jax
    import jax.numpy as jnp

    found: dict[Point, Any] = {}

    def act(point: Point, tensor: Any, kind: str) -> Any:
        wanted = paths is None or point[0] in paths
        if wanted and jnp.issubdtype(jnp.result_type(tensor), jnp.floating):
            found[point] = jax.ShapeDtypeStruct(jnp.shape(tensor), jnp.result_type(tensor))
            kinds[point] = kind
        return tensor

    jax.eval_shape(lambda fed: run(fed, Counted(act)).y, dict(feed))
    return found
