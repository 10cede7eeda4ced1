"""`gradcam layers`: where one may look, and where is looked when nobody says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cam_core.cli.options import options
from cam_core.cli.typed import Typed, extents

from .arguments import MODEL

if TYPE_CHECKING:
    from cam_core.backend import Layer
    from cam_core.head import Head


@dataclass(frozen=True, kw_only=True)
class Layers(Typed):
    """What was typed after `layers`."""

    model: Path


@dataclass(frozen=True)
class Found:
    """The layers, and what is said of some."""

    score: str
    heads: Sequence[Head]
    """What the outputs are, the one with the score first."""
    listed: Sequence[Layer]
    meant: str | None
    """The layer that --layer means."""
    branches: Sequence[str]
    """The ends of branches, where there is more than one."""
    note: str


@click.command(short_help="List the layers that can be explained.")
@MODEL
@options(
    Layers,
    *("layer", "score", "size", "static", "json", "output"),
    layer={"help": "Mark what this means: a tensor, a node, a module path or an index."},
)
def layers(asked: Layers) -> None:
    """List the maps between the input and the score of MODEL.

    The default is marked *, that of each other input +, the layer that --layer means >, and the
    ends of branches ~: maps after which no other map follows, where there is more than one.
    """
    from cam_core.cli.output import print_json, write_json

    found = find(asked)
    facts = record(asked, found)
    write_json(asked.out, facts)
    if asked.as_json:
        print_json(facts)
    else:
        tell(asked, found)


def find(asked: Layers) -> Found:
    """All that is to be said."""
    from ..capturing.backend import OnnxBackend

    backend = OnnxBackend(asked.model, score=asked.score, **extents(asked))
    listed = backend.layers()
    known = backend.analysis.layers
    meant = None if asked.layer is None else known.find(asked.layer).name
    ends = [n for t in known.route.branch_ends(known.listed()) for n in known.names_of(t)]
    note = backend.layer_note if any(layer.default for layer in listed) else ""
    heads = backend.heads()
    return Found(backend.score_name, heads, listed, meant, ends if len(ends) > 1 else [], note)


def record(asked: Layers, found: Found) -> dict[str, Any]:
    """Ready for JSON."""
    return {
        "command": "layers",
        "model": str(asked.model),
        "score": found.score,
        "heads": [head.record() for head in found.heads],
        "note": found.note,
        "meant": found.meant,
        "layers": [
            {
                "index": index,
                "name": layer.name,
                "operator": layer.operator,
                "shape": list(layer.shape),
                "module": layer.module,
                "input": layer.input,
                "default": layer.default,
                "default_over_input": layer.default_over,
                "branch_end": layer.name in found.branches,
            }
            for index, layer in enumerate(found.listed)
        ],
    }


def tell(asked: Layers, found: Found) -> None:
    """The same for people."""
    from cam_core.cli.report import console, grid, heads_said, line, lines

    several = len({layer.input for layer in found.listed}) > 1
    rows = [
        (
            _marks(layer, found),
            str(index),
            layer.operator,
            " x ".join("?" if d is None else str(d) for d in layer.shape),
            *([layer.input] if several else []),
            layer.name,
            layer.module,
        )
        for index, layer in enumerate(found.listed)
    ]
    headings = {"": "", "index": "r", "operator": "", "shape": ""}
    headings |= {"input": ""} if several else {}
    screen = console()
    screen.print(grid(headings | {"tensor": "", "module": ""}, rows), soft_wrap=True)
    lines(screen, heads_said(found.heads))
    if found.meant is not None:
        line(screen, "meant", f"'{asked.layer}' is {found.meant}")
    if found.branches:
        line(screen, "branches", ", ".join(found.branches))
    if found.note:
        line(screen, "note", found.note)


def _marks(layer: Layer, found: Found) -> str:
    marks = {
        "*": layer.default,
        "+": layer.default_over and not layer.default,
        ">": layer.name == found.meant,
        "~": layer.name in found.branches,
    }
    return "".join(mark for mark, has in marks.items() if has)
