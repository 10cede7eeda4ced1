"""Writes docs/opinfo.md from the rows."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

STATUSES = {
    "right": "G equals torch.autograd's, infinities and NaN included",
    "differences": "G equals central differences in float64, autograd's does not",
    "refused": "an error names what has no rule",
    "WRONG": "G is neither, or the instrumented file does not run",
    "exported wrong": "the exported file gives other outputs than torch",
    "not run": "onnxruntime does not run the exported file",
    "not exported": "the exporter refuses",
    "not differentiable": "torch has no gradient of it, or its output is random",
}
"""What may become of a sample."""


@dataclass(frozen=True)
class Row:
    """What became of one sample."""

    op: str
    sample: int
    exporter: str
    status: str
    """One of STATUSES."""
    why: str = ""


HEAD = """\
# torch's own table of operators

`torch.testing` keeps a table of torch's operators with samples of their arguments (OpInfo). Of each
with a derivative in float32, up to three samples (the first, the last and one between) are
exported, differentiated with respect to every float argument and run in onnxruntime, against
torch.autograd and a random cotangent, within 1e-4 relative, conventions at kinks included.
`python -m benchmarks.opinfo` measures and writes this page; `tests/project/test_opinfo.py` tries a
seeded part. The dynamo exporter takes seconds a sample: it is shown one of every ninth operator.
"""


EXPLAINED = {
    "native_layer_norm": "torch gives no gradient to the mean and the deviation that it returns",
    "nn.functional.embedding": "torch keeps the row of padding_idx from training",
    "nn.functional.layer_norm": "of one value, which is rounding alone in torch",
}
"""Why autograd is not the derivative."""


def write(rows: Sequence[Row], path: Path) -> None:
    """The page: counts, what each count means, then whatever is not simply right."""
    parts = [HEAD, _counts(rows)]
    for status in ("WRONG", "differences", "refused"):
        mine = [row for row in rows if row.status == status]
        if mine:
            parts.append(f"## {status}\n\n{_reasons(mine)}")
    names = sorted({row.op for row in rows if row.status == "right"})
    parts.append(f"## right, {len(names)} operators\n\n{', '.join(f'`{n}`' for n in names)}")
    path.write_text("\n\n".join(part.strip() for part in parts) + "\n", encoding="utf-8")


def _counts(rows: Sequence[Row]) -> str:
    exporters = list(dict.fromkeys(row.exporter for row in rows))
    count = Counter((row.status, row.exporter) for row in rows)
    lines = [f"| samples | {' | '.join(exporters)} | |", f"|---|{'---|' * len(exporters)}---|"]
    for status, meaning in STATUSES.items():
        numbers = " | ".join(str(count[status, exporter]) for exporter in exporters)
        lines.append(f"| {status} | {numbers} | {meaning} |")
    return "\n".join(lines)


def _reasons(rows: Sequence[Row]) -> str:
    """One line an operator and reason."""
    found: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        why = EXPLAINED.get(row.op) if row.status == "differences" else None
        why = why or row.why.partition(" (node")[0].partition(": node")[0]
        found[row.op, why + ")" * (why.count("(") - why.count(")"))].append(row)
    return "\n".join(f"- `{op}`, {len(mine)}: {why}" for (op, why), mine in sorted(found.items()))
