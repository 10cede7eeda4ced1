"""Writes docs/zoo.md from the rows."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backends.onnx.rules import PORTABLE

Rows = Mapping[tuple[str, str], Mapping[str, Any]]
HEAD = """\
# The zoo

Every torchvision classifier and one small model of each timm family (three of them at more sizes
than their own, `@HEIGHTxWIDTH`), with seeded random weights, exported by both of torch's exporters,
instrumented with no flags and compared with torch.autograd.
`python -m benchmarks.zoo` measures, `python -m benchmarks.zoo --table` writes this page.

- **layer**: the torch modules whose output is the layer that was found; **bold** where it is the
  one that pytorch-grad-cam's documentation recommends, or lies in it.
- **G**, **map**: relative L2 distances for two rows and two pairs of classes; *exact* is G below
  1e-4.
- **judged by**: *autograd*, in float32; or *float64*, with the exported model's own A in the place
  of that tensor, where float32 crosses a rectifier's kink (another order of summation turns the
  sign of a value next to zero, and either gradient is right) or its noise alone moves A.
- **early G**: the same at a layer a third of the way from input to score, against float64 there,
  at the nearer of two optimisation levels (a kink that one crosses the other does not);
  in brackets what torch's own float32 differs from it by.
- **pytorch-grad-cam**: the largest difference of the heatmaps in [0, 1] at the recommended layer.
- **outputs**: how the original outputs of the instrumented file differ from those of the plain one.
- **not portable**: added operators that one of TensorRT, OpenVINO, CoreML and browsers lacks.
"""


def write(rows: Rows, path: Path) -> None:
    """The page: the counts, then the reasons, then a table by exporter."""
    parts = [HEAD, _summary(rows)]
    for exporter in sorted({exporter for _, exporter in rows}):
        mine = [row for (_, e), row in sorted(rows.items()) if e == exporter]
        parts.append(f"## {exporter}\n\n{_table(mine)}")
    parts += [_notes(rows), _reasons(rows)]
    path.write_text("\n\n".join(part.strip() for part in parts) + "\n")


def _summary(rows: Rows) -> str:
    lines = [
        "| exporter | exact | wrong | refused | not exported or measured | outputs bit-identical |"
        " median growth | median seconds to instrument |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for exporter in sorted({exporter for _, exporter in rows}):
        mine = [row for (_, e), row in rows.items() if e == exporter]
        count = Counter(row["status"] for row in mine)
        ran = [row for row in mine if row.get("growth") is not None and row.get("map") is not None]
        same = sum(bool(row["identical"]) for row in ran)
        growth = statistics.median(row["growth"] for row in ran) if ran else 0.0
        taken = [row["seconds"] for row in ran if row["seconds"] is not None]
        seconds = statistics.median(taken) if taken else 0.0
        rest = count["not exported"] + count["not measured"]
        lines.append(
            f"| {exporter} | {count['exact']} | {count['wrong']} | {count['refused']} | {rest} |"
            f" {same} of {len(ran)} | {growth:.2%} | {seconds:.2f} |"
        )
    return "\n".join(lines)


def _table(rows: list[Mapping[str, Any]]) -> str:
    lines = [
        "| model | input | layer | G | map | judged by | early G (torch's own) | pytorch-grad-cam |"
        " outputs | growth | not portable |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        if row.get("gradient") is None or row["status"] not in ("exact", "wrong"):
            continue
        module = (row["modules"] or [f"tensor `{row['layer']}`"])[0]
        cells = [
            row["name"],
            f"{_size(row)}{'' if row['dynamic'] else ', fixed batch'}",
            f"**{module}**" if row["agrees"] else module,
            f"{_figure(row['gradient'])}{'' if row['status'] == 'exact' else ' wrong'}",
            _figure(row["map"]),
            (row["judged"] or "-").removesuffix(" at the same A"),
            f"{_figure(row.get('early_gradient'))} ({_figure(row.get('early_noise'))})",
            _figure(row.get("peer")),
            "identical" if row["identical"] else _figure(row["output_gap"]),
            f"{row['growth']:.2%}",
            ", ".join(sorted(set(row["operators"]) - PORTABLE)) or "-",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _size(row: Mapping[str, Any]) -> str:
    height, width = row["size"], row.get("width") or row["size"]
    return f"{height}" if height == width else f"{height} x {width}"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.0e}"


def _notes(rows: Rows) -> str:
    """What was done to measure a model, and what was said of its layer."""
    said = [(row["note"], *key) for key, row in sorted(rows.items()) if row.get("note")]
    cells = (f"| {name} | {exporter} | {_cell(note)} |" for note, name, exporter in said)
    return "\n".join(["## Notes", "", "| model | exporter | |", "|---|---|---|", *cells])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _reasons(rows: Rows) -> str:
    lines = [
        "## The rest, with the reason",
        "",
        "| model | exporter | | reason |",
        "|---|---|---|---|",
    ]
    for (name, exporter), row in sorted(rows.items()):
        if row["status"] != "exact":
            reason = row["reason"] or "see the table"
            lines.append(f"| {name} | {exporter} | {row['status']} | {_cell(reason)} |")
    return "\n".join(lines)
