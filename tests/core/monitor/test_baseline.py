"""A report as a baseline: its rows, and what it is of."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pyarrow")

from cam_core.audit import open_table
from cam_core.audit.run import run
from cam_core.errors import InputError
from cam_core.maps.stats import STATS
from cam_core.monitor import read_baseline
from cam_core.monitor.baseline import require_same, said_by
from tests.core.audit.tiny import LABELS, photos, tiny_plan
from tests.core.monitor.logged import rows

BROKEN = [4]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine photos, one of them broken, of one model."""
    folder = tmp_path_factory.mktemp("report")
    photos(folder / "photos", 9, BROKEN)
    settings = {"models": [{"a.onnx": "ab" * 32, "a.onnx.data": "cd" * 32}]}
    made = tiny_plan(folder / "photos", referenced=False, settings=settings)
    run(made, folder / "out", facts={"sources": ["ef" * 32]})
    return folder / "out"


def test_the_rows_of_photos_that_were_looked_at(report: Path) -> None:
    found, table = read_baseline(report), open_table(report)
    seen = table.numbers("failed") == 0
    assert (len(found), found.left_out, found.names) == (8, 1, tuple(STATS))
    for name in STATS:
        expected = np.nan_to_num(table.numbers(name)[seen])
        np.testing.assert_array_equal(found.of(name), expected)
    assert found.labels is not None
    assert {*found.labels} <= {*LABELS}
    assert found.classes == tuple(str(LABELS.index(name)) for name in found.labels)


def test_it_is_of_each_file_and_of_what_was_instrumented(report: Path) -> None:
    said = read_baseline(report).said
    assert said["model"] == {"ab" * 32, "cd" * 32, "ef" * 32}
    assert said["layer"] == {"x"}
    assert said["method"] == {"gradcam"}


@pytest.mark.parametrize("models", [[], [None], ["a.b:factory"], None])
def test_a_model_without_files_has_no_hash(models: Any) -> None:
    assert said_by({"settings": {"models": models}, "facts": {}}) == {}


def test_a_report_from_before_there_were_numbers_is_refused(report: Path, tmp_path: Path) -> None:
    import pyarrow.parquet

    (tmp_path / "rows").mkdir()
    (tmp_path / "manifest.json").write_bytes((report / "manifest.json").read_bytes())
    for file in (report / "rows").glob("*.parquet"):
        table = pyarrow.parquet.read_table(file)
        older = table.drop_columns([name for name in STATS if name != "raw_max"])
        pyarrow.parquet.write_table(older, tmp_path / "rows" / file.name)
    with pytest.raises(InputError, match="none of the numbers that a device logs: it is older"):
        read_baseline(tmp_path)


def test_a_model_and_what_is_instrumented_of_it_have_one_hash() -> None:
    pytest.importorskip("onnxruntime")
    from backends.onnx import instrument
    from cam_core import open_backend
    from cam_core.audit.hashes import source_of
    from cam_core.demo import MODEL

    made = instrument(MODEL, stats=True)
    said = {entry.key: entry.value for entry in made.metadata_props}["cam.source_sha256"]
    assert said == source_of(open_backend(MODEL)) == source_of(open_backend(made))
    assert source_of(object()) is None


def test_a_log_may_be_one(tmp_path: Path) -> None:
    known = {name: [float(v) for v in rows(6, 1).of(name)] for name in STATS}
    lines = [dict(zip(known, row, strict=True)) for row in zip(*known.values(), strict=True)]
    (tmp_path / "good.jsonl").write_text("\n".join(map(json.dumps, lines)))
    assert read_baseline(tmp_path / "good.jsonl").of("energy").tolist() == known["energy"]


def test_what_says_nothing_is_not_refused() -> None:
    said = {"model": frozenset({"ab"})}
    require_same(rows(5, 1), replace(rows(5, 2), said=said))
    require_same(replace(rows(5, 1), said=said), rows(5, 2))


@pytest.mark.parametrize("name", ["", "nowhere"])
def test_what_is_neither_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no report of 'gradcam audit', and no log"):
        read_baseline(tmp_path / name)
