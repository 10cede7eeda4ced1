"""Writes the tables of docs/metrics.md, from METRICS.

python -m examples.docs.list_metrics
"""

from __future__ import annotations

from pathlib import Path

from cam_core.metrics import METRICS, NEEDS, Metric

PAGE = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"
FIRST, LAST = "<!-- made by examples.docs.list_metrics -->", "<!-- until here -->"
ARROWS = {"higher": "↑", "lower": "↓", "neither": ""}


def table() -> str:
    """A row a metric."""
    head = ["metric", "better", "what it says", "formula", "takes", "paper"]
    lines = [head, ["---"] * len(head), *(row(name, one) for name, one in METRICS.items())]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def row(name: str, metric: Metric) -> list[str]:
    """Its cells."""
    takes = ", ".join(NEEDS[need] for need in metric.needs)
    formula = metric.formula.replace("|", "\\|")
    return [name, ARROWS[metric.better], metric.summary, f"`{formula}`", takes, metric.paper]


def main() -> None:
    """Puts the table between its marks."""
    before, rest = PAGE.read_text(encoding="utf-8").split(FIRST)
    after = rest.split(LAST)[1]
    PAGE.write_text(f"{before}{FIRST}\n\n{table()}\n\n{LAST}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
