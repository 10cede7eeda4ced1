"""Writes docs/operators.md: every operator and opset, its derivative, how that was checked."""

from __future__ import annotations

import ast
import functools
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import onnx

from backends.onnx.rules import NOT_YET, RENAMED, VJP_RULES, ZERO
from tests.rules.cases import tables
from tests.rules.node_cases import NEWEST, OLDEST, version

TESTS = Path(__file__).resolve().parents[2] / "tests"
NORMAL = RENAMED | {"Upsample": "Resize"}
"""Operators that are read under another name."""
FORMULAS = ("rules/**/*_torch.py", "**/test_quant*.py", "**/*fused*.py")
"""Tests that compare single operators with autograd, or with a formula of their own."""
VERDICTS = {
    "passed": "passed",
    "partly": "in part",
    "zero": "zero",
    "refused": "refused",
    "not run": "not run",
}
HEAD = """\
# Operators

What becomes of each operator between the layer and the score, at every opset that onnxruntime
loads (7 to 26): a **rule**, **zero** derivative, or a refusal by name, with the reason. There is no
fourth way; an operator in none of the tables is refused too. `python -m benchmarks.operators`
checks and writes this page, and a test holds it to the rules.

- **versions**: those of the operator's definition; **bold** where one is run by a test below.
- **differences**: configurations (rows of `tests/rules/cases_*.py`, by opset) compared with central
  differences in float64.
- **formula**: tests that compare the operator with torch.autograd, torch's fake quantisation, or a
  formula of their own in NumPy.
- **node cases**: ONNX's own single-operator tests with a float input and a float output
  (`onnx.backend.test`, {versions}), and one of them at each
  older version that it is valid for. Each float output is differentiated by each float input in
  onnxruntime and compared with differences of the operator itself: of its kernel in float64, else
  exact ones where it is linear, else of ONNX's reference in float64, else to three digits of its
  kernel in float32; and with the derivative of its function body where it has one.
  *In part*: right where it is defined, refused by some input or output. *Not run*: not by
  onnxruntime either (newer than opset 26, or no CPU kernel).
"""
CURES = """\
## What is refused, and what to do

A refusal names operator, node, layer and score, and the nearest later layer from which the score
can be reached: the first thing to try is that layer, `--layer NAME`. What does not lie between
layer and score does not matter; `gradcam check model.onnx` says which operators do.

- **No rule yet**: choose a later layer, or [add the rule](adding-a-rule.md), in this repository or
  from a package of your own; a custom operator needs its library too (`--custom-ops`).
- **Training mode** (BatchNormalization, Dropout) and losses: export the model for inference
  (`model.eval()`), and explain the logits.
- **An input that is no activation** (Resize's scales, Clip's bounds, a cache, a running mean) has a
  derivative only where it depends on the layer, and is refused only then.
- **A second output** (statistics, a cache, a mask) that leads to the score: choose a later layer.
- **Too old an opset for what the gradient needs**: `onnx.version_converter.convert_version`, then
  compare the outputs.
- **Shapes**: where a rank or an extent must be known, export with static shapes or fix them with
  `--static`.

Met in the node cases, besides operators without a rule:
"""


