"""The names of the classes, out of a config."""

from __future__ import annotations

from pathlib import Path

import pytest

from cam_core.sources.preprocessing import Sources
from tests.core.sources.configs import TIMM, Model, write

LABELS = {
    "Hugging Face": ({"id2label": {"1": "dog", "0": "cat"}}, ("cat", "dog")),
    "timm": (
        {"label_names": ["n1", "n2"], "label_descriptions": {"n1": "tench", "n2": "goldfish"}},
        ("tench", "goldfish"),
    ),
    "timm inside": ({"pretrained_cfg": {**TIMM, "label_names": ["a", "b"]}}, ("a", "b")),
    "nobody named them": ({"id2label": {"0": "LABEL_0", "1": "LABEL_1"}}, None),
    "someone else's": ({"learning_rate": 0.1}, None),
}


@pytest.mark.parametrize("name", LABELS)
def test_labels_of_a_config(name: str, tmp_path: Path) -> None:
    config, expected = LABELS[name]
    write(tmp_path, "config.json", config)
    labels, _ = Sources.of(Model(), tmp_path / "m.onnx").labels(2)
    assert (None if labels is None else labels.names) == expected


def test_found_labels_of_another_length_are_left_out_and_said(tmp_path: Path) -> None:
    write(tmp_path, "config.json", {"id2label": {"0": "cat", "1": "dog"}})
    labels, named = Sources.of(Model(), tmp_path / "m.onnx").labels(10)
    assert labels is None
    assert "2 names for 10 classes" in named
