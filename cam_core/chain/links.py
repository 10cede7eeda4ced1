"""What goes from one model of a chain to another, and how its parts are called from outside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from ..errors import InputError

PARTED = ":"
"""Between the name of a model and that of what is in it: `encoder:features`."""


@dataclass(frozen=True)
class Link:
    """One output that is an input of a later model."""

    source: int
    """The place of the earlier model in the chain."""
    output: str
    model: int
    """That of the later one."""
    input: str


def find_links(
    connect: Mapping[str, str] | None,
    names: Sequence[str],
    outputs: Sequence[Sequence[str]],
    inputs: Sequence[Sequence[str]],
) -> list[Link]:
    """The links of models [0, 1, ...], each from an earlier to a later one.

    Args:
        connect: output -> input, either with the name of its model (`encoder:features`) where
            several have one so called; None connects outputs and inputs of one name.
        names: of the models.
        outputs: those of each model.
        inputs: likewise.

    Raises:
        InputError: an unknown or ambiguous name, a link backwards, a model that nothing leads from.
    """
    pairs = _same(outputs, inputs) if connect is None else connect
    found = [
        Link(*_find(output, names, outputs, "output"), *_find(input_, names, inputs, "input"))
        for output, input_ in pairs.items()
    ]
    for link in found:
        if link.source >= link.model:
            raise InputError(
                f"'{link.output}' of '{names[link.source]}' cannot be '{link.input}' of "
                f"'{names[link.model]}': name the models in the order in which they run"
            )
    _require_one_source(found, names)
    for i in range(len(names) - 1):
        if all(link.source != i for link in found):
            raise InputError(_loose(i, names, outputs, inputs))
    return found


def _same(outputs: Sequence[Sequence[str]], inputs: Sequence[Sequence[str]]) -> dict[str, str]:
    """Outputs that a later model has an input of the same name for."""
    return {
        name: name
        for i, own in enumerate(outputs)
        for name in own
        if any(name in later for later in inputs[i + 1 :])
    }


def _find(
    text: str, names: Sequence[str], known: Sequence[Sequence[str]], what: str
) -> tuple[int, str]:
    """(model, name) of an output or an input."""
    first, parted, rest = text.partition(PARTED)
    if parted and first in names and rest in known[names.index(first)]:
        return names.index(first), rest
    holders = [i for i, own in enumerate(known) if text in own]
    if len(holders) == 1:
        return holders[0], text
    if holders:
        each = " or ".join(f"{names[i]}{PARTED}{text}" for i in holders)
        raise InputError(f"several models have an {what} '{text}': write {each}")
    there = [name for own in known for name in own]
    near = get_close_matches(text, there, 3) or there
    raise InputError(f"no model has an {what} '{text}'; there are {', '.join(near)}")


def _require_one_source(found: Iterable[Link], names: Sequence[str]) -> None:
    counts = Counter((link.model, link.input) for link in found)
    twice = next((key for key, count in counts.items() if count > 1), None)
    if twice is not None:
        raise InputError(f"'{twice[1]}' of '{names[twice[0]]}' is connected twice; once is enough")


def _loose(
    i: int, names: Sequence[str], outputs: Sequence[Sequence[str]], inputs: Sequence[Sequence[str]]
) -> str:
    later = ", ".join(name for own in inputs[i + 1 :] for name in own)
    return (
        f"nothing of '{names[i]}' goes on: connect one of its outputs ({', '.join(outputs[i])}) "
        f"with an input of a later model ({later})"
    )


def told_apart(parts: Sequence[Sequence[str]], names: Sequence[str]) -> list[dict[str, str]]:
    """Of each model own name -> name in the chain: that of its model goes before it if needed."""
    counts = Counter(name for own in parts for name in own)

    def called(model: str, name: str) -> str:
        return name if counts[name] == 1 else f"{model}{PARTED}{name}"

    return [{n: called(model, n) for n in own} for own, model in zip(parts, names, strict=True)]


def distinct(names: Sequence[str], fallback: Callable[[int], str] = str) -> list[str]:
    """Names of models: those that are none, or stand twice, get their place."""
    counts = Counter(names)
    return [
        name if name and counts[name] == 1 else f"{name}{fallback(i)}"
        for i, name in enumerate(names)
    ]
