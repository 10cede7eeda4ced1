"""Draws docs/images/before-after.svg: the demo's model before and after `instrument`, node by node.

    python -m examples.docs.draw_graph

Nodes, shapes and edges are read from the two files; only the places are decided here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path

import onnx

from backends.onnx import instrument
from backends.onnx.reading.graph import Graph
from backends.onnx.reading.prepare import prepare
from cam_core.demo import MODEL

from .places import (
    ADDED_ROWS,
    AFTER,
    COLUMN,
    GAP,
    HIGH,
    LEFT,
    NEW,
    OLD,
    ROW,
    SHARED,
    TOP,
    WIDE,
    Box,
    beside,
    place,
    reads_weights,
)

TARGET = Path(__file__).resolve().parents[2] / "docs" / "images" / "before-after.svg"

NOTES = {
    "Gather": "the class's row of W",
    "Div": "G = dy/dA, at each place",
    "ReduceMean": "\u03b1, its mean",
    "MatMul": "\u03b1 A, summed over channels",
    "Identity": "under its promised name",
}
"""Said beside the nodes of the way back."""
CLASS_NOTE = (
    "which class: cam_class, or each row's top class where it is -1; one out of range fails"
)

MARKERS = {OLD: "old", NEW: "new", SHARED: "shared"}
STYLE = """
  text { font-family: ui-sans-serif, system-ui, 'Segoe UI', Helvetica, Arial, sans-serif; }
  .op { font-size: 12px; text-anchor: middle; fill: #0f172a; }
  .shape { font-size: 9px; text-anchor: middle; fill: #64748b; }
  .head { font-size: 15px; font-weight: 600; fill: #0f172a; }
  .small { font-size: 11.5px; fill: #334155; }
  .name { font-size: 11.5px; text-anchor: middle; font-weight: 600; fill: #0f172a; }
  path { fill: none; stroke-width: 1.3; }
"""


def main() -> None:
    """Writes the drawing."""
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(drawing(), encoding="utf-8")
    print(f"{TARGET}: {TARGET.stat().st_size / 1000:.0f} kB")


def drawing() -> str:
    """The SVG of both graphs."""
    model = onnx.load_from_string(MODEL.read_bytes())
    before, after = prepare(model), prepare(instrument(model))
    boxes = place(after, len(before.nodes), AFTER)
    parts = [
        heading(LEFT, "model.onnx", f"{len(before.nodes)} nodes"),
        heading(
            LEFT + AFTER,
            "model.cam.onnx",
            f"the same {len(before.nodes)} nodes, {len(after.nodes) - len(before.nodes)} added",
        ),
        *draw(before, place(before, len(before.nodes), 0), len(before.nodes)),
        *draw(after, boxes, len(before.nodes)),
        *legend(after, boxes, len(before.nodes)),
    ]
    width = max(b.x for b in boxes.values()) + WIDE + LEFT
    height = max(b.y for b in boxes.values()) + HIGH + 40
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img" '
        f'aria-label="The graph of the demo model before and after gradcam instrument">\n'
        f"<style>{STYLE}</style>\n<defs>{''.join(map(marker, MARKERS))}</defs>\n"
        f'<rect width="{width:.0f}" height="{height:.0f}" rx="10" fill="#ffffff"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def draw(graph: Graph, boxes: Mapping[str, Box], old: int) -> Iterator[str]:
    """Edges first, then boxes over them."""
    for node in graph.nodes:
        for t in node.inputs:
            target = boxes[node.outputs[0].name]
            if t.name in boxes:
                ends = target.colour == NEW and f"{t.name}." in boxes
                yield edge(boxes[f"{t.name}." if ends else t.name], target, target.colour)
    for output in graph.outputs:
        a, b = boxes[output.name], boxes[f"{output.name}."]
        yield edge(a, b, b.colour)
    for name, weight in shared(graph, old):
        owner = next(n for n in graph.nodes[:old] if any(t.name == weight for t in n.inputs))
        yield edge(boxes[owner.outputs[0].name], boxes[name], SHARED, "4 3")
    for box in boxes.values():
        yield rectangle(box)


def shared(graph: Graph, old: int) -> Iterator[tuple[str, str]]:
    """(output of an added node, the weight of the model that it reads)."""
    own = {t.name for node in graph.nodes[:old] for t in node.inputs} & graph.weights
    for node in graph.nodes[old:]:
        for t in node.inputs:
            if t.name in own:
                yield node.outputs[0].name, t.name


def edge(a: Box, b: Box, colour: str, dashes: str = "") -> str:
    """An arrow from a to b: straight within a column, else from side to side."""
    x1, y1, x2, y2 = a.x + WIDE, a.middle, b.x - GAP, b.middle
    bend = b.x - (COLUMN - WIDE) - 2
    way = f"M{x1:g} {y1:g}H{bend:g}C{bend + 11:g} {y1:g} {x2 - 9:g} {y2:g} {x2:g} {y2:g}"
    if a.x == b.x:
        down = b.y > a.y
        ends = (a.y + HIGH, b.y - GAP) if down else (a.y, b.y + HIGH + GAP)
        way = f"M{a.x + WIDE / 2:g} {ends[0]:g}V{ends[1]:g}"
    dash = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<path d="{way}" stroke="{colour}"{dash} marker-end="url(#{MARKERS[colour]})"/>'


def marker(colour: str) -> str:
    """The tip of the arrows of a colour."""
    return (
        f'<marker id="{MARKERS[colour]}" markerWidth="7" markerHeight="8" refX="2" refY="4" '
        f'orient="auto" markerUnits="userSpaceOnUse">'
        f'<path d="M0 1L6 4L0 7z" style="fill:{colour}"/></marker>'
    )


def rectangle(box: Box) -> str:
    """The box with its operator and the shape of what it makes."""
    x, kind = box.x + WIDE / 2, "name" if box.value else "op"
    fill = "#fff4e6" if box.colour == NEW else "#f1f5f9"
    found = (
        f'<rect x="{box.x:g}" y="{box.y:g}" width="{WIDE}" height="{HIGH}" '
        f'rx="{HIGH / 2 if box.value else 5:g}" fill="{fill}" stroke="{box.colour}"/>'
    )
    lines = [(kind, box.text.rstrip("."), 12)] + (
        [("shape", f"[{box.shape}]", 25)] if box.shape else []
    )
    drop = 0 if box.shape else 7
    for style, text, y in lines:
        found += f'<text class="{style}" x="{x:g}" y="{box.y + y + drop:g}">{escape(text)}</text>'
    return found


def heading(x: float, title: str, line: str) -> str:
    """Above each drawing."""
    return f'<text class="head" x="{x:g}" y="30">{escape(title)}</text>' + note(x, 50, line)


def legend(graph: Graph, boxes: Mapping[str, Box], old: int) -> Iterator[str]:
    """What the colours mean, and what the nodes of the way back are for."""
    weight = next(name for _, name in shared(graph, old))
    x, y = LEFT + AFTER + 1.4 * COLUMN, TOP + 0.2 * ROW
    lines = (
        (OLD, "", "the model's own part: not touched, message for message"),
        (NEW, "", "added: operators of the model's own opset"),
        (SHARED, "4 3", f"W, the weight '{weight}': shared, not copied"),
    )
    for colour, dashes, text in lines:
        dash = f' stroke-dasharray="{dashes}"' if dashes else ""
        yield f'<path d="M{x:g} {y - 4:g}h26" stroke="{colour}"{dash}/>'
        yield note(x + 36, y, text)
        y += 20
    added = graph.nodes[old:]
    back = reads_weights(graph, added)
    aside = beside(graph, added, back)
    taken = {id(reader) for reader in aside.values()}
    for node in added:
        box = boxes[node.outputs[0].name]
        if id(node) in back and node.op in NOTES:
            x = box.x - COLUMN * (id(node) in taken)
            yield note(x - COLUMN + WIDE - 8, box.middle + 4, NOTES[node.op], "end")
        for t in node.inputs if id(node) in back or id(node) in aside else ():
            if t.name in boxes and boxes[t.name].colour == OLD:
                yield note(boxes[t.name].x + WIDE + 9, boxes[t.name].middle - 6, "A, the layer")
    yield note(LEFT + AFTER + 1 * COLUMN, TOP + (ADDED_ROWS + 3.1) * ROW, CLASS_NOTE)


def note(x: float, y: float, text: str, anchor: str = "start") -> str:
    """A line of small print."""
    return f'<text class="small" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(text)}</text>'


if __name__ == "__main__":
    main()
