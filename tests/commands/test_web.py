"""`gradcam web`: the folder of a model, what is refused, what is said; nothing is fetched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from backends.onnx import instrument
from backends.onnx.commands import web_steps
from cam_core.demo.data import DETECTOR, MODEL, load_scenes
from cam_core.web.runtime import FILES
from tests.commands.calls import call


@pytest.fixture
def runtime(tmp_path: Path) -> Path:
    """A folder that stands for onnxruntime-web."""
    folder = tmp_path / "runtime"
    folder.mkdir()
    for name in FILES:
        (folder / name).write_text(name)
    return folder


def facts_of(path: Path) -> dict[str, str]:
    return {entry.key: entry.value for entry in onnx.load(str(path)).metadata_props}


def written(out: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """What the page is told, and what its first model says of itself."""
    site = json.loads((out / "site.json").read_text())
    return site, facts_of(out / site["models"][0]["file"])


def test_a_classifier_is_asked_for_a_class(runtime: Path, tmp_path: Path) -> None:
    out = tmp_path / "site"
    result = call("web", MODEL, "--runtime", runtime, "-o", out)
    assert result.exit_code == 0, result.output
    said = "score   logits: classes (9 numbers, its name holds 'logit')\nlayer   relu_3\n"
    assert said in result.output
    site, facts = written(out)
    record = json.loads(facts["cam.record"])
    assert [given["what"] for given in record["given"]] == ["class"]
    outputs = {output["what"] for output in record["outputs"]}
    assert {"map", "signed", "noise_floor", "logits", "score", "class_used", "alpha"} <= outputs
    assert site["models"][0]["notes"]["preprocess_source"] == "cam.* metadata of the file"


def test_a_detector_is_given_a_cotangent(runtime: Path, tmp_path: Path) -> None:
    out = tmp_path / "site"
    assert call("web", DETECTOR, "--runtime", runtime, "-o", out).exit_code == 0
    record = json.loads(written(out)[1]["cam.record"])
    assert [given["what"] for given in record["given"]] == ["cotangent"]
    assert {output["what"] for output in record["outputs"]} == set(web_steps.WANTED)


def test_a_file_that_is_instrumented_keeps_its_layer_and_method(
    runtime: Path, tmp_path: Path
) -> None:
    made = instrument(MODEL, layer="relu_2", method="layercam", labels=list("abcdefghi"))
    onnx.save(made, str(tmp_path / "made.onnx"))
    out = tmp_path / "site"
    result = call("web", tmp_path / "made.onnx", "--runtime", runtime, "-o", out)
    assert result.exit_code == 0, result.output
    _, facts = written(out)
    assert (facts["cam.layer"], facts["cam.method"]) == ("relu_2", "layercam")
    assert json.loads(facts["cam.labels"]) == list("abcdefghi")


def test_flags_are_kept_and_folders_are_nobody_s_business(runtime: Path, tmp_path: Path) -> None:
    names = tmp_path / "names.txt"
    names.write_text("\n".join("abcdefghi"))
    (tmp_path / "photo.png").write_bytes(load_scenes()[0].file.read_bytes())
    out = tmp_path / "site"
    arguments = ["--preprocess", "imagenet", "--labels", names, "--sample", tmp_path / "photo.png"]
    result = call("web", MODEL, *arguments, "--runtime", runtime, "-o", out, "--json")
    assert result.exit_code == 0, result.output
    site, facts = written(out)
    assert json.loads(facts["cam.labels"]) == list("abcdefghi")
    assert json.loads(facts["cam.preprocess"])["mean"] == [0.485, 0.456, 0.406]
    assert [one["name"] for one in site["samples"]] == ["photo.png"]
    notes = site["models"][0]["notes"]
    assert notes["labels_source"] == "--labels names.txt"
    assert str(tmp_path) not in (out / "site.json").read_text()
    assert json.loads(result.output)["models"][0]["name"] == "demo.onnx"


def test_weights_of_other_files_are_brought_in(runtime: Path, tmp_path: Path) -> None:
    onnx.save(
        onnx.load(str(MODEL)),
        str(tmp_path / "apart.onnx"),
        save_as_external_data=True,
        location="weights.data",
        size_threshold=0,
    )
    out = tmp_path / "site"
    result = call("web", tmp_path / "apart.onnx", "--runtime", runtime, "-o", out)
    assert result.exit_code == 0, result.output
    site, _ = written(out)
    found = onnx.load(str(out / site["models"][0]["file"]), load_external_data=False)
    assert not [t for t in found.graph.initializer if t.data_location == TensorProto.EXTERNAL]
    own = {t.name: numpy_helper.to_array(t) for t in onnx.load(str(MODEL)).graph.initializer}
    for tensor in found.graph.initializer:
        if tensor.name in own:
            np.testing.assert_array_equal(numpy_helper.to_array(tensor), own[tensor.name])


def test_without_a_model_there_is_a_page(runtime: Path, tmp_path: Path) -> None:
    result = call("web", "--runtime", runtime, "-o", tmp_path / "site")
    assert result.exit_code == 0
    assert "model   none: the page takes any file that gradcam instrument wrote" in result.output
    assert json.loads((tmp_path / "site/site.json").read_text())["models"] == []


def table(path: Path) -> Path:
    """Four numbers in, two classes out: no picture."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2])
    weight = numpy_helper.from_array(np.ones((4, 2), np.float32), "w")
    nodes = [helper.make_node("MatMul", ["x", "w"], ["h"]), helper.make_node("Relu", ["h"], ["y"])]
    graph = helper.make_graph(nodes, "g", [x], [y], [weight])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), str(path))
    return path


def test_what_is_refused(runtime: Path, tmp_path: Path) -> None:
    where = ["--runtime", runtime, "-o", tmp_path / "site"]
    result = call("web", MODEL, MODEL, MODEL, *where)
    assert result.exit_code == 2
    assert "a page shows one model, or two side by side" in result.output
    result = call("web", MODEL, "--runtime", tmp_path, "-o", tmp_path / "site")
    assert "holds no onnxruntime-web 1.30.0" in result.output
    (tmp_path / "two").mkdir()
    for place in ("a.png", "two/a.png"):
        (tmp_path / place).write_bytes(b"x")
    both = ["--sample", tmp_path / "a.png", "--sample", tmp_path / "two" / "a.png"]
    assert "two samples are called 'a.png'" in call("web", MODEL, *both, *where).output
    result = call("web", tmp_path / "none.onnx", *where)
    assert result.exit_code == 2
    result = call("web", table(tmp_path / "table.onnx"), *where)
    assert result.exit_code == 2
    assert len(result.output.strip().splitlines()) == 1
    assert not (tmp_path / "site").exists()
