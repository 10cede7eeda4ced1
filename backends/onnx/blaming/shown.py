"""Tensors that are shown again and rounded again, to the same steps: they go with the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..reading.kinds import MOVES, VIEWS
from .net import Net
from .suspects import Suspect

SHOWING = MOVES | VIEWS | {"Relu", "Clip"}
"""Operators whose result lies on the steps of their input: rounding it again changes nothing, until
the input is kept in float."""


def with_shown(net: Net, found: Sequence[Suspect]) -> tuple[Suspect, ...]:
    """A tensor kept in float is so wherever it is shown again, in another shape or cut off at 0."""
    whole: dict[str, Suspect] = {}
    known = {s.name: s for s in found}
    owners = {name: s.name for s in found for e in s.errors[:1] for name in e.actual}
    for s in reversed(found):  # the last ones first: what is shown may be shown again
        mine = whole.setdefault(s.name, s)
        maker = net.makers.get(s.name)
        shown = maker.input[0] if maker is not None and maker.op_type in SHOWING else ""
        if s.kind == "activation" and shown in owners:
            before = whole.get(owners[shown], known[owners[shown]])
            whole[before.name] = replace(before, instead={**before.instead, **mine.instead})
    return tuple(whole[s.name] for s in found)
