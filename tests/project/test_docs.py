"""The pages stay true: their code runs and prints what they say, their links lead somewhere."""

from __future__ import annotations

import contextlib
import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backends.onnx.reading.shapes import OUTSIDE
from backends.onnx.rules import VJP_RULES
from cam_core import METHODS
from cam_core.demo import MODEL, PREPROCESS, load_scenes
from cam_core.image import PRESETS, preprocess
from cam_core.targets import TARGETS
from tests.paths import ROOT

if not (ROOT / "docs").exists():
    pytest.skip("this tree has no docs", allow_module_level=True)

PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
PYTHON = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
FENCED = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
PRINTED = re.compile(r"^print\(.*\)  # (.*)$", re.MULTILINE)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")
HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
OF_IMAGENET = {"243": "3", "282": "1", "tiger cat": "ring"}
"""Classes that the README's examples name -> those of the demo's model, which has nine."""


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def blocks(path: Path) -> list[str]:
    return PYTHON.findall(path.read_text(encoding="utf-8"))


@pytest.fixture
def tables() -> Iterator[None]:
    """What a page registers is gone afterwards."""
    kept = [(table, dict(table)) for table in (VJP_RULES, OUTSIDE, METHODS, TARGETS)]
    yield
    for table, before in kept:
        table.clear()
        table.update(before)


def run(code: str, names: dict[str, Any]) -> str:
    """What the code prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, "<page>", "exec"), names)
    return out.getvalue()


@pytest.mark.usefixtures("tables")
@pytest.mark.parametrize("page", [p for p in PAGES if p.parent != ROOT and blocks(p)], ids=name)
def test_the_code_of_a_page_runs(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    text = page.read_text(encoding="utf-8")
    for code in blocks(page):
        printed, said = run(code, names), PRINTED.findall(code)
        if said:
            assert printed.splitlines() == said
        else:
            assert printed in text  # in a block of its own


def test_the_code_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the demo's model as model.onnx and a scene of the demo as the photo."""
    from PIL import Image

    from backends.onnx import OnnxBackend, instrument

    photo = load_scenes()[0].pixels()
    monkeypatch.chdir(tmp_path)
    for folder in (Path(), Path("gradcam-demo")):
        folder.mkdir(exist_ok=True)
        for file in ("model.onnx", "demo.onnx"):
            (folder / file).write_bytes(MODEL.read_bytes())
        for file in ("model.cam.onnx", "demo.cam.onnx"):
            (folder / file).write_bytes(instrument(MODEL.read_bytes()).SerializeToString())
        for file in ("photo.jpg", "photo.png", "scene.png"):
            Image.fromarray(photo).save(folder / file)
    (image,) = OnnxBackend(MODEL.read_bytes()).inputs()
    names = {"np": np, "photo": photo, "x": preprocess(photo, PRESETS[PREPROCESS], image).x}
    for code in blocks(ROOT / "README.md"):
        for theirs, ours in OF_IMAGENET.items():
            code = code.replace(theirs, ours)
        run(code, names)


def prose(path: Path) -> str:
    """The page without its blocks of code."""
    return FENCED.sub("", path.read_text(encoding="utf-8"))


def anchors(path: Path) -> set[str]:
    """The headings of a page as GitHub links to them."""
    slugs = Counter[str]()
    found = set()
    for heading in HEADING.findall(prose(path)):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
        found.add(f"{slug}-{slugs[slug]}" if slugs[slug] else slug)
        slugs[slug] += 1
    return found


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in (a or b for a, b in LINK.findall(prose(page))):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), f"{name(page)} links to {link}"
        assert target.is_relative_to(ROOT)
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{name(page)} links to {link}"


def test_every_page_is_reached_from_the_index() -> None:
    index = ROOT / "docs" / "README.md"
    reached, todo = {index}, [index]
    while todo:
        page = todo.pop()
        links = (a.partition("#")[0] for a, _ in LINK.findall(prose(page)))
        linked = {(page.parent / link).resolve() for link in links if link.endswith(".md")}
        todo += [p for p in linked & set(PAGES) - reached if p.parent != ROOT]
        reached |= linked
    assert not {name(p) for p in PAGES} - {name(p) for p in reached}


def test_the_page_of_methods_has_a_line_for_each() -> None:
    page = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")
    assert not [method for method in METHODS if f"\n| `{method}` |" not in page]


NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.ipynb")), ids=name)
def test_a_notebook_runs_and_shows_what_it_stores(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cell by cell in one namespace, by the script that stored the outputs: without Jupyter."""
    monkeypatch.chdir(tmp_path)
    outputs = import_module("examples.docs.run_notebook").outputs
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    names: dict[str, Any] = {}
    for count, cell in enumerate(cells, start=1):
        assert cell["execution_count"] == count
        found = outputs("".join(cell["source"]), names, count)
        assert [shape_of(o) for o in found] == [shape_of(o) for o in cell["outputs"]]
        for mine, stored in zip(map(text, found), map(text, cell["outputs"]), strict=True):
            assert NUMBER.sub("#", mine) == NUMBER.sub("#", stored)
            numbers = ([float(n) for n in NUMBER.findall(t)] for t in (mine, stored))
            np.testing.assert_allclose(*numbers, rtol=0.1)  # a last digit may round apart


def shape_of(output: dict[str, Any]) -> tuple[str, list[str]]:
    """What kind of output it is."""
    return output["output_type"], sorted(output.get("data", {}))


def text(output: dict[str, Any]) -> str:
    return "".join(output.get("text") or output["data"]["text/plain"])


DRAWINGS = {"before-after.svg": "examples.docs.draw_graph", "rooms.svg": "examples.docs.draw_rooms"}


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_drawing_is_of_things_as_they_are(name: str) -> None:
    drawn = import_module(DRAWINGS[name]).drawing()
    stored = (ROOT / "docs" / "images" / name).read_text(encoding="utf-8")
    assert drawn == stored, f"python -m {DRAWINGS[name]}"
