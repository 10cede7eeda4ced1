"""A live model as its framework's backend hands it over: what is run, and what is known of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cam_core.backend import Array, InputInfo, Inputs
from cam_core.maps.layout import Layout

from .engine import Engine, Run

Change = Callable[[str, Array], Array]
"""(name of a weight, weight) -> another."""


@dataclass(frozen=True)
class Live:
    """A model, as its framework's backend hands it over."""

    called: str
    """What messages call it."""
    engine: Engine
    run: Run
    inputs: tuple[str, ...]
    layout: Callable[[str, tuple[int, ...]], Layout]
    """(path, shape of its tensor) -> where its channels are."""
    changed: Callable[[Change], Run]
    """The same with other weights."""
    infos: tuple[InputInfo, ...] = ()
    """What it takes, where it says so itself."""
    example: Inputs | None = None
    layer: str | None = None
    score: str | None = None
    activation: str = ""
    """What makes the first output of a score that is a point, where that is known."""
    channels_last: bool = True
    """Are the classes of a dense score on its last axis?"""
