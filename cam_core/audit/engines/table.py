"""The table of engines. To add one: a function, and a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..run import Engine
from .reading import Opening


@dataclass(frozen=True)
class Row:
    """A row of ENGINES."""

    summary: str
    make: Callable[[Opening, int | None, int], Engine | None]
    """Of what opens the plan, the number of workers that was asked for, and the cores that this
    process may use; None: the process that asks makes the rows itself."""


def local(opening: Opening, workers: int | None, cores: int) -> Engine:
    """Processes of this machine."""
    from .local import Local

    return Local(opening, workers or cores)


def on_ray(opening: Opening, workers: int | None, cores: int) -> Engine:
    """Actors of Ray.

    Raises:
        MissingExtraError: Ray is not installed.
    """
    from .on_ray import OnRay, ray_itself

    ray_itself()  # said before any model is opened
    return OnRay(opening, workers)


ENGINES: Mapping[str, Row] = {
    "here": Row("in this process", lambda opening, workers, cores: None),
    "local": Row("in several processes of this machine", local),
    "ray": Row("on Ray, here or on a cluster", on_ray),
}
"""By name, as --engine takes it."""
