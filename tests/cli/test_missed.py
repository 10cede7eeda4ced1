"""What was not found is told in a line each, and ends a run only where nothing was found."""

from __future__ import annotations

import pytest

from cam_core.cli.missed import tell_missed
from cam_core.errors import NothingFoundError


def test_notes_and_a_count(capsys: pytest.CaptureFixture[str]) -> None:
    tell_missed([], {"a.png"})
    assert capsys.readouterr().err == ""
    tell_missed(["b.png: dog: none", "c.png: dog: none"], {"a.png"})
    told = capsys.readouterr().err.splitlines()
    assert told[:2] == ["note: b.png: dog: none", "note: c.png: dog: none"]
    assert told[2] == "explained 1 picture; 2 notes say what was not found"


def test_nothing_at_all_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(NothingFoundError, match=r"^b.png: dog: none$"):
        tell_missed(["b.png: dog: none"], ())
    assert capsys.readouterr().err == ""
    with pytest.raises(NothingFoundError, match="nothing was explained: 2 notes"):
        tell_missed(["b.png: dog: none", "c.png: dog: none"], ())
    assert capsys.readouterr().err.count("note: ") == 2
