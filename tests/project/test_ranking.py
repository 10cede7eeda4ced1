"""The tables of docs/methods.md go where they belong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.ranking.__main__ import (
    BY_HEAD,
    PARTS,
    coco,
    put,
    scenes,
    shortened,
    without_seconds,
)
from cam_core.demo import DETECTOR, MODEL
from cam_core.sources.boxes import read_boxes
from examples.demo.scenes import render
from examples.detector.boxes import crowd
from tests.paths import ROOT

PAGE = ROOT / "docs" / "methods.md"


def test_each_part_has_its_place_and_nothing_else_moves() -> None:
    if not PAGE.exists():
        pytest.skip("this tree has no docs")
    page = PAGE.read_text(encoding="utf-8")
    for name in (*PARTS, *BY_HEAD):
        once = put(page, name, "NEW")
        assert put(once, name, "NEW") == once
        before, after = once.split("\n\nNEW\n\n")
        assert page.startswith(before)
        assert page.endswith(after)


def test_seconds_are_left_out() -> None:
    table = "| a | x forward | b |\n| --- | --- | --- |\n| 1 | 2.5 | 3 |"
    assert without_seconds(table) == "| a | b |\n| --- | --- |\n| 1 | 3 |"


def test_only_what_is_of_one_table_is_told_beneath_it() -> None:
    told = "- rank: best by m: a\n- rank: A ranking holds\n- photos: 3\n- cost: x\n- cannot: b: no"
    assert shortened(told) == "- best by m: a\n- photos: 3\n- cannot: b: no"


@pytest.mark.parametrize(("scene", "model"), [(render, MODEL), (crowd, DETECTOR)])
def test_boxes_are_those_that_were_drawn(scene: object, model: object, tmp_path: Path) -> None:
    list(scenes(tmp_path, scene, model, 2))  # type: ignore[arg-type]
    found = read_boxes(tmp_path / "boxes.json")
    for i in range(2):
        drawn = scene(3_000_000 + i)  # type: ignore[operator]
        assert [one[1:] for one in found[f"{i:03}"]] == [
            pytest.approx(thing.box) for thing in drawn.things
        ]
        for one, thing in zip(found[f"{i:03}"], drawn.things, strict=True):
            assert str(one.label) in thing.label


def test_the_names_of_coco_are_read(tmp_path: Path) -> None:
    (tmp_path / "coco").mkdir()
    stated = "path: .\nnames:\n  0: person\n  1: traffic light\n"
    (tmp_path / "coco" / "classes.yaml").write_text(stated)
    arguments = list(coco(tmp_path, tmp_path))
    assert (tmp_path / "coco.txt").read_text() == "person\ntraffic light\n"
    assert str(tmp_path / "coco.txt") in arguments
    assert json.dumps(arguments)
