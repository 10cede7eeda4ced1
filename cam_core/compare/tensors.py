"""Where two graphs begin to diverge: each tensor that both have, on one photo."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..backend import Array, Backend, Inputs
from ..errors import InputError, ModelError
from ..metrics.agreement.noise import power, sqnr
from ..plural import counted
from .record import number

APART = 1e-3
"""Of its largest value: what lies further apart has diverged."""


@dataclass(frozen=True)
class Apart:
    """One tensor in both models."""

    tensor: str
    largest: float
    """max |b - a|"""
    relative: float
    """The same over max |a|."""
    sqnr: float
    """10 log10(sum a^2 / sum (b - a)^2) in dB; inf of equal ones."""
    cosine: float
    """sum a b / (|a| |b|); NaN where one is 0."""


def apart(name: str, a: Array, b: Array) -> Apart:
    """How far they lie apart; a NaN or inf in either counts as infinitely far."""
    x, y = (np.asarray(v, np.float64).ravel() for v in (a, b))
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return Apart(name, np.inf, np.inf, -np.inf, float("nan"))
    gap = y - x
    largest, high = float(np.abs(gap).max(initial=0)), float(np.abs(x).max(initial=0))
    signal = power(x)
    lengths = float(np.sqrt(signal * power(y)))
    relative = largest / high if high > 0 else np.inf if largest else 0.0
    cosine = float(x @ y) / lengths if lengths > 0 else float("nan")
    return Apart(name, largest, relative, sqnr(signal, power(gap)), cosine)


def tensors_apart(a: Mapping[str, Array], b: Mapping[str, Array]) -> list[Apart]:
    """Of the tensors of one name and one number of elements, in A's order.

    Raises:
        ModelError: there is none.
    """
    pairs = [(name, a[name], b[name]) for name in a if name in b]
    found = [apart(name, one, other) for name, one, other in pairs if one.size == other.size]
    if not found:
        ours, theirs = (", ".join(list(of)[:4]) for of in (a, b))
        raise ModelError(f"no tensor has one name in both: A has {ours}, ..., B {theirs}, ...")
    return found


def first_apart(found: Sequence[Apart]) -> Apart | None:
    """The first that has diverged; None of none."""
    return next((one for one in found if not one.relative <= APART), None)


def tensor_record(a: Backend, b: Backend, x: tuple[Inputs, Inputs]) -> dict[str, Any]:
    """The table, and in a line where it begins, ready for JSON.

    Raises:
        InputError: one side cannot show its tensors.
    """
    found = tensors_apart(*(_tensors(one)(fed) for one, fed in zip((a, b), x, strict=True)))
    first, worst = first_apart(found), min(found, key=lambda one: one.sqnr)
    said = f"{counted(len(found), 'tensor')} of one name"
    if first is None:
        said += f", none apart by more than {APART:.1%} of its largest value"
    else:
        said += f"; the first apart by more than {APART:.1%} is '{first.tensor}' "
        said += (
            f"({first.relative:.1%}); the lowest SQNR has '{worst.tensor}' ({worst.sqnr:.1f} dB)"
        )
    rows = [
        [one.tensor, *(f"{v:.4g}" for v in (one.largest, one.relative, one.sqnr, one.cosine))]
        for one in found
    ]
    return {
        "said": said,
        "first": None if first is None else first.tensor,
        "rows": rows,
        "tensors": [_numbers(one) for one in found],
    }


def _numbers(one: Apart) -> dict[str, Any]:
    return {k: v if isinstance(v, str) else number(v) for k, v in asdict(one).items()}


def _tensors(backend: Backend) -> Callable[[Inputs], Mapping[str, Array]]:
    """What gives every tensor of a model by name, where it can."""
    require_tensors(backend)
    shown: Callable[[Inputs], Mapping[str, Array]] = backend.tensors  # type: ignore[attr-defined]
    return shown


def require_tensors(*backends: Backend) -> None:
    """Of two .onnx files alone are tensors known by name.

    Raises:
        InputError: one is something else.
    """
    if not all(hasattr(one, "tensors") for one in backends):
        raise InputError(
            "--tensors compares two .onnx files by the names of their tensors, which other models "
            "do not have: export them first, 'gradcam convert SOURCE -o model.onnx'"
        )
