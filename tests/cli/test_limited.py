"""Broken limits are said and counted; the XML is written where it is asked for."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from cam_core.cli.limited import check_junit, ended, write_junit
from cam_core.compare.limits import Checked, read_limit
from cam_core.errors import InputError


def checked() -> list[Checked]:
    limits = [read_limit(text, ["a"]) for text in ("a.mean>1", "a.mean<1")]
    return [Checked(one, 2.0) for one in limits]


def test_a_broken_limit_is_said_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    broken, held = checked()
    assert ended([broken, held]) == 1
    assert capsys.readouterr().err == f"limit: {broken.line}\n"
    assert ended([held]) == 0
    assert capsys.readouterr().err == ""


def test_the_xml_has_a_case_each_where_it_is_asked_for(tmp_path: Path) -> None:
    facts = {"verdict": {"word": "the same", "line": "the same"}}
    write_junit(None, checked(), facts, "audit")
    assert list(tmp_path.iterdir()) == []
    write_junit(tmp_path / "x.xml", checked(), facts, "audit")
    found = ElementTree.parse(tmp_path / "x.xml").getroot()
    assert len(found.findall(".//testcase")) == 2
    assert len(found.findall(".//failure")) == 1


def test_a_place_that_is_none_is_refused_before_any_work(tmp_path: Path) -> None:
    report = tmp_path / "compare.json"
    check_junit(None, [report])
    check_junit(tmp_path / "made" / "x.xml", [report])
    (tmp_path / "file").write_text("")
    for file, said in (
        (tmp_path, "a folder"),
        (tmp_path / "." / "compare.json", "the report itself"),
        (tmp_path / "file" / "x.xml", "is a file"),
    ):
        with pytest.raises(InputError, match=said):
            check_junit(file, [report])
