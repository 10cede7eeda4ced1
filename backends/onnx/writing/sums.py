"""Sums of what arrived at one tensor: neighbours that were padded to one extent are joined."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from ..reading.graph import Tensor
from .op import Op
from .padding import around
from .promises import Padded


def total(op: Op, parts: Sequence[Tensor]) -> Tensor:
    """The sum of them all, with as few additions of zeros as can be."""
    if len(parts) == 1:
        return parts[0]
    for way in (_rows, _woven, _joined):
        fewer = way(op, parts)
        if fewer is not None:
            return total(op, fewer)
    return functools.reduce(op.Add, parts)


def _rows(op: Op, parts: Sequence[Tensor]) -> list[Tensor] | None:
    """Where all have the same rows and zeros around them: these rows' sum."""
    known = [p for p in (op.promises.padded.get(t.name) for t in parts) if p is not None]
    if len(known) < len(parts) or not all(p.sparse and p.beside(known[0]) for p in known):
        return None
    if any(p.axis != known[0].axis for p in known):
        return None
    return [around(op, known[0].of(total(op, [p.core for p in known]), known[0].axis))]


def _joined(op: Op, parts: Sequence[Tensor]) -> list[Tensor] | None:
    """Neighbours are joined, the others left."""
    kinds = (op.promises.padded, op.promises.joints)
    known = [(t, kind[t.name]) for kind in kinds for t in parts if t.name in kind]
    for axis in sorted({p.axis for _, p in known}):
        mine = [(t, p) for t, p in known if p.axis == axis]
        joined = _neighbours(op, [p for _, p in mine])
        if joined is not None:
            joined = op.typed(joined, parts[0].shape)
            return [joined, *_others(parts, [t for t, _ in mine])]
    return None


def _woven(op: Op, parts: Sequence[Tensor]) -> list[Tensor] | None:
    """Views of neighbours, every other number of one tensor, are the view of what they make."""
    known = []
    for part in parts:
        maker = op.made.get(part.name)
        source = maker.inputs[0] if maker is not None and maker.op == "Reshape" else part
        if source is not part and source.name in op.promises.padded:
            known.append((part, source, op.promises.padded[source.name]))
    for axis in sorted({p.axis for *_, p in known}):
        mine = [each for each in known if each[2].axis == axis]
        part, source, _ = mine[0]
        alike = all((t.shape, s.shape) == (part.shape, source.shape) for t, s, _ in mine)
        joined = _neighbours(op, [p for *_, p in mine]) if alike else None
        if joined is not None:
            seen = op.reshape_like(op.typed(joined, source.shape), part)
            return [seen, *_others(parts, [t for t, *_ in mine])]
    return None


def _neighbours(op: Op, parts: Sequence[Padded]) -> Tensor | None:
    """One behind the other, where nothing lies before, between and after them."""
    known = sorted(parts, key=lambda p: p.before)
    ends = [p.before + p.core.shape[p.axis] for p in known]
    if len(known) < 2 or [p.before for p in known] != [0, *ends[:-1]] or known[-1].after:
        return None
    return op.Concat(*(p.core for p in known), axis=known[0].axis)


def _others(parts: Sequence[Tensor], gone: Sequence[Tensor]) -> list[Tensor]:
    names = {t.name for t in gone}
    return [t for t in parts if t.name not in names]
