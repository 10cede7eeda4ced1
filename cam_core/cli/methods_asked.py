"""The methods of a run: one of each, and what `--layer` is to them."""

from __future__ import annotations

from collections.abc import Sequence

from cam_core.backend import Backend
from cam_core.errors import InputError
from cam_core.head import Head, head_of
from cam_core.methods import (
    AUTO,
    BEST,
    about_input,
    canonical,
    find_method,
    may_be,
    usual_method,
)


def methods_of(
    backend: Backend, asked: Sequence[str], layer: str | None
) -> tuple[tuple[str, ...], list[str]]:
    """Those that are to be run, the usual one where none is named, and what is to be said of it.

    Raises:
        InputError: a layer, and no method that it counts for.
    """
    head = head_of(backend)
    named = tuple(dict.fromkeys(map(canonical, asked)))
    methods, notes = folded(named or (usual_method(head),), head)
    if layer is not None and len(backend.inputs()) == 1:  # of several it says over which one
        notes += beside_layer(methods, layer)
    return methods, notes


def folded(methods: Sequence[str], head: Head | None) -> tuple[tuple[str, ...], list[str]]:
    """Without the second of two that are one method of this score, and a note on each.

    `auto` stays, as it knows what to do where there is no derivative; `best` is what it stands for,
    where that is known before the model is run.
    """
    best = may_be(head)
    means = {AUTO: usual_method(head), BEST: BEST if len(best) > 1 else min(best)}
    order = sorted(methods, key=lambda name: (name != AUTO, name == BEST))
    kept: dict[str, str] = {}
    for name in order:
        kept.setdefault(means.get(name, name), name)
    notes = [
        f"--method {name} and --method {kept[meant]} are both {meant} here: made once, as "
        f"'{kept[meant]}'"
        for name in methods
        if kept[meant := means.get(name, name)] != name
    ]
    return tuple(name for name in methods if name in kept.values()), notes


def beside_layer(methods: Sequence[str], layer: str) -> list[str]:
    """A note on the methods that a layer does not count for.

    Raises:
        InputError: it counts for none.
    """
    apart = [name for name in methods if about_input(name)]
    if not apart:
        return []
    places = " and ".join(dict.fromkeys(f"the {find_method(name).at}" for name in apart))
    own = f"{', '.join(apart)}, whose map is at {places}"
    if len(apart) == len(methods):
        raise InputError(
            f"--layer '{layer}': it does not count for {own}. Leave it out, or take a method of a "
            "layer, such as gradcam ('gradcam methods' lists them)."
        )
    return [f"--layer does not count for {own}"]
