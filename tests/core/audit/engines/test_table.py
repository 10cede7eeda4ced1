"""Every engine has the rows of the process that needs none."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("pyarrow")

from cam_core.audit.engines import ENGINES
from cam_core.audit.run import run
from cam_core.errors import MissingExtraError
from tests.core.audit.engines.fatal import METRICS, Tiny, rows
from tests.core.audit.tiny import photos, tiny_plan


@pytest.mark.parametrize("name", ENGINES)
def test_every_engine_has_the_same_rows(name: str, tmp_path: Path) -> None:
    if name == "ray":
        pytest.importorskip("ray", reason="Ray is not installed: its step of .ci/run runs this")
    folder = photos(tmp_path / "photos", 8, broken=[5])
    run(tiny_plan(folder, metrics=METRICS), tmp_path / "expected")
    engine = ENGINES[name].make(Tiny(str(folder)), 2, 2)
    run(tiny_plan(folder, metrics=METRICS), tmp_path / "out", engine=engine)
    assert rows(tmp_path / "out") == rows(tmp_path / "expected")


def test_without_ray_it_is_a_line_with_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'cam-core\[ray\]'"):
        ENGINES["ray"].make(Tiny("photos"), 2, 2)
