"""An audit by actors of Ray, on this machine or on all of a cluster, each with its own sessions.

Ray Data's `map_batches` brings part after part to the actors, and their rows back in order; what an
actor had that was killed it gives to another one. Photos are read where the actor runs.
"""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from ...errors import CamError, InputError, MissingExtraError
from ..measure import COLUMNS
from ..rows import schema_of
from ..run import Part, Rows
from .reading import AGAIN, Opening, Reading, ends_of

QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # it would tell its makers of each run
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # an actor sees the GPUs that its machine has
    "RAY_BACKEND_LOG_LEVEL": "fatal",  # lines for its makers
}
"""What Ray reads as it starts; what is set already stays."""
NO_PHOTO = -1
"""The place of what is in the way of all photos."""
WAITING = 2
"""Parts that an actor has at once: the next one is there when it is ready."""


@dataclass(frozen=True)
class OnRay:
    """Makes rows in actors; an argument of `run`.

    Args:
        opening: the plan, for each actor.
        workers: how many actors there are; None: one a core of the cluster.
    """

    opening: Opening
    workers: int | None = None

    def __call__(
        self, parts: Iterator[Part], ready: frozenset[int], step: Callable[[int], None]
    ) -> Iterator[Rows]:
        """The rows of each part, in order.

        Raises:
            InputError: actors end again and again under one part, or what one of them is in the
                way of.
        """
        ends = [ends_of(part) for part in parts]
        if not ends:
            return
        with started(self.workers) as ray:
            count = self.workers or int(ray.cluster_resources().get("CPU", 1))
            with told(ray):
                tries = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)(Tries).remote()
                actor = self.opening, ready, tries
                with closing(looked(ray, actor, ends, min(count, len(ends)))) as blocks:
                    for (_, end), rows in zip(ends, regrouped(blocks, ends), strict=True):
                        step(end)
                        yield rows


class Actor:
    """What a process of Ray holds: the models and the photos of a plan, opened once."""

    def __init__(self, opening: Opening, ready: frozenset[int], tries: Any) -> None:
        self._opening, self._ready, self._tries = opening, ready, tries
        self._reading: Reading | None = None

    def __call__(self, part: Any) -> Any:
        """The rows of a part, as `pyarrow.Table`; what is in the way of them as a row of its own.

        Of an error Ray brings the text alone.
        """
        import pyarrow
        import ray

        start, end = int(part["start"][0]), int(part["end"][0])
        try:
            if ray.get(self._tries.begun.remote(start)) > 1 + AGAIN:
                raise InputError(
                    f"actors ended again and again under photos {start} to {end - 1}, maybe for "
                    "want of memory: take fewer --workers; the same call goes on from here"
                )
            if self._reading is None:
                self._reading = Reading(self._opening())
            columns = self._reading.plan.columns
            rows = self._reading.rows(start, end, self._ready)
        except CamError as error:
            columns = dict(COLUMNS)
            rows = [{"index": NO_PHOTO, "error": str(error)}]
        schema = schema_of({name: column.kind for name, column in columns.items()})
        return pyarrow.Table.from_pylist(rows, schema=schema)


class Tries:
    """How often each part was begun: Ray itself would begin one for ever that kills its actors."""

    def __init__(self) -> None:
        self._of: Counter[int] = Counter()

    def begun(self, start: int) -> int:
        """Once more."""
        self._of[start] += 1
        return self._of[start]


def looked(
    ray: Any, actor: tuple[Opening, frozenset[int], Any], ends: list[tuple[int, int]], count: int
) -> Generator[Any]:
    """The tables of all parts in order, as they come."""
    items = [{"start": start, "end": end} for start, end in ends]
    found = ray.data.from_items(items, override_num_blocks=len(items)).map_batches(
        Actor,
        fn_constructor_args=actor,
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(size=count, max_tasks_in_flight_per_actor=WAITING),
        num_cpus=1,
    )
    found.context.execution_options.preserve_order = True
    found.context.enable_progress_bars = False
    # what is there goes to the disk at once, and waits for no other
    yield from found.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0)


def regrouped(blocks: Iterable[Any], ends: list[tuple[int, int]]) -> Iterator[Rows]:
    """Rows in parts, however they came in blocks.

    Raises:
        InputError: what an actor is in want of.
    """
    held: Rows = []
    wanted = iter(ends)
    start, end = next(wanted, (0, 0))
    for block in blocks:
        held += block.to_pylist()
        if held and held[-1]["index"] == NO_PHOTO:
            raise InputError(held[-1]["error"])
        while end > start and len(held) >= end - start:
            yield held[: end - start]
            held = held[end - start :]
            start, end = next(wanted, (0, 0))


@contextmanager
def started(workers: int | None) -> Iterator[Any]:
    """Ray itself: what runs already, the cluster of RAY_ADDRESS, or one of this machine's own.

    Raises:
        MissingExtraError: it is not installed.
        InputError: it does not start.
    """
    ray = ray_itself()
    if ray.is_initialized():
        yield ray
        return
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    own = {} if os.environ.get("RAY_ADDRESS") else {"address": "local", "num_cpus": workers}
    try:
        ray.init(**own, include_dashboard=False, log_to_driver=False, logging_level="error")
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError(f"Ray does not start: {_first_line(error)}") from error
    try:
        yield ray
    finally:
        ray.shutdown()


def ray_itself() -> Any:
    """The module, with its data.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import ray
        import ray.data
        import ray.exceptions
    except ImportError as error:
        raise MissingExtraError(
            "--engine ray needs Ray, which is not installed: pip install 'cam-core[ray]'"
        ) from error
    logging.getLogger("ray.data").setLevel(logging.ERROR)  # its plans and bars are not ours
    return ray


@contextmanager
def told(ray: Any) -> Iterator[None]:
    """Ray's errors as ours."""
    try:
        yield
    except ray.exceptions.RayError as error:
        if isinstance(error, ray.exceptions.RayTaskError):
            raise  # a defect of ours, with its traceback
        raise InputError(f"Ray: {_first_line(error)}; the same call goes on from here") from error


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