def page(versions: str, record: Mapping[str, Any]) -> str:
    """The page from the tables of rules and the record of the node cases."""
    entries = list(record.values())
    parts = [
        HEAD.format(versions=versions),
        _counts(entries),
        f"## ai.onnx\n\n{_standard(entries)}",
        *(f"## {domain}\n\n{_domain(domain)}" for domain in _others()),
        f"{CURES.strip()}\n\n{_refusals(entries)}",
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def unchecked() -> list[str]:
    """Rules that no test compares with anything."""
    return [
        ".".join(filter(None, key))
        for key in sorted(VJP_RULES)
        if key[0] != "cam" and not _rows(*key) and not _formulas(key[1])
    ]


def versions_of(op: str) -> list[int]:
    """The versions of its definition that some opset in use has."""
    return sorted({version(op, opset) for opset in range(OLDEST, NEWEST + 1)} - {0})


def _counts(entries: list[Any]) -> str:
    names = {schema.name for schema in onnx.defs.get_all_schemas() if not schema.domain}
    kinds = Counter(re.split("[:,]", _place("", op))[0] for op in names if versions_of(op))
    said = Counter(entry.verdict for entry in entries)
    return "\n".join(
        [
            "| | rule | zero | refused |",
            "|---|---|---|---|",
            f"| operators of ai.onnx | {kinds['rule']} | {kinds['zero']} | {kinds['refused']} |",
            "",
            f"| | {' | '.join(VERDICTS.values())} | wrong |",
            f"|---|{'---|' * (len(VERDICTS) + 1)}",
            f"| node cases | {' | '.join(str(said[v]) for v in VERDICTS)} | {said['wrong']} |",
        ]
    )


def _standard(entries: list[Any]) -> str:
    cases = defaultdict(list)
    for entry in entries:
        cases[entry.op].append(entry)
    lines = [
        "| operator | versions | derivative | differences | formula | node cases |",
        "|---|---|---|---|---|---|",
    ]
    names = {schema.name for schema in onnx.defs.get_all_schemas() if not schema.domain}
    for op in sorted(names, key=str.casefold):
        versions, rows = versions_of(op), _rows("", op)
        if not versions:
            continue
        ran = {entry.opset for entry in cases[op] if entry.verdict in ("passed", "partly", "zero")}
        met = {version(op, opset) for opset in ran | set(rows)}
        cells = [
            op,
            ", ".join(f"**{v}**" if v in met else str(v) for v in versions),
            _place("", op),
            str(rows.total() or "-"),
            _links(_formulas(op)),
            _tally(entry.verdict for entry in cases[op]),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _others() -> list[str]:
    """Domains besides ONNX's own that have rules; `cam` is what the composites are read as."""
    return sorted({domain for domain, _ in (*VJP_RULES, *ZERO)} - {"", "cam"})


def _domain(domain: str) -> str:
    lines = ["| operator | derivative | differences | formula |", "|---|---|---|---|"]
    for op in sorted({op for held, op in (*VJP_RULES, *ZERO) if held == domain}, key=str.casefold):
        rows = str(_rows(domain, op).total() or "-")
        lines.append(f"| {op} | {_place(domain, op)} | {rows} | {_links(_formulas(op))} |")
    return "\n".join(lines)


def _place(domain: str, op: str) -> str:
    key = domain, NORMAL.get(op, op) if not domain else op
    if key in VJP_RULES:
        return "rule, straight through" if VJP_RULES[key].quantises else "rule"
    if key in ZERO:
        return f"zero: {ZERO[key]}"
    return f"refused: {NOT_YET.get(key[1], 'no rule')}"


@functools.cache
def _all_rows() -> dict[tuple[str, str], Counter[int]]:
    """(domain, operator) -> the opsets of its rows in `cases_*.py`."""
    found: dict[tuple[str, str], Counter[int]] = defaultdict(Counter)
    for rows in tables():
        for op, _, _, _, *options in rows:
            domain, _, name = op.rpartition(".")
            given = options[0] if options else {}
            found[domain, name].update(given.get("opsets", (17,)))
    return found


def _rows(domain: str, op: str) -> Counter[int]:
    return _all_rows().get((domain, op), Counter())


def _formulas(op: str) -> list[str]:
    """Test files that hold the operator in a model's text or by its name."""
    return [path for path, names in _named().items() if op in names]


@functools.cache
def _named() -> dict[str, set[str]]:
    found = {path for pattern in FORMULAS for path in TESTS.glob(pattern)}
    paths = sorted(found, key=lambda path: path.name)
    return {path.relative_to(TESTS).as_posix(): set(_operators(path)) for path in paths}


def _operators(path: Path) -> Iterable[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value.rpartition(".")[2]
            yield from re.findall(r"\b([A-Z]\w+)\s*[(<]", node.value)


def _links(files: list[str]) -> str:
    short = [(Path(file).stem.removeprefix("test_").removesuffix("_torch"), file) for file in files]
    return ", ".join(f"[{name}](../tests/{file})" for name, file in short) or "-"


def _tally(verdicts: Iterable[str]) -> str:
    said = Counter(verdicts)
    return ", ".join(f"{said[v]} {name}" for v, name in VERDICTS.items() if said[v]) or "-"


def _refusals(entries: list[Any]) -> str:
    counted: Counter[tuple[str, str]] = Counter()
    for entry in entries:
        if entry.verdict in ("partly", "refused") and _place("", entry.op).startswith("rule"):
            counted.update((entry.op, reason) for reason in entry.reason.split(" | "))
    lines = ["| operator | refused where | node cases |", "|---|---|---|"]
    lines += [f"| {op} | {why} | {count} |" for (op, why), count in sorted(counted.items())]
    return "\n".join(lines)
