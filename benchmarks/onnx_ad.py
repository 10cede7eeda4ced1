"""onnx-ad 0.3, the other differentiator of ONNX graphs, on the cases our rules are tested with.

    pip install --no-deps onnx-ad==0.3.0 && python -m benchmarks.onnx_ad

writes docs/onnx-ad.md. The expected cotangents are those that tests/rules/test_rules.py and
tests/rules/test_random_graphs.py prove with central differences.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from tests.rules.cases import CASES, values_of, wanted
from tests.rules.cases import model_of as one_operator
from tests.rules.drawn import model_of, normal, single
from tests.rules.drawn_graphs import graph

from .opinfo.sample import by_rules, session

PAGE = Path(__file__).parents[1] / "docs" / "onnx-ad.md"
GRAPHS = 200
TOLERANCE = 1e-3
"""Relative: between two float32 gradients of one function."""

Case = tuple[str, str, onnx.ModelProto, list[str], dict[str, Any]]
"""(group, name, float32 model with the output y, inputs to differentiate, feed)."""


def rows() -> Iterator[Case]:
    """The rows of tests/rules/cases_*.py, with static shapes."""
    for case in CASES:
        if not case.dynamic:
            rng = np.random.default_rng(20)
            variable, constant = values_of(case, rng)
            model = one_operator(case, variable, constant, np.float32)
            feed = {name: value.astype(np.float32) for name, value in variable.items()}
            yield "rows of tests/rules/cases_*.py", str(case), model, wanted(case, variable), feed


def graphs() -> Iterator[Case]:
    """Random graphs of 5 to 40 operators."""
    for seed in range(GRAPHS):
        rng = np.random.default_rng(seed)
        one = graph(int(rng.integers(5, 41)), seed)
        feed = single(normal(one, rng))
        yield "random graphs", str(seed), model_of(one), one.wanted, feed


def theirs(model: onnx.ModelProto, wanted: list[str], feed: dict[str, Any], cot: Any) -> list[Any]:
    import onnx_ad

    twin = onnx_ad.reverse(model, inputs=wanted, outputs=["y"], layout="onnx")
    seed = next(i.name for i in twin.graph.input if i.name.endswith("_y"))
    names = [next(o.name for o in twin.graph.output if o.name.endswith(f"_{n}")) for n in wanted]
    found = session(twin).run(names, feed | {seed: cot[..., None]})
    return [g[..., 0] for g in found]


def verdict(case: Case) -> tuple[str, str]:
    """(right, refused, fails or wrong; why)."""
    _, _, model, wanted, feed = case
    y = session(model).run(["y"], feed)[0]
    cot = np.random.default_rng(1).normal(size=y.shape).astype(np.float32)
    expected = by_rules(model, feed, cot, wanted)
    try:
        found = theirs(model, wanted, feed, cot)
    except Exception as error:
        refused = type(error).__module__.startswith("onnx_ad")
        return "refused" if refused else "fails", str(error).splitlines()[0][:100]
    for name, g in zip(wanted, found, strict=True):
        mine = expected[name]
        size = np.linalg.norm(mine) + 1e-6
        if g.shape != mine.shape or not np.linalg.norm(g - mine) <= TOLERANCE * size:
            return "wrong", f"{g.shape} for {mine.shape}"
    return "right", ""


HEAD = """\
# onnx-ad on the same cases

[onnx-ad](https://pypi.org/project/onnx-ad/) 0.3 writes derivative graphs for ONNX models too. Here
it is given the cases that this project's rules are tested with (static shapes, random inputs); the
suite holds ours against central differences there. *refused* is an error that it raises itself,
*does not run* any other error, or a file that onnxruntime does not load; *wrong* is more than 1e-3
relative from the truth, without a word. `python -m benchmarks.onnx_ad` writes this page.
"""
KINDS = {"right": "right", "refused": "refused", "fails": "does not run", "wrong": "wrong"}
SHOWN = 12


def page(found: Sequence[tuple[Case, str, str]]) -> str:
    count = Counter((case[0], kind) for case, kind, _ in found)
    lines = [f"| cases | {' | '.join(KINDS.values())} |", f"|---|{'---|' * len(KINDS)}"]
    for group in dict.fromkeys(case[0] for case, *_ in found):
        numbers = [str(count[group, kind]) for kind in KINDS]
        lines.append(f"| {group} | {' | '.join(numbers)} |")
    wrong = [f"- {case[1]}" for case, kind, _ in found if kind == "wrong"]
    reasons = Counter(why for _, kind, why in found if kind == "refused").most_common(SHOWN)
    parts = [HEAD, "\n".join(lines), "## Wrong\n", "\n".join(wrong), "## Most refused\n"]
    parts.append("\n".join(f"- {number}: {why}" for why, number in reasons))
    return "\n\n".join(part.strip() for part in parts) + "\n"


def main() -> None:
    found = [(case, *verdict(case)) for case in (*rows(), *graphs())]
    PAGE.write_text(page(found), encoding="utf-8")


if __name__ == "__main__":
    main()
