"""Real models on OpenVINO, beside the same on onnxruntime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backends.onnx import OnnxBackend, instrument
from cam_core import METHODS, explain, open_backend
from cam_core.demo import MODEL
from cam_core.errors import InputError
from tests import paths
from tests.core.methods.forward_net import net, pictures

pytest.importorskip("onnxruntime")
pytest.importorskip("openvino", reason="OpenVINO is not installed")

DATA = paths.DATA / "models"
MODELS = [
    MODEL,
    DATA / "mobilenetv2-fp32.onnx",
    DATA / "squeezenet1.1-fp32.onnx",
    DATA / "cifar10-vit.onnx",
]

FORWARD = [name for name, method in METHODS.items() if method.needs & {"tail", "passes"}]
"""Methods that run the model for each of many changes, or what follows the layer."""
SMALL: dict[str, dict[str, Any]] = {"rise": {"masks": 30}, "occlusion": {"window": 8, "stride": 4}}
"""Options for pictures of 20 x 28."""


@pytest.mark.parametrize("path", MODELS, ids=lambda p: p.stem)
def test_the_same_maps(path: Path, rng: np.random.Generator) -> None:
    if not path.exists():
        pytest.skip("shared data is absent")
    here, there = open_backend(path, backend="openvino"), OnnxBackend(path)
    (info,) = there.inputs()
    x = rng.random([n if isinstance(n, int) else 2 for n in info.shape]).astype(np.float32)
    assert here.layers() == there.layers()
    assert here.heads() == there.heads()
    mine, theirs = (explain(b, x, 1) for b in (here, there))
    scale = np.abs(theirs.signed).max()
    # float32 sums in another order, over some fifty layers
    np.testing.assert_allclose(mine.signed, theirs.signed, rtol=0, atol=1e-4 * scale)
    np.testing.assert_allclose(mine.score, theirs.score, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", FORWARD)
def test_methods_of_many_passes_are_the_same(name: str) -> None:
    here, there = open_backend(net(), backend="openvino"), OnnxBackend(net())
    mine, theirs = (explain(b, pictures(), 1, name, **SMALL.get(name, {})) for b in (here, there))
    scale = np.abs(theirs.signed).max()
    assert scale > 0
    # float32 sums in another order
    np.testing.assert_allclose(mine.signed, theirs.signed, rtol=0, atol=1e-4 * scale)


def test_an_instrumented_file_counts_as_its_source(rng: np.random.Generator) -> None:
    x = rng.random((1, 3, 128, 128)).astype(np.float32)
    made = instrument(MODEL.read_bytes())
    found, expected = (
        explain(open_backend(m, backend="openvino"), x, 0) for m in (made, MODEL.read_bytes())
    )
    np.testing.assert_array_equal(found.signed, expected.signed)


def test_settings_say_what_ran_it() -> None:
    backend = open_backend(MODEL, backend="openvino")
    assert backend.settings["provider"] == backend.provider == "OpenVINO CPU"
    assert backend.scored(backend.heads()[0].output).provider == "OpenVINO CPU"


def test_its_own_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.xml").write_text("<net/>")
    with pytest.raises(InputError, match=r"give the \.onnx it was made of"):
        open_backend(tmp_path / "model.xml", backend="openvino")
