"""What is known of the tensors of a graph: what two probes of it have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .body_types import Probe
from .fold import Values
from .graph import Extent, Shape
from .probes import Pairs


@dataclass
class Facts:
    """What is known of the tensors of one graph."""

    dtypes: dict[str, int] = field(default_factory=dict)
    shapes: dict[str, Shape] = field(default_factory=dict)
    values: Values = field(default_factory=dict)
    counts: dict[str, Extent] = field(default_factory=dict)
    """How far those tensors count that hold 0, 1, 2, ... in row-major order at any extent."""
    probed: Pairs = field(default_factory=dict)
    """The two values that stood for each dynamic extent."""
    seen: tuple[Values, Values] = field(default_factory=lambda: ({}, {}))
    """The small values under each probe, those that hang on the extents included."""
    decided: frozenset[str] = frozenset()
    """Conditions of an If that are the same at every run."""


def merge(first: Probe, second: Probe, probed: Pairs) -> Facts:
    """What is the same under both is fixed; an extent that is not is named by its two values."""
    facts = Facts(probed=probed, seen=(first.values, second.values))
    symbols = {pair: symbol for symbol, pair in probed.items()}
    for name, kind in first.types.items():
        facts.dtypes[name] = kind.tensor_type.elem_type
        other = second.types.get(name)
        if other is None or not kind.tensor_type.HasField("shape"):
            continue
        pairs = list(zip(kind.tensor_type.shape.dim, other.tensor_type.shape.dim, strict=False))
        facts.shapes[name] = tuple(_extent(a, b, symbols) for a, b in pairs)
    for name, value in first.values.items():
        twin = second.values.get(name)
        if twin is not None and np.array_equal(value, twin):
            facts.values[name] = value
            facts.shapes.setdefault(name, value.shape)
        elif twin is not None and _counts(value) and _counts(twin):
            facts.counts[name] = _named(value.size, twin.size, symbols)
    return facts


def _counts(value: np.ndarray[Any, Any]) -> bool:
    return value.dtype.kind == "i" and np.array_equal(value.ravel(), np.arange(value.size))


def _extent(a: Any, b: Any, symbols: Mapping[tuple[int, int], str]) -> Extent:
    if not (a.HasField("dim_value") and b.HasField("dim_value")):
        return None
    return _named(a.dim_value, b.dim_value, symbols)


def _named(a: int, b: int, symbols: Mapping[tuple[int, int], str]) -> Extent:
    return a if a == b else symbols.get((a, b), f"{a}|{b}")
