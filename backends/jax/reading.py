"""The order in which a function reads its parameters, from its jaxpr."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any


def reading_order(function: Callable[..., Any], params: Any, *arguments: Any) -> list[int]:
    """The leaves of `params` by the equation that reads them first; those never read come first."""
    import jax

    leaves = jax.tree_util.tree_leaves(params)
    closed = jax.make_jaxpr(function)(params, *arguments)
    places = {id(var): i for i, var in enumerate(closed.jaxpr.invars[: len(leaves)])}
    met: dict[int, None] = {}
    for leaf in _read(closed.jaxpr, places):
        met.setdefault(leaf)
    unread = [i for i in range(len(leaves)) if i not in met]
    return [*unread, *met]


def _read(jaxpr: Any, places: dict[int, int]) -> Iterator[int]:
    """The leaves that the equations read, one after the other, also inside calls."""
    for equation in jaxpr.eqns:
        inner = _body(equation)
        if inner is None:
            yield from (places[id(v)] for v in equation.invars if id(v) in places)
            continue
        names = dict(zip(map(id, inner.invars), map(id, equation.invars), strict=True))
        yield from _read(inner, {new: places[old] for new, old in names.items() if old in places})
        yield from (places[id(v)] for v in equation.invars if id(v) in places)


def _body(equation: Any) -> Any | None:
    """What a call calls, where it takes just what the call takes."""
    found: Sequence[Any] = [equation.params.get(name) for name in ("jaxpr", "call_jaxpr")]
    inner = next((body for body in found if body is not None), None)
    inner = getattr(inner, "jaxpr", inner)
    fits = inner is not None and len(inner.invars) == len(equation.invars)
    return inner if fits else None
