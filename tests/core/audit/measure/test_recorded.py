"""An audit of a recording: the rows of the model's own, and nothing where nobody knows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pyarrow")

from backends.recorded import RecordedBackend
from cam_core.audit import audit, open_table
from cam_core.audit.data import open_data
from cam_core.audit.measure.recorded import lacking
from cam_core.audit.opening import Prepared
from cam_core.audit.plan import plan
from cam_core.audit.run import run
from cam_core.compare.bounds import NOISE
from cam_core.errors import InputError
from cam_core.image import preprocess, read
from cam_core.recording import Recorded, sha256_of, write_folder
from tests.core.audit.test_run import rows
from tests.core.audit.tiny import INFO, LABELS, SPEC, W, model, photos

COUNT = 6
FACTS: dict[str, Any] = {
    "inputs": [{"name": "x", "shape": ["N", 3, 8, 12], "type": "float32", "channels": 1}],
    "head": {"kind": "classes"},
    "metadata": {"cam.layer": "x", "cam.method": "gradcam"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return photos(tmp_path_factory.mktemp("photos"), COUNT)


def recorded(file: Path, noise: float = 0.0, **dropped: None) -> Recorded:
    """What the linear model gives, by its formula."""
    x = preprocess(read(file), SPEC, INFO).x
    weights = model(noise).W
    y = (weights @ x[0].astype(np.float64).mean(axis=(1, 2)))[None]
    c = int(y.argmax())
    signed = np.tensordot(weights[c], x[0].astype(np.float64), 1)[None] / (8 * 12)
    known: dict[str, Any] = {"cam_signed": signed.astype(np.float32), "cam_class_used": c}
    lit = np.maximum(signed, 0).astype(np.float32)
    return Recorded(sha256_of(x), y.astype(np.float32), lit, **{**known, **dropped})


def kept(
    folder: Path, out: Path, noise: float = 0.0, facts: Any = None, **dropped: None
) -> RecordedBackend:
    files = sorted(folder.rglob("*.png"))
    pictures = {file.stem: recorded(file, noise, **dropped) for file in files}
    write_folder(out, pictures, FACTS if facts is None else facts)
    return RecordedBackend(out)


def audited(a: Any, b: Any, folder: Path, out: Path, **how: Any) -> list[dict[str, Any]]:
    known: dict[str, Any] = {"labels": (LABELS, LABELS), "bounds": 2, **how}
    run(plan(a, b, open_data(folder), Prepared(INFO, SPEC), **known), out)
    return rows(out)


def alike(found: list[dict[str, Any]], expected: list[dict[str, Any]], unknown: set[str]) -> None:
    """Each figure within 1e-6 where it is not one that nobody knows."""
    for one, own in zip(found, expected, strict=True):
        assert one.keys() == own.keys()
        for name, value in own.items():
            if name in unknown:
                assert one[name] is None, name
            elif isinstance(value, float | list):
                np.testing.assert_allclose(one[name], value, rtol=1e-6, atol=1e-6, err_msg=name)
            else:
                assert one[name] == value, name


def test_its_rows_are_those_of_the_model(folder: Path, tmp_path: Path) -> None:
    own = audited(model(), None, folder, tmp_path / "own")
    found = audited(kept(folder, tmp_path / "kept"), None, folder, tmp_path / "out")
    alike(found, own, {"noise_floor", "channels"})
    settings = json.loads((tmp_path / "out" / "manifest.json").read_text())["settings"]
    assert (settings["method"], settings["layers"]) == ("gradcam", [["x"]])


@pytest.mark.parametrize("which", ["model", "reference"])
def test_on_either_side(which: str, folder: Path, tmp_path: Path) -> None:
    """`bounds` are of A's own map, or of B's where A is a recording: another pair of weights."""
    own = audited(model(), model(0.05), folder, tmp_path / "own")
    sides: list[Any] = [model(), model(0.05)]
    side = ["model", "reference"].index(which)
    sides[side] = kept(folder, tmp_path / "kept", [0.0, 0.05][side])
    found = audited(sides[0], sides[1], folder, tmp_path / "out")
    for row in [*found, *own]:
        row["bounds"] = " ".join(sorted(json.loads(row["bounds"] or "{}")))
    alike(found, own, {"noise_floor", "channels"} if which == "model" else set())
    assert sum(NOISE in row["bounds"] for row in found) == 2


def test_two_recordings_have_no_bounds(folder: Path, tmp_path: Path) -> None:
    own = audited(model(), model(0.05), folder, tmp_path / "own", bounds=0)
    sides = [kept(folder, tmp_path / name, noise) for name, noise in (("a", 0.0), ("b", 0.05))]
    alike(audited(*sides, folder, tmp_path / "out"), own, {"noise_floor", "channels"})


def test_what_was_not_recorded_is_empty(folder: Path, tmp_path: Path) -> None:
    own = audited(model(), None, folder, tmp_path / "own")
    half = kept(folder, tmp_path / "kept", cam_signed=None, cam_class_used=None)
    found = audited(half, None, folder, tmp_path / "out")
    alike(found, own, {"noise_floor", "channels", "positive_ratio"})  # the class is the top one
    assert lacking(next(iter(half.pictures.values()))) == {"noise_floor", "positive_ratio"}


def test_a_photo_that_was_not_recorded_is_a_row_with_its_error(
    folder: Path, tmp_path: Path
) -> None:
    backend = kept(folder, tmp_path / "kept")
    gone = backend.pictures.pop("002")
    del backend.by_hash[gone.input_sha256]
    for b, out in ((None, "one"), (model(0.05), "two")):
        found = audited(backend, b, folder, tmp_path / out)
        errors = {Path(row["photo"]).stem: row["error"] for row in found if row["error"]}
        assert list(errors) == ["002"]
        assert f"no input of its hash {gone.input_sha256[:12]}... is in" in errors["002"]


REFUSED = {"layer": "x", "target": "1", "method": "layercam"}


@pytest.mark.parametrize("name", REFUSED)
def test_nothing_else_can_be_asked_for(name: str, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"^{name} '{REFUSED[name]}': '.*' is a recording, whose"):
        audited(kept(folder, tmp_path / "k"), None, folder, tmp_path, **{name: REFUSED[name]})


def test_the_region_of_its_maps_counts(folder: Path, tmp_path: Path) -> None:
    """Maps of the left half alone: nothing of them lies at the right border."""
    region = {"input": "x", "axes": [2, 3], "windows": [[0, 1], [0, 0.5]], "space": [2, 3]}
    whole = audited(kept(folder, tmp_path / "a"), None, folder, tmp_path / "whole")
    half = kept(folder, tmp_path / "b", facts={**FACTS, "region": region})
    found = audited(half, None, folder, tmp_path / "half")
    assert all(a["energy_border"] != b["energy_border"] for a, b in zip(whole, found, strict=True))
    odd = kept(folder, tmp_path / "c", facts={**FACTS, "region": {"no": 1}})
    assert audited(odd, None, folder, tmp_path / "odd")[0] == whole[0]


def test_from_python_its_files_are_hashed(folder: Path, tmp_path: Path) -> None:
    kept(folder, tmp_path / "kept")
    audit(tmp_path / "kept", folder, tmp_path / "out", preprocess=SPEC, labels=LABELS)
    settings = json.loads((tmp_path / "out" / "manifest.json").read_text())["settings"]
    assert set(settings["models"][0]) == {"recording.json", *(f"{i:03d}.npz" for i in range(COUNT))}
    assert len(open_table(tmp_path / "out")) == COUNT


def test_a_bare_recording_needs_another_side(folder: Path, tmp_path: Path) -> None:
    backend = kept(folder, tmp_path / "kept", facts={})
    with pytest.raises(InputError, match="write 'inputs' into recording"):
        audit(backend, folder, tmp_path / "out", preprocess=SPEC)
    found = audit(backend, folder, tmp_path / "two", reference=model(), preprocess=SPEC)
    np.testing.assert_allclose(found.table.numbers("spearman"), 1, rtol=1e-6)


def test_the_weights_are_those_of_the_oracle() -> None:
    np.testing.assert_array_equal(model().W, W)
