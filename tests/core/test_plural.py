"""One thing is not several."""

from __future__ import annotations

import pytest

from cam_core.plural import counted


@pytest.mark.parametrize(
    ("number", "things", "said"),
    [(1, "", "1 photo"), (0, "", "0 photos"), (2, "", "2 photos"), (2, "pictures", "2 pictures")],
)
def test_one_thing_has_no_s(number: int, things: str, said: str) -> None:
    assert counted(number, "photo", things) == said
