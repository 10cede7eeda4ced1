"""A process goes through the photos from part to part."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("pyarrow")

from cam_core.audit.engines.reading import Reading, ends_of
from tests.core.audit.tiny import photos, tiny_plan


def test_parts_are_read_in_any_order(tmp_path: Path) -> None:
    folder = photos(tmp_path, 20)
    reading, names = Reading(tiny_plan(folder)), [item.id for item in tiny_plan(folder).items()]
    for start, end in ((0, 3), (6, 9), (9, 20), (3, 6), (0, 1)):
        part = reading.part(start, end)
        assert ends_of(part) == (start, end)
        assert [item.id for _, item in part] == names[start:end]
