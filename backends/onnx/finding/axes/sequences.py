"""Recurrent operators, and If, Loop and Scan by way of their bodies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .factors import Axes, Axis, fresh, lost, size
from .table import Kinds, Step, moves

ROUNDS = 3
"""A body is followed this often at most, until what it hands on is what it was handed."""
Many = list[Axes | None]


@moves("LSTM", "GRU", "RNN")
def recurrent(step: Step) -> Sequence[Axes | None]:
    """[T, N, C] -> [T, directions, N, C'] and [directions, N, C']; rows first where asked."""
    first = bool(step.attrs.get("layout", 0))
    time, rows = (step.x[1], step.x[0]) if first else (step.x[0], step.x[1])
    found: Many = []
    for number, shape in enumerate(step.made):
        if shape is None:
            found.append(None)
            continue
        ways, features = fresh(shape[-2 if first else -3]), fresh(shape[-1])
        lead = (time,) if number == 0 else ()
        if first:
            found.append((rows, *lead, ways, features))
        else:
            found.append((*lead, ways, rows, features))
    return found


@moves("If")
def branched(step: Step) -> Sequence[Axes | None]:
    """What both branches agree on."""
    both = [step.enter(step.attrs[key], [], []) for key in ("then_branch", "else_branch")]
    found: Many = []
    for number, shape in enumerate(step.made):
        ways = [axes for axes in (branch[number] for branch in both) if axes is not None]
        fit = [axes for axes in ways if shape is not None and len(axes) == len(shape)]
        found.append(None if shape is None else step.aligned(fit, shape))
    return found


@moves("Loop")
def looped(step: Step) -> Sequence[Axes | None]:
    """States as they settle; which turn made what is collected, is not followed."""
    carried = list(step.inputs[2:])
    kinds = [(np.int64, ()), (bool, ()), *_kinds(step, 2)]
    made = _settled(step, kinds, [(), ()], carried, [])[1:]
    states, collected = made[: len(carried)], made[len(carried) :]
    shapes = step.made[len(states) :]
    return [
        *states,
        *(
            None if axes is None or shape is None else (lost(shape[0], step.lost()), *axes)
            for axes, shape in zip(collected, shapes, strict=True)
        ),
    ]


@moves("Scan")
def scanned(step: Step) -> Sequence[Axes | None]:
    """The axis that is walked along is the first of what is collected."""
    count = int(step.attrs["num_scan_inputs"])
    split = len(step.inputs) - count
    along = list(step.attrs.get("scan_input_axes") or [0] * count)
    kinds = _kinds(step, 0)
    walked: list[Axis] = []
    rows: Many = []
    for number, (axes, i) in enumerate(zip(step.inputs[split:], along, strict=True), split):
        kind, shape = kinds[number]
        if shape is not None:
            kinds[number] = kind, tuple(d for j, d in enumerate(shape) if j != i % len(shape))
        if axes is None:
            rows.append(None)
            continue
        walked.append(axes[i])
        rows.append(tuple(axis for j, axis in enumerate(axes) if j != i % len(axes)))
    made = _settled(step, kinds, [], list(step.inputs[:split]), rows)
    places = list(step.attrs.get("scan_output_axes") or [0] * (len(made) - split))
    found = made[:split]
    for axes, place in zip(made[split:], places, strict=True):
        if axes is None or not walked:
            found.append(None)
        else:
            at = place % (len(axes) + 1)
            found.append((*axes[:at], walked[0], *axes[at:]))
    return found


def _kinds(step: Step, start: int) -> list[tuple[Any, Any]]:
    """Types and shapes of the inputs, symbols as they are."""
    given = step.node.inputs[start:]
    return [(t.dtype, None if t.shape is None else tuple(t.shape)) for t in given]


def _settled(step: Step, kinds: Kinds, before: Many, carried: Many, after: Many) -> Many:
    """What a body gives when it hands on what it was handed; what differs is lost."""
    skip = 1 if before else 0  # a loop's condition comes first
    made: Many = []
    for _ in range(ROUNDS):
        made = step.enter(step.attrs["body"], kinds, [*before, *carried, *after])
        handed = made[skip : skip + len(carried)]
        if handed == carried:
            break
        carried = [_both(step, a, b) for a, b in zip(carried, handed, strict=True)]
    return made


def _both(step: Step, before: Axes | None, after: Axes | None) -> Axes | None:
    if before is None or after is None or len(before) != len(after):
        return after
    return step.aligned([before, after], [size(axis) for axis in after])
