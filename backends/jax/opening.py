"""A function of parameters and inputs in JAX, or a Flax module, as a backend."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from cam_core.backend import Inputs
from cam_core.errors import InputError, MissingExtraError, ModelError
from cam_core.maps.layout import Layout

from ..live.engine import Outcome, Run, Tap, passing
from ..live.heads import Ends
from ..live.layout import layout_of
from ..live.model import Change, Live
from ..live.tapped import TappedBackend
from .engine import JaxEngine
from .flax import flax_apply, is_flax
from .reading import reading_order

Apply = Callable[..., Any]
"""(params, x, tap) -> an array, or arrays in a tuple or a mapping; pure."""


def open_in_jax(
    source: Any,
    params: Any = None,
    *,
    example: Inputs | None = None,
    inputs: Sequence[str] = ("x",),
    layer: str | None = None,
    score: str | None = None,
    activation: str = "",
    layout: Layout | str | Mapping[str, Layout | str] | None = None,
    channels_last: bool = True,
) -> TappedBackend:
    """A model in JAX, seen wherever its function calls the tap.

    Args:
        source: `apply(params, x, tap)`, pure, which hands each layer through `tap(name, array)`
            (`tap(name, array, "LayerNorm")` says of what kind it is); or a `flax.linen.Module`,
            whose modules are its layers.
        params: the parameters, a tree of arrays; of a Flax module its variables.
        example: one input as `look` takes it; `layers()` and `inputs()` need it.
        inputs: the names of the inputs; of several the function gets a mapping of all.
        layer: the layer taken when none is named; found in the first input seen if None.
        score: an output's name, or a layer whose tensor is the score. None takes the first output.
        activation: what makes the first output of a layer that is the score: Softmax, LogSoftmax or
            Sigmoid.
        layout: of every layer, or by layer. None: channels on the last axis.
        channels_last: False where the channels are on axis 1 instead.

    Raises:
        InputError: it is neither a function nor a Flax module, or has no parameters.
        MissingExtraError: JAX is not installed.
    """
    _require()
    if is_flax(source):
        kind, apply = type(source).__name__, flax_apply(source)
    elif callable(source):
        kind, apply = getattr(source, "__name__", "the function"), source
    else:
        raise InputError(
            f"a {type(source).__name__} is no apply(params, x, tap) and no Flax module"
        )
    if params is None:
        raise InputError(f"{kind} needs its parameters: open_backend(..., params=variables)")
    names = tuple(inputs)

    def running(params: Any) -> Run:
        return lambda feed, tap: outcome(apply(params, _given(feed, names), tap))

    def changed(change: Change) -> Run:
        return running(_changed(apply, params, change, example, names))

    where = _layouts(layout, channels_last)
    return TappedBackend(
        Live(
            *(kind, JaxEngine(), running(params), names, where, changed),
            example=example,
            layer=layer,
            score=score,
            activation=activation,
            channels_last=channels_last,
        )
    )


def outcome(result: Any) -> Outcome:
    """What a function returned: output, output_1, ... or the keys of a mapping."""
    named: dict[str, Any] = {}
    if isinstance(result, Mapping):
        named = {str(key): value for key, value in result.items()}
    else:
        for value in result if isinstance(result, tuple | list) else [result]:
            named["output" if not named else f"output_{len(named)}"] = value
    floating = [name for name, t in named.items() if np.dtype(t.dtype).kind not in "iub"]
    if not floating:
        raise ModelError("the function returns no floating array")
    shapes = {name: tuple(t.shape) for name, t in named.items()}
    return Outcome(named[floating[0]], named, Ends(floating[0], shapes))


def _given(feed: Mapping[str, Any], names: Sequence[str]) -> Any:
    return feed[names[0]] if len(names) == 1 else dict(feed)


def _changed(
    apply: Apply, params: Any, change: Change, example: Inputs | None, names: Sequence[str]
) -> Any:
    """The parameters, each changed once: as the function reads them, where an example shows it."""
    import jax
    import jax.numpy as jnp

    known, tree = jax.tree_util.tree_flatten_with_path(params)
    order: Sequence[int] = range(len(known))
    if example is not None:
        x = example if isinstance(example, Mapping) else {names[0]: example}
        feed = {name: jnp.asarray(array) for name, array in x.items()}
        order = reading_order(
            lambda p: [jnp.asarray(t) for t in _leaves(apply(p, _given(feed, names), passing))],
            params,
        )
    leaves = [leaf for _, leaf in known]
    for i in order:
        path, leaf = known[i]
        leaves[i] = jnp.asarray(np.array(change(_name(path), np.array(leaf))), leaf.dtype)
    return jax.tree_util.tree_unflatten(tree, leaves)


def _leaves(result: Any) -> list[Any]:
    import jax

    return list(jax.tree_util.tree_leaves(result))


def _name(path: Sequence[Any]) -> str:
    """A leaf's path, as in conv1.kernel; Flax's own collection is left out."""
    words = [
        str(getattr(key, "key", getattr(key, "name", getattr(key, "idx", key)))) for key in path
    ]
    return ".".join(words[1:] if words[0] == "params" else words)


def _layouts(
    layout: Layout | str | Mapping[str, Layout | str] | None, channels_last: bool
) -> Callable[[str, tuple[int, ...]], Layout]:
    def at(path: str, shape: tuple[int, ...]) -> Layout:
        own = layout.get(path) if isinstance(layout, Mapping) else layout
        if own is None:
            return layout_of(shape, len(shape) - 1 if channels_last else 1)
        return Layout.parse(own) if isinstance(own, str) else own

    return at


def _require() -> None:
    from importlib.util import find_spec

    if find_spec("jax") is None:
        raise MissingExtraError("jax is not installed: pip install 'cam-core[jax]'")


__all__ = ["Apply", "Tap", "open_in_jax", "outcome"]
