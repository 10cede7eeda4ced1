"""Draws docs/images/rooms.svg: the rooms of the house, and three ways through them.

    python -m examples.docs.draw_rooms

What is said of a room is the first line of its own docstring.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "docs" / "images" / "rooms.svg"

CORE = ("cli", "sources", "image", "targets", "methods", "maps", "report")
ONNX = (
    *(
        "commands",
        "blaming",
        "capturing",
        "instrumenting",
        "differentiating",
        "finding",
        "rules",
        "running",
    ),
    *("writing", "reading"),
)
"""From the top floor to the ground: a room imports from those under it."""
ROOMS = (*(f"cam_core/{name}" for name in CORE), *(f"backends/onnx/{name}" for name in ONNX))


@dataclass(frozen=True)
class Way:
    """What goes through the rooms, stop by stop."""

    title: str
    command: str
    colour: str
    stops: Sequence[str]
    """Names of rooms."""


WAYS = (
    Way(
        "a model",
        "gradcam instrument",
        "#2563eb",
        ("commands", "reading", "finding", "instrumenting", "writing", "running"),
    ),
    Way(
        "a cotangent",
        "--target 243",
        "#d9480f",
        ("cli", "targets", "instrumenting", "differentiating", "rules", "writing"),
    ),
    Way(
        "a photo",
        "gradcam explain",
        "#2b8a3e",
        ("cli", "sources", "image", "capturing", "running", "methods", "maps", "report"),
    ),
)

HIGH, TOP, LEFT, TEXT, STEP, GAP, WIDE = 34, 66, 12, 560, 30, 34, 22
STYLE = """
  text { font-family: ui-sans-serif, system-ui, 'Segoe UI', Helvetica, Arial, sans-serif; }
  .room { font-size: 13px; font-weight: 600; fill: #0f172a; }
  .said { font-size: 11.5px; fill: #475569; }
  .head { font-size: 13px; font-weight: 600; }
  .small { font-size: 11px; fill: #475569; }
  .number { font-size: 11px; font-weight: 600; text-anchor: middle; fill: #fff; }
"""


def said(room: str) -> str:
    """The first line of the room's docstring."""
    tree = ast.parse((ROOT / room / "__init__.py").read_text(encoding="utf-8"))
    return (ast.get_docstring(tree) or "").partition("\n")[0]


def middle(room: int) -> float:
    """The height of a room's line; the core and the backend stand apart."""
    return TOP + HIGH * (room + 0.5) + (GAP if room >= len(CORE) else 0)


def rows(width: float) -> Iterator[str]:
    """A band for each room, with its name and its subject."""
    for number, room in enumerate(ROOMS):
        y = middle(number)
        shade = "#f8fafc" if number % 2 else "#eef2f7"
        yield (
            f'<rect x="{LEFT}" y="{y - HIGH / 2:g}" width="{width:g}" height="{HIGH}" '
            f'fill="{shade}"/>'
        )
        name = room.rpartition("/")[2]
        yield f'<text class="room" x="{LEFT + 8}" y="{y - 2:g}">{name}/</text>'
        yield f'<text class="said" x="{LEFT + 8}" y="{y + 12:g}">{escape(said(room))}</text>'
    for room, title in ((0, "cam_core"), (len(CORE), "backends/onnx")):
        y = middle(room) - HIGH / 2 - 8
        yield f'<text class="head" x="{LEFT}" y="{y:g}" fill="#0f172a">{title}</text>'


def drawn(way: Way, left: float) -> Iterator[str]:
    """The stops of a way from left to right, each at the height of its room."""
    names = [room.rpartition("/")[2] for room in ROOMS]
    places = [(left + STEP * i, middle(names.index(stop))) for i, stop in enumerate(way.stops)]
    line = " ".join(f"{x:g},{y:g}" for x, y in places)
    yield f'<text class="head" x="{left - 8:g}" y="20" fill="{way.colour}">{way.title}</text>'
    yield f'<text class="small" x="{left - 8:g}" y="36">{escape(way.command)}</text>'
    yield f'<polyline points="{line}" fill="none" stroke="{way.colour}" stroke-width="2"/>'
    for number, (x, y) in enumerate(places, start=1):
        yield f'<circle cx="{x:g}" cy="{y:g}" r="9" fill="{way.colour}"/>'
        yield f'<text class="number" x="{x:g}" y="{y + 4:g}">{number}</text>'


def drawing() -> str:
    """The whole picture as SVG."""
    lefts, left = [], float(LEFT + TEXT)
    for way in WAYS:
        lefts.append(left)
        left += STEP * (len(way.stops) - 1) + WIDE + STEP
    width, height = left - LEFT - STEP + 8, middle(len(ROOMS) - 1) + HIGH / 2 + 12
    parts = [*rows(width)]
    for way, place in zip(WAYS, lefts, strict=True):
        parts += drawn(way, place)
    size = f"{width + 2 * LEFT:g} {height:g}"
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" role="img" '
        f'aria-label="The rooms of the source, and three ways through them">\n'
        f"<style>{STYLE}</style>\n"
        f'<rect width="100%" height="100%" fill="#fff"/>\n{body}\n</svg>\n'
    )


if __name__ == "__main__":
    TARGET.write_text(drawing(), encoding="utf-8")
