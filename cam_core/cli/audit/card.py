"""A report as a section of Markdown, for a model card or other papers that go with a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cam_core.plural import counted

from .page import between, said
from .words import SHOWN

WORST = 8
"""Slices that are named, those with the lowest share of right answers or the least agreement."""


def card(facts: Mapping[str, Any]) -> bytes:
    """What was measured on which photos, where it is worst, what is doubtful, how it was made."""
    parts = [
        ["## Where the model looks", "", f"{facts['verdict']['line']}."],
        numbers(facts),
        worst(facts["slices"]),
        doubtful(facts),
        made(facts),
    ]
    return ("\n\n".join("\n".join(part) for part in parts if part) + "\n").encode()


def numbers(facts: Mapping[str, Any]) -> list[str]:
    """A line a number."""
    rows = [
        (name, facts["statistics"].get(name))
        for name in [*SHOWN, *facts["settings"].get("metrics", ())]
    ]
    return [
        "| number | what | photos | mean | 95 % |",
        "|---|---|---|---|---|",
        *(
            f"| {name} | {facts['metrics'][name]} | {one['photos']} | {said(one['mean'])} "
            f"| {between(one['mean_interval'])} |"
            for name, one in rows
            if one is not None and one["photos"]
        ),
    ]


def worst(slices: Sequence[Mapping[str, Any]]) -> list[str]:
    """The kinds of photos with the lowest numbers."""
    for metric in ("correct", "spearman"):
        known = [one for one in slices if metric in one["means"]]
        if known:
            break
    else:
        return []
    order = sorted(known, key=lambda one: one["means"][metric]["mean"])[:WORST]
    lines = [
        f"- {one['kind']} {_escaped(one['name'])}: {said(one['means'][metric]['mean'])} "
        f"({between(one['means'][metric]['interval'])}), {counted(one['photos'], 'photo')}"
        for one in order
    ]
    return [f"Kinds of photos with the lowest `{metric}`:", "", *lines]


def doubtful(facts: Mapping[str, Any]) -> list[str]:
    """What may be a shortcut, and what was not looked at."""
    lines = [
        f"- the maps of {_escaped(one['answer'])} lie {one['where']} on "
        f"{counted(one['photos'], 'photo')}"
        for one in facts["shortcuts"]
    ]
    lines += [
        f"- the maps of {_escaped(one['answer'])} lie off the object" for one in facts["biases"]
    ]
    count = facts["failed"]
    lines += [f"- {counted(count, 'photo')} could not be looked at"] if count else []
    return ["Look at these:", "", *lines] if lines else []


def made(facts: Mapping[str, Any]) -> list[str]:
    """How, and by which settings."""
    method = facts["settings"].get("method")
    return [
        f"Measured by `gradcam audit` ({method}) on {counted(facts['photos'], 'photo')}; settings "
        f"`{facts['sha256'][:16]}`. A map tells where the score comes from at one layer, and is no "
        "proof of a cause."
    ]


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
