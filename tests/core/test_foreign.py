"""Files and metadata that ask for the impossible end in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import onnx
import pytest
from click.testing import CliRunner

from backends.onnx import OnnxBackend, instrument, strip
from cam_core.cli.group import gradcam
from cam_core.demo import MODEL
from cam_core.errors import CamError, InputError
from cam_core.foreign import MOST_CLASSES, in_class_order
from cam_core.sources.labels import read_labels
from cam_core.sources.preprocessing import Sources

DEEP = "[" * 200_000 + "]" * 200_000
TABLES = "{'a':" * 100_000 + "1" + "}" * 100_000
FAR = str(10**8)
HUGE = "9" * 400
"""A number that no float holds."""
ENDLESS = "9" * 5000
"""More digits than Python turns into a number."""
HEX = "0x" + "f" * 5000
"""One that it does, and cannot print."""


def ultralytics(names: str, imgsz: str = "[224, 224]") -> dict[str, str]:
    return {"names": names, "imgsz": imgsz, "stride": "32"}


METADATA = {
    "deep preprocess": {"cam.preprocess": DEEP},
    "deep labels": {"cam.labels": DEEP},
    "deep table": {"cam.labels": TABLES.replace("'", '"')},
    "labels that are a word": {"cam.labels": '"cats"'},
    "labels that are a table": {"cam.labels": '{"0": "cat"}'},
    "labels that are a number": {"cam.labels": "7"},
    "preprocess that is a list": {"cam.preprocess": "[1]"},
    "preprocess that is a number": {"cam.preprocess": "1"},
    "an endless number": {"cam.preprocess": f'{{"scale": {ENDLESS}}}'},
    "a huge scale": {"cam.preprocess": f'{{"scale": {HUGE}}}'},
    "a huge mean": {"cam.preprocess": f'{{"mean": [{HUGE}]}}'},
    "a huge size": {"cam.preprocess": f'{{"size": [{HUGE}, 1]}}'},
    "a huge side": {"cam.preprocess": f'{{"resize": {HUGE}}}'},
    "a huge pad": {"cam.preprocess": f'{{"pad": {HUGE}}}'},
    "no margin": {"cam.preprocess": '{"margin": NaN}'},
    "a size of words": {"cam.preprocess": '{"size": ["a", "b"]}'},
    "a size of three": {"cam.preprocess": '{"size": [1, 2, 3]}'},
    "a word for a size": {"cam.preprocess": '{"size": "ab"}'},
    "a class far off": ultralytics(f"{{{FAR}: 'a'}}"),
    "a class beyond printing": ultralytics(f"{{{HEX}: 'a'}}"),
    "a class below 0": ultralytics("{-1: 'a', 0: 'b'}"),
    "half a class": ultralytics("{0.5: 'a'}"),
    "deep names": ultralytics(DEEP),
    "deep tables": ultralytics(TABLES),
    "an endless class": ultralytics(f"{{{ENDLESS}: 'a'}}"),
    "names that are a word": ultralytics("'cats'"),
    "a table as a key": ultralytics("{[]: 'a'}"),
    "a name beyond printing": ultralytics(f"[{HEX}]"),
    "a size far off": ultralytics("['a']", f"[{FAR}, {HUGE}]"),
    "a size in words": ultralytics("['a']", "['a', 'b']"),
    "a deep size": ultralytics("['a']", DEEP),
}


@pytest.mark.parametrize("name", METADATA)
def test_metadata_that_make_no_sense(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"metadata of the file: unreadable \(.+\)"):
        _ = Sources(tmp_path, METADATA[name]).stated


def timm(**values: Any) -> str:
    own = {"mean": [0.5], "std": [0.5], "input_size": [3, 224, 224]}
    return json.dumps({"pretrained_cfg": own | values})


FILES = {
    "deep": ("config.json", DEEP),
    "a deep value": ("config.json", f'{{"id2label": {DEEP}}}'),
    "a class far off": ("config.json", f'{{"id2label": {{"{FAR}": "a"}}}}'),
    "a class below 0": ("config.json", '{"id2label": {"-5": "a"}}'),
    "an endless class": ("config.json", f'{{"id2label": {{"{ENDLESS}": "a"}}}}'),
    "labels in a list": ("config.json", '{"label_names": 7}'),
    "a huge size": ("config.json", timm(input_size=[3, int(HUGE), 1])),
    "a huge mean": ("config.json", timm(mean=[int(HUGE)])),
    "no crop": ("config.json", timm(crop_pct=1e-320)),
    "a deep processor": ("preprocessor_config.json", DEEP),
    "a huge factor": (
        "preprocessor_config.json",
        f'{{"size": 224, "do_rescale": true, "rescale_factor": {HUGE}}}',
    ),
    "an endless size": ("preprocessor_config.json", '{"size": 1e999}'),
    "a huge processor's size": ("preprocessor_config.json", f'{{"size": {HUGE}}}'),
}


@pytest.mark.parametrize("name", FILES)
def test_files_that_make_no_sense(name: str, tmp_path: Path) -> None:
    file, text = FILES[name]
    (tmp_path / file).write_text(text)
    with pytest.raises(InputError) as caught:
        _ = Sources(tmp_path, {}).stated
    assert file in str(caught.value)


def test_it_is_one_line_at_the_command(tmp_path: Path) -> None:
    model = onnx.load(MODEL)
    del model.metadata_props[:]
    model.metadata_props.add(key="cam.labels", value=DEEP)
    onnx.save(model, tmp_path / "m.onnx")
    found = CliRunner().invoke(gradcam, ["instrument", str(tmp_path / "m.onnx"), "-o", "x.onnx"])
    assert found.exit_code == 2
    assert found.stderr.count("\n") == 1
    assert "nested too deeply" in found.stderr


def test_gaps_are_empty_up_to_the_last_class_there_is() -> None:
    assert in_class_order({3: "d", 1: "b"}) == ("", "b", "", "d")
    assert len(in_class_order({MOST_CLASSES - 1: "z"})) == MOST_CLASSES
    with pytest.raises(ValueError, match="999,999"):
        in_class_order({MOST_CLASSES: "z"})


@pytest.mark.parametrize("offset", [10**12, -(10**12)])
def test_an_offset_beyond_all_classes(offset: int, tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("a\nb\n")
    with pytest.raises(InputError, match="label-offset"):
        read_labels(tmp_path / "labels.txt", offset)


SCOPES = [DEEP, TABLES, "{[]: 1}", "7", "None", "'ab'", ENDLESS, HEX]
NOTES = [DEEP, f"[[{HUGE}, 'a', 'b']]", f'[[{HUGE}, "a", "b"]]', "1"]


@pytest.mark.parametrize("scopes", SCOPES, ids=range(len(SCOPES)))
def test_scopes_that_make_no_sense_are_no_scopes(scopes: str) -> None:
    model = onnx.load(MODEL)
    for node in model.graph.node:
        del node.metadata_props[:]
        node.metadata_props.add(key="pkg.torch.onnx.name_scopes", value=scopes)
        node.name = ""
    assert {layer.module for layer in OnnxBackend(model).layers()} == {""}


@pytest.mark.parametrize("key", ["cam.added", "cam.ir_raised", "cam.own"])
@pytest.mark.parametrize("value", NOTES, ids=range(len(NOTES)))
def test_notes_that_make_no_sense(key: str, value: str) -> None:
    made = instrument(MODEL)
    count = len(made.metadata_props)
    held = [entry for entry in made.metadata_props if entry.key == key]
    if held:
        held[0].value = value
    else:
        made.metadata_props[count - 2].key, made.metadata_props[count - 2].value = key, value
    with pytest.raises(CamError, match="was changed after it was instrumented"):
        strip(made)
