"""The set in the spelling of other tools, and as colours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import numpy_helper

from backends.onnx.blaming.curve import counts_up_to
from backends.onnx.blaming.keep_lists import keep_lists
from backends.onnx.blaming.node_data import BROKEN, node_data
from backends.onnx.blaming.rating import Rating
from backends.onnx.blaming.suspects import Suspect
from tests.blaming.test_onnxruntime import SHAPES, TEXT, Photos
from tests.commands.calls import call
from tests.sessions import run


def suspect(name: str, *nodes: str) -> Suspect:
    return Suspect(name, "activation", (), {}, nodes=nodes, shown=f"{name}_Q")


def test_each_operator_once() -> None:
    found = keep_lists([suspect("a", "/conv 1", "/add"), suspect("b", "/add", "/conv 2")])
    names = ["/conv 1", "/add", "/conv 2"]
    assert json.loads(found["onnxruntime"].partition("nodes_to_exclude=")[2][:-1]) == names
    assert json.loads(found["nncf"].partition("names=")[2][:-2]) == names
    layers = found["trtexec"].partition("--layerPrecisions=")[2]
    assert [one.rpartition(":")[::2] for one in layers.split(",")] == [(n, "fp32") for n in names]
    assert keep_lists([suspect("a")]) == {}


def test_of_two_files_in_float_nothing_is_left_out() -> None:
    same = Suspect("a", "node", (), {"a": "a.float"}, {"a": "a.float"}, nodes=("/conv",))
    half = Suspect("a", "node", (), {"a": "a.narrow"}, {"a": "a.float"}, nodes=("/conv",))
    assert keep_lists([same]) == {}
    assert keep_lists([half])["trtexec"].endswith("/conv:fp32")


def test_node_data() -> None:
    ratings = [Rating(suspect("a"), 0.5, 30.0), Rating(suspect("b"), np.inf, -np.inf)]
    found = node_data("g", ratings)
    assert found["g"]["results"]["a_Q"] == {"value": 0.5}
    assert found["g"]["results"]["b_Q"] == {"value": 0.5, "bgColor": BROKEN}
    assert [stop["stop"] for stop in found["g"]["gradient"]] == [0, 1]
    json.loads(json.dumps(found, allow_nan=False))
    assert list(node_data("", ratings)) == ["main_graph"]


def test_counts() -> None:
    assert counts_up_to(8, 118) == [1, 2, 4, 8, 24]
    assert counts_up_to(8, 20) == [1, 2, 4, 8]
    assert counts_up_to(1, 1) == [1]
    assert counts_up_to(5, 100) == [1, 2, 4, 5, 15]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the quantiser's own imports
def test_the_quantiser_told_so_does_what_the_repair_does(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    """One channel of a weight is 200 times the others: one scale leaves these no steps."""
    name = "onnxruntime.quantization"
    quantization = pytest.importorskip(name, reason="this runtime has no quantiser")
    plain = onnx.parser.parse_model(TEXT)
    held: dict[str, Any] = {name: rng.normal(size=shape) for name, shape in SHAPES.items()}
    held["w2"][0] *= 200
    held |= {"zero": 0, "six": 6}
    plain.graph.initializer.extend(
        numpy_helper.from_array(np.asarray(v, np.float32), n) for n, v in held.items()
    )
    onnx.save(plain, tmp_path / "float.onnx")
    x = rng.normal(size=(16, 3, 8, 8)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    quantise = quantization.quantize_static
    files = {name: str(tmp_path / f"{name}.onnx") for name in ("float", "int8", "repaired", "told")}
    quantise(files["float"], files["int8"], Photos(x))
    given = (files["float"], files["int8"], tmp_path / "x.npy", "--keep", 1)
    done = call("blame", *given, "--repair", files["repaired"])
    assert done.exit_code == 0, done.output
    (line,) = (one for one in done.stdout.splitlines() if one.startswith("onnxruntime "))
    nodes = json.loads(line.partition("nodes_to_exclude=")[2].removesuffix(")"))
    assert nodes == ["conv2"]
    quantise(files["float"], files["told"], Photos(x), nodes_to_exclude=nodes)
    y = {k: np.concatenate([run(f, x=r[None])["y"] for r in x]) for k, f in files.items()}
    off = {k: float(np.sqrt(np.mean((v - y["float"]) ** 2))) for k, v in y.items()}
    assert off["repaired"] < 0.5 * off["int8"]
    assert off["told"] < 1.5 * off["repaired"]  # it leaves the operator's own inputs in float, too
