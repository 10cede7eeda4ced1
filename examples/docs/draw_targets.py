"""Draws docs/images/targets/: a picture for each kind of target, on our own models and scenes.

    python -m examples.docs.draw_targets [NAME...]     # all of them, or those of questions.SHEETS

Every panel is what `gradcam explain` writes, on a scene whose things are known.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from cam_core.cli.group import gradcam
from cam_core.image.figure import SHORTEST
from cam_core.image.page import PAPER
from examples.docs.made import make
from examples.docs.questions import SHEETS, Question
from examples.docs.sheet import GAP, Panel, laid_out, save

OUT = Path(__file__).resolve().parents[2] / "docs" / "images" / "targets"


def main() -> None:
    wanted = sys.argv[1:] or list(SHEETS)
    with TemporaryDirectory() as made, contextlib.chdir(made):
        make(Path(made))
        for name in wanted:
            rows = [[panel(question) for question in row] for row in SHEETS[name]]
            save(laid_out(rows), OUT / f"{name}.png")


def panel(question: Question) -> Panel:
    """What `gradcam explain` draws, and a few words of its record."""
    with TemporaryDirectory() as out:
        arguments = ["explain", *question.arguments, "-o", out]
        with contextlib.redirect_stdout(io.StringIO()):
            gradcam.main(arguments, standalone_mode=False)
        found = sorted(Path(out).glob("*.png"), key=lambda p: (p.stat().st_mtime_ns, p.name))
        record = json.loads(next(Path(out).glob("*.json")).read_text(encoding="utf-8"))
        picture = Image.open(found[question.which]).convert("RGB")
    if question.photo is not None:
        picture = photos(picture)[question.photo]
    return Panel(picture, question.asked, said(question, record), question.width)


def photos(card: Image.Image) -> list[Image.Image]:
    """The photos of a card, without its bars and words, from left to right."""
    pixels = np.asarray(card)
    drawn = (pixels < PAPER[0]).any(axis=2)
    top = int(drawn.any(axis=1).argmax())
    columns = np.flatnonzero(drawn[top : top + 64].any(axis=0))
    runs = np.split(columns, np.flatnonzero(np.diff(columns) > GAP // 2) + 1)  # photos have white
    found = []
    for left in (int(run[0]) for run in runs if run[-1] - run[0] == SHORTEST - 1):
        rows = np.append(drawn[top:, left : left + SHORTEST].any(axis=1), False)
        found.append(card.crop((left, top, left + SHORTEST, top + int(rows.argmin()))))
    return found


def said(question: Question, record: dict[str, object]) -> str:
    """The words of a question, filled in."""
    numbers = {k: f"{v:.3g}" if isinstance(v, float) else v for k, v in record.items()}
    return question.said.format(**numbers) if question.said else ""


if __name__ == "__main__":
    main()
