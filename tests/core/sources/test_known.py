"""What Python users get to know of a model's photos and classes."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import onnx

from backends.onnx import instrument
from cam_core import explain, open_backend
from cam_core.demo import LABELS, MODEL, load_scenes
from cam_core.image import PRESETS, Preprocess, preprocess
from cam_core.sources import known


def write(folder: Path, **kept: Any) -> Path:
    """The demo's model as a file that keeps this, or keeps nothing."""
    model = onnx.load_from_string(MODEL.read_bytes())
    del model.metadata_props[:]
    path = folder / "model.onnx"
    path.write_bytes((instrument(model, **kept) if kept else model).SerializeToString())
    return path


def test_what_instrument_keeps(tmp_path: Path) -> None:
    names = LABELS.read_text(encoding="utf-8").split("\n")[:-1]
    path = write(tmp_path, labels=names, preprocess=asdict(PRESETS["unit"]))
    facts = known(path)
    assert facts.labels == tuple(names)
    assert facts.preprocess == Preprocess(scale=1 / 255)
    assert facts.preprocess_source == facts.labels_source == "cam.* metadata of the file"
    assert facts.input is not None
    backend, scene = open_backend(path), load_scenes()[0]
    x = preprocess(scene.pixels(), facts.preprocess, facts.input).x
    found = explain(backend, x, scene.things[0].label, labels=facts.labels)
    assert found.labels == (scene.things[0].label,)


def test_a_file_beside_the_model(tmp_path: Path) -> None:
    path = write(tmp_path)
    table = {str(i): f"thing {i}" for i in range(9)}
    (tmp_path / "config.json").write_text(json.dumps({"id2label": table}))
    facts = known(path, open_backend(path))
    assert facts.labels == tuple(table.values())
    assert "config.json" in facts.labels_source


def test_a_guess_names_no_flag(tmp_path: Path) -> None:
    facts = known(write(tmp_path))
    assert facts.labels is None
    assert "a guess" in facts.preprocess_source
    assert "--" not in facts.preprocess_source + facts.labels_source
