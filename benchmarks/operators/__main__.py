"""Which operators have a derivative, which are refused, and how each was checked.

    python -m benchmarks.operators             every node case of ONNX anew, then the page
    python -m benchmarks.operators --op LSTM   the cases of some operators anew
    python -m benchmarks.operators --table     docs/operators.md from the record

Whoever changes a rule runs it: a test compares tests/rules/node_cases.tsv and docs/operators.md
with what the rules do.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import Any

from tests.rules.node_cases import cases
from tests.rules.node_cases_check import entry
from tests.rules.node_cases_record import FILE, record, recorded

from .page import page

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "operators.md"


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--op", action="append", metavar="NAME", help="an operator of ai.onnx")
    parser.add_argument("--table", action="store_true", help="only write the page")
    args = parser.parse_args()
    if not args.table:
        measure(args.op)
    PAGE.write_text(page(*recorded()), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")


def measure(only: list[str] | None) -> None:
    """Checks the cases of these operators, or all, and records what came of them."""
    before: dict[str, Any] = recorded()[1] if FILE.exists() else {}
    entries = {}
    for name, case in cases().items():
        old = before.get(name)
        entries[name] = old if only and old and case.op not in only else entry(case)
        if old != entries[name] or entries[name].verdict in ("wrong", "unknown"):
            print(*entries[name])
    record(entries.values())
    print(dict(Counter(entry.verdict for entry in entries.values())))


if __name__ == "__main__":
    main()
