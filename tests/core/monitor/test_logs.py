"""The same rows in every kind of file."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cam_core.errors import InputError
from cam_core.maps.stats import STATS, stats
from cam_core.monitor import read_log
from cam_core.monitor.logs import READERS
from cam_core.recording import Recorded, write_folder
from tests.core.monitor.logged import columns

COUNT = 7
SHA = "ab" * 32


def write(path: Path, found: dict[str, Any], mark: str = ",") -> None:
    rows = [dict(zip(found, row, strict=True)) for row in zip(*found.values(), strict=True)]
    if path.suffix in (".csv", ".tsv"):
        with path.open("w", newline="") as file:
            lines = csv.DictWriter(file, list(found), delimiter=mark)
            lines.writeheader()
            lines.writerows(rows)
    elif path.suffix == ".parquet":
        pyarrow = pytest.importorskip("pyarrow")
        table = pyarrow.Table.from_pylist(rows)
        pytest.importorskip("pyarrow.parquet").write_table(table, path)
    elif path.suffix == ".npz":
        np.savez(path, **found)
    else:
        path.write_text("\n\n".join(json.dumps(row) for row in rows))


@pytest.mark.parametrize("ending", READERS)
def test_they_are_the_same_rows(ending: str, tmp_path: Path) -> None:
    given = {name: of.tolist() for name, of in columns(COUNT, 2).items()}
    write(tmp_path / f"log{ending}", {**given, "model_sha256": [SHA] * COUNT})
    found = read_log(tmp_path / f"log{ending}")
    np.testing.assert_array_equal(found.values, np.array([given[name] for name in STATS]).T)
    assert found.classes == tuple(map(str, given["class"]))
    assert found.said == {"model": {SHA}}


@pytest.mark.parametrize("mark", [";", "\t"])
def test_a_table_may_have_other_marks(mark: str, tmp_path: Path) -> None:
    given = {name: of.tolist() for name, of in columns(COUNT, 2).items()}
    write(tmp_path / "log.csv", given, mark)
    assert read_log(tmp_path / "log.csv").of("raw_max").tolist() == given["raw_max"]


def test_the_output_as_it_is(tmp_path: Path) -> None:
    values = np.random.default_rng(3).random((COUNT, 8)).astype(np.float32)
    facts = {"cam_class_used": np.arange(COUNT), "model_sha256": np.array(SHA)}
    np.savez(tmp_path / "log.npz", cam_stats=values, **facts)
    found = read_log(tmp_path / "log.npz")
    np.testing.assert_array_equal(found.values, values)
    assert (found.classes, found.said) == (tuple("0123456"), {"model": {SHA}})


def test_a_folder_of_recordings(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    signed = rng.normal(size=(3, 1, 4, 5)).astype(np.float32)
    pictures = {
        f"p{i}": Recorded(f"{i}" * 64, np.ones((1, 3)), np.maximum(one, 0), one, i)
        for i, one in enumerate(signed)
    }
    told = {"cam.source_sha256": SHA, "cam.method": "gradcam", "cam.layer": "relu"}
    write_folder(tmp_path / "whole", pictures, {"metadata": told})
    found = read_log(tmp_path / "whole")
    expected = np.concatenate([stats(np.maximum(one, 0), one) for one in signed])
    np.testing.assert_array_equal(found.values, expected)
    assert found.said == {"model": {SHA}, "layer": {"relu"}, "method": {"gradcam"}}
    assert found.classes == ("0", "1", "2")
    half = {n: Recorded(p.input_sha256, p.logits, p.cam_map) for n, p in pictures.items()}
    write_folder(tmp_path / "half", half, {})
    known = read_log(tmp_path / "half")
    assert set(STATS) - set(known.names) == {"positive_ratio"}
    assert (known.classes, known.said) == (None, {})


REFUSED = {
    "log.txt": (b"", "are read, or a folder of recordings"),
    "log.parquet": (b"PAR1 no", "no Parquet"),
    "log.npz": (b"no zip", "log '"),
    "log.jsonl": (b'{"energy": 1}\n[1]', "a line is no JSON object"),
    "lines.jsonl": (b'{"energy": ', "log '"),
    "log.csv": (b"", "no column of a map's numbers"),
    "bytes.csv": (b"energy\n\xff\xfe", "log '"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_none_is_refused_in_a_line(name: str, tmp_path: Path) -> None:
    content, words = REFUSED[name]
    (tmp_path / name).write_bytes(content)
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    with pytest.raises(InputError, match=words) as caught:
        read_log(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_log(tmp_path / "log.csv")
