"""The files of one sample, and what its record says."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cam_core.cli.explained import Explained, Row
from cam_core.cli.inputs.samples import Sample, Slot
from cam_core.cli.job import Job
from cam_core.cli.naming import Likely
from cam_core.cli.records import record, write
from cam_core.explanation import Explanation
from cam_core.head import Head
from cam_core.image import place
from cam_core.sources import Labels

HEAD = Head("scores", "classes", "Softmax over 2 classes", "logits", 1, "Softmax")
BACKEND: Any = SimpleNamespace(
    settings={"provider": "a card", "opset": 9}, score_name="logits", heads=lambda: [HEAD]
)
MAP = np.array([[[0.0, 1.0], [3.0, 2.0]]], np.float32)


def job(folder: Path, **changes: Any) -> Job:
    given: dict[str, Any] = {
        "model": "net.onnx", "model_sha256": "ab12", "backend": BACKEND, "source": "a guess",
        "labels": Labels("names.txt", ("ant", "bee")), "methods": ("gradcam",), "layers": (),
        "folder": folder, "signed": False, "pictures": True, "versions": {"numpy": "2"},
    }  # fmt: skip
    return Job(**given | changes)


def sample(name: str = "cat.png", feed: Any = ()) -> Sample:
    picture = np.full((8, 8, 3), 200, np.uint8)
    slot = Slot(name, "cat", Path("photos/cat.png"), feed=dict(feed))
    placement = place((8, 8), (2, 2), "stretch")
    return Sample(slot, np.zeros((1, 3, 2, 2)), picture, placement, "8 x 8", {"size": [2, 2]})


def explained(target: str = "1", label: str = "bee", unit: str = "logit") -> Explained:
    found = Explanation(
        map=MAP, signed=MAP - 1, alpha=np.ones((1, 1, 1, 1)), score=np.array([2.5]),
        classes=np.array([1]), layer="conv", method="gradcam", target="class 1",
        raw_max=np.array([3.0]), noise_floor=np.array([1e-6]), diagnosis=("",), labels=("bee",),
    )  # fmt: skip
    row = Row(
        image="cat.png", target=target, label=label, score=2.5, probability=0.75, raw_max=3.0,
        diagnosis="", stem=f"cat.{target}", top=(Likely(1, "bee", 0.75), Likely(0, "", 0.25)),
        layer="conv", preprocessing="8 x 8",
    )  # fmt: skip
    return Explained(row, found, (unit, "gradcam"))


def test_a_record_says_how_the_map_was_made(tmp_path: Path) -> None:
    found = record(job(tmp_path), sample(), explained())
    assert found["image"] == str(Path("photos/cat.png"))
    said = {"model": "net.onnx", "model_sha256": "ab12", "provider": "a card", "opset": 9}
    said |= {"score_tensor": "logits", "layer": "conv", "method": "gradcam", "target": "1"}
    said |= {"class": 1, "label": "bee", "score": 2.5, "probability": 0.75, "labels": "names.txt"}
    said |= {"raw_max": 3.0, "raw_min": -1.0, "shape": [2, 2], "versions": {"numpy": "2"}}
    assert {key: found[key] for key in said} == said
    assert found["preprocessing"] == {"source": "a guess", "size": [2, 2]}
    assert found["heads"] == [HEAD.record()]
    assert found["top"] == [
        {"class": 1, "label": "bee", "probability": 0.75},
        {"class": 0, "label": None, "probability": 0.25},
    ]


def test_a_row_of_an_array_is_called_by_its_own_name(tmp_path: Path) -> None:
    one = sample("cat.png[3]", {"x": np.ones((1, 2))})
    found = record(job(tmp_path, labels=None), one, explained(label=""))
    assert found["image"] == "cat.png[3]"
    assert found["preprocessing"]["source"] == "the array itself"
    assert (found["label"], found["labels"]) == (None, None)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("pictures", [False, True])
def test_the_files_of_a_sample(pictures: bool, signed: bool, tmp_path: Path) -> None:
    asked = [explained(), explained("0", "ant")]
    written = job(tmp_path / "out", pictures=pictures, signed=signed)
    records = write(written, sample(), asked, {})
    kinds = {".npy", ".json"} | ({".png"} if pictures else set())
    kinds |= {".signed.npy"} if signed else set()
    files = {file.name: file for file in (tmp_path / "out").iterdir()}
    assert set(files) == {f"cat.{target}{kind}" for target in "10" for kind in kinds}
    for target, facts in zip("10", records, strict=True):
        assert json.loads(files[f"cat.{target}.json"].read_text(encoding="utf-8")) == facts
        assert facts["target"] == target
        np.testing.assert_array_equal(np.load(files[f"cat.{target}.npy"]), MAP[0])
        if signed:
            np.testing.assert_array_equal(np.load(files[f"cat.{target}.signed.npy"]), MAP[0] - 1)


def test_a_picture_has_the_colours_of_its_unit(tmp_path: Path) -> None:
    """Of two maps alike, the one of a unit with a higher top is paler; the other is its own."""
    asked = [explained("1"), explained("0", unit="probability")]

    def pixels(tops: dict[Any, float]) -> list[Any]:
        write(job(tmp_path), sample(), asked, tops)
        return [np.array(Image.open(tmp_path / f"cat.{target}.png")) for target in "10"]

    first, second = pixels({})
    shared, alone = pixels({("logit", "gradcam"): 30.0})
    assert not np.array_equal(first, shared)
    np.testing.assert_array_equal(second, alone)


def test_where_one_cannot_be_written_none_is(tmp_path: Path) -> None:
    (tmp_path / "cat.0.json").mkdir()
    with pytest.raises(Exception, match=r"cat\.0\.json"):
        write(job(tmp_path), sample(), [explained(), explained("0")], {})
    assert [file.name for file in tmp_path.iterdir()] == ["cat.0.json"]
