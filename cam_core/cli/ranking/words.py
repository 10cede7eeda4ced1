"""A result as a table on the terminal, and as a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cam_core.head import head_of
from cam_core.metrics import METRICS
from cam_core.plural import counted
from cam_core.ranking import Cost, Ranked

from ..report import console, grid, lines
from .result import Result

ARROWS = {"higher": "↑", "lower": "↓"}
MEASURED = "x forward: seconds of an explanation over those of the plain model, on this machine"


def headings(result: Result) -> list[str]:
    """Of the table."""
    metrics = [f"{m} {ARROWS[METRICS[m].better]}" for m in result.by]
    return ["method", *metrics, "x forward", "passes", "sanity"]


def rows(result: Result) -> list[list[str]]:
    """A line a method that was measured."""
    refused = result.run.tally.refused
    found = []
    for name in (name for name in result.methods if name not in refused):
        numbers = [cell(result.row(m, name), result.by[m]) for m in result.by]
        check = result.checks.get(name)
        verdict = "-" if check is None else check.verdict
        found.append([name, *numbers, *costs(result.cost(name)), verdict])
    return found


def cell(one: Ranked | None, all_of: Sequence[Ranked]) -> str:
    """`1= 0.62 [0.55, 0.69]`: the place, = where several share it, the mean and its interval."""
    if one is None or one.mean is None:
        return "-"
    mean = one.mean
    left = f", {mean.left_out} without" if mean.left_out else ""
    return f"{place(one, all_of):2} {mean.mean:.3g} [{mean.low:.3g}, {mean.high:.3g}]{left}"


def place(one: Ranked, all_of: Sequence[Ranked]) -> str:
    """`1=` of several that share it, else `1`."""
    shared = sum(other.place == one.place for other in all_of) > 1
    return f"{one.place}{'=' if shared else ''}"


def costs(cost: Cost | None) -> tuple[str, str]:
    """The ratio, and the passes: `1 + 1 back`, `1 + 192 tails`."""
    if cost is None:
        return "-", "-"
    p = cost.passes
    parts = [str(p.forward), *([f"{p.backward} back"] if p.backward else [])]
    parts += [f"{p.tails} tails"] if p.tails else []
    return f"{cost.ratio:.2f}", " + ".join(parts)


def facts(result: Result) -> list[tuple[str, str]]:
    """What stands beneath the table, (name, text)."""
    run, tally = result.run, result.run.tally
    count = len(tally.photos)
    found = [("rank", text) for text in result.said]
    found += [("cannot", f"{name}: {why}") for name, why in tally.refused.items()]
    found += [("without", f"{metric}: {why}") for metric, why in result.without.items()]
    asked = f"{tally.targets} questions of " if tally.targets != count else ""
    found.append(("photos", f"{asked}{count}; intervals of 95 % by drawing photos again"))
    if any(set(METRICS[m].needs) - {"map", "boxes"} for m in result.by):
        found.append(("score", "; ".join(sorted(run.scored))))
    found.append(("layer", ", ".join(sorted(run.explained_at))))
    timed = max((len(of) for of in run.costs.by_method.values()), default=0)
    found.append(("cost", f"{MEASURED}, of {counted(timed, 'photo')}; passes: rows that were run"))
    found.append(("sanity", sanity(result)))
    return found


def sanity(result: Result) -> str:
    """What the check was made on, or why it was not."""
    if result.unchecked:
        return f"no check: {result.unchecked}"
    photos, head = len(result.run.questions), head_of(result.run.setup.backend)
    near = "; a box's map stays near its anchor whatever the weights are, so read it with care"
    return (
        f"maps of {counted(photos, 'photo')} against those with all weights shuffled: a "
        "method 'depends' on what the model learned, is 'indifferent' to it, or it is 'unclear'"
        + (near if head is not None and head.boxes is not None else "")
    )


def show(result: Result, more: Sequence[tuple[str, str]]) -> None:
    """On the terminal."""
    out = console()
    names = headings(result)
    columns = dict.fromkeys(names, "") | {"x forward": "r"}
    if result.by:
        out.print(grid(columns, rows(result)))
    lines(out, [*facts(result), *more])


def page(result: Result, title: str, more: Sequence[tuple[str, str]]) -> str:
    """The same as Markdown."""
    names = headings(result)
    table = [names, ["---"] * len(names), *rows(result)]
    body = [f"| {' | '.join(one)} |" for one in table]
    told = [f"- {name}: {text}" for name, text in (*facts(result), *more)]
    return "\n".join([f"# {title}", "", *body, "", *told, ""])


def written(folder: Path, names: Sequence[str]) -> list[tuple[str, str]]:
    """A line a file."""
    return [("wrote", str(folder / name)) for name in names]
