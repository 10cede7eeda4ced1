"""Connectionist temporal classification (Graves et al. 2006): lines out of steps with a blank.

All in float64 and in logarithms: the probability of a line underflows anything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from ...backend import Array
from ...errors import TargetError
from ..scores import find_axis


@dataclass(frozen=True)
class Run:
    """One character of the greedy line, and its steps."""

    index: int
    """Its class."""
    start: int
    stop: int
    """One after its last step."""


def in_steps(y: Array, class_axis: int) -> Array:
    """The logits as [N, T, C], in float64.

    Raises:
        TargetError: they run over several axes.
    """
    axis = find_axis(y, class_axis)
    others = [n for i, n in enumerate(y.shape) if i not in (0, axis)]
    if sum(n != 1 for n in others) > 1:
        raise TargetError(f"a score {list(y.shape)} runs over several axes: it is no line of text")
    moved = np.moveaxis(y, axis, -1)
    return moved.reshape(len(y), -1, y.shape[axis]).astype(np.float64)


def from_steps(steps: Array, like: Array, class_axis: int) -> Array:
    """[N, T, C] in the shape and the type of the logits that it was made of."""
    axis = find_axis(like, class_axis)
    moved = np.moveaxis(like, axis, -1).shape
    return np.moveaxis(steps.reshape(moved), -1, axis).astype(like.dtype)


def log_softmax(z: Array) -> Array:
    """Along the last axis."""
    shifted = z - np.max(z, axis=-1, keepdims=True)
    found: Array = shifted - np.log(np.sum(np.exp(shifted), axis=-1, keepdims=True))
    return found


def best_path(steps: Array) -> list[int]:
    """The likeliest class of each step; steps are [T, C]."""
    return [int(c) for c in np.argmax(steps, axis=-1)]


def runs(path: Sequence[int], blank: int) -> list[Run]:
    """The characters of a path: repetitions are one, blanks are none."""
    found, at = [], 0
    for index, group in groupby(path):
        stop = at + len(list(group))
        found += [Run(index, at, stop)] if index != blank else []
        at = stop
    return found


def line_score(steps: Array, line: Sequence[int], blank: int) -> tuple[float, Array]:
    """log p(line) and its derivative by the logits, of steps [T, C]; -inf where it has no room.

    d log p / dy_t^k = gamma_t(k) - softmax(y_t)^k, with gamma_t(k) how likely k is at step t of
    all alignments of the line (equation 16).
    """
    log_p = log_softmax(steps)
    states = [blank, *(c for char in line for c in (char, blank))]
    ahead = _forward(log_p, states, blank)
    behind = _forward(log_p[::-1], states[::-1], blank)[::-1, ::-1]
    total = float(np.logaddexp.reduce(ahead[-1, -2:]))
    if not np.isfinite(total):
        return -np.inf, np.zeros_like(steps)
    # both ways count the emission of their step
    both = np.exp(ahead + behind - log_p[:, states] - total)
    gamma = np.zeros_like(steps)
    for s, state in enumerate(states):
        gamma[:, state] += both[:, s]
    return min(total, 0.0), gamma - np.exp(log_p)


def _forward(log_p: Array, states: Sequence[int], blank: int) -> Array:
    """[T, S]: log p of all alignments up to a step that end in a state there, its emission too."""
    emitted = log_p[:, list(states)]
    found = np.full(emitted.shape, -np.inf)
    found[0, :2] = emitted[0, :2]
    skips = np.array([s > 1 and c != blank and c != states[s - 2] for s, c in enumerate(states)])
    for t in range(1, len(emitted)):
        stay = found[t - 1]
        step = np.concatenate([[-np.inf], stay[:-1]])
        skip = np.where(skips, np.concatenate([[-np.inf] * 2, stay[:-2]])[: len(stay)], -np.inf)
        found[t] = np.logaddexp(np.logaddexp(stay, step), skip) + emitted[t]
    return found
