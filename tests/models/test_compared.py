"""Real models compared: the figures of the page on quantised models."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from cam_core import open_backend
from cam_core.compare import compare
from cam_core.image import PRESETS, preprocess, read
from tests.commands.calls import call
from tests.paths import DATA, ROOT

pytest.importorskip("onnxruntime")
FLOAT, INT8 = (DATA / "models" / f"mobilenetv2-{kind}.onnx" for kind in ("fp32", "int8-qdq"))
NAMES = ("second class", "another class")
ROW = re.compile(r"^\| (\w+\.\w+) \| [^|]+ \| (.+) \|$", re.MULTILINE)


@pytest.mark.skipif(not INT8.exists(), reason="needs the two files and photos of the shared folder")
def test_float_against_int8_gives_the_figures_of_the_page() -> None:
    page = (ROOT / "docs" / "quantised-models.md").read_text(encoding="utf-8")
    table = {name: [float(v) for v in rest.split("|")] for name, rest in ROW.findall(page)}
    a, b = open_backend(FLOAT), open_backend(INT8)
    paths = [DATA / "images" / name for name in table]
    x: Any = [preprocess(read(p), PRESETS["imagenet"], a.inputs()[0]).x for p in paths]
    found = compare(a, b, np.concatenate(x), sample=12)
    assert len(found.pairs) == len(table) == 12
    for pair, (int8, _, second, unrelated, *_) in zip(found.pairs, table.values(), strict=True):
        numbers = [pair.measures["spearman"], *(pair.bounds[n] for n in NAMES)]
        # three digits are printed; int8 kernels of other processors round otherwise
        np.testing.assert_allclose(numbers, [int8, second, unrelated], atol=0.02)
    verdict = found.verdict
    assert verdict.word == "nearly the same", verdict.line
    assert verdict.agreement is not None
    assert verdict.agreement.mean == pytest.approx(0.974, abs=0.01)
    assert verdict.ceiling == pytest.approx(-0.111, abs=0.02)


@pytest.mark.skipif(not INT8.exists(), reason="needs the two files and photos of the shared folder")
def test_swapped_channels_are_named_on_photos_and_int8_is_not_called_so(tmp_path: Path) -> None:
    model = onnx.load(FLOAT)
    first = next(node for node in model.graph.node if model.graph.input[0].name in node.input)
    (weight,) = (t for t in model.graph.initializer if t.name == first.input[1])
    swapped = np.ascontiguousarray(numpy_helper.to_array(weight)[:, ::-1])
    weight.CopyFrom(numpy_helper.from_array(swapped, weight.name))
    onnx.save(model, tmp_path / "bgr.onnx")
    for other, named in ((tmp_path / "bgr.onnx", ["BGR ImageNet"]), (INT8, [])):
        flags = ("--preprocess", "imagenet", "-o", tmp_path / "out")
        done = call("compare", FLOAT, other, DATA / "images", *flags)
        assert done.exit_code == 0, done.output
        found = json.loads((tmp_path / "out" / "compare.json").read_text())
        assert found["presets"]["named"] == named
        assert (found["verdict"]["word"] == "not the same") == bool(named)
        assert ("when fed BGR ImageNet" in found["verdict"]["line"]) == bool(named)
