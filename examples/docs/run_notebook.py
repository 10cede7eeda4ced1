"""Runs the notebooks of examples and stores what their cells show; needs no Jupyter.

    python -m examples.docs.run_notebook

The cells keep to what plain Python can do: no magics, and a cell shows its last expression.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import os
import re
import tempfile
from base64 import b64encode
from pathlib import Path
from typing import Any

NOTEBOOKS = sorted(Path(__file__).resolve().parents[1].glob("*.ipynb"))


def main() -> None:
    """Writes the outputs into each."""
    for path in NOTEBOOKS:
        store(path)


def store(path: Path) -> None:
    """Writes the outputs into a notebook."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    names: dict[str, Any] = {}
    count = 0
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                count += 1
                cell["execution_count"] = count
                cell["outputs"] = outputs("".join(cell["source"]), names, count)
        os.chdir(before)
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{path}: {count} cells, {path.stat().st_size / 1000:.0f} kB")


def outputs(source: str, names: dict[str, Any], count: int) -> list[dict[str, Any]]:
    """A cell's outputs as notebooks store them: what it prints, and its last expression."""
    printed, shown = execute(source, names)
    found: list[dict[str, Any]] = []
    if printed:
        found.append(
            {"name": "stdout", "output_type": "stream", "text": printed.splitlines(keepends=True)}
        )
    if shown is not None:
        data: dict[str, Any] = {"text/plain": [re.sub(r" at 0x\w+", "", repr(shown))]}
        if hasattr(shown, "_repr_jpeg_"):  # a fifth of the bytes of a PNG
            data = {"image/jpeg": b64encode(shown._repr_jpeg_()).decode(), **data}
        found.append(
            {
                "data": data,
                "execution_count": count,
                "metadata": {},
                "output_type": "execute_result",
            }
        )
    return found


def execute(source: str, names: dict[str, Any]) -> tuple[str, Any]:
    """(what the cell prints, the value of its last expression)."""
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    out = io.StringIO()
    shown = None
    with contextlib.redirect_stdout(out):
        exec(compile(tree, "<cell>", "exec"), names)
        if isinstance(last, ast.Expr):
            shown = eval(compile(ast.Expression(last.value), "<cell>", "eval"), names)
    return out.getvalue(), shown


if __name__ == "__main__":
    main()
