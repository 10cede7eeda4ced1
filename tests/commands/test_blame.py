"""`gradcam blame`: a planted defect is named, repaired and told; bad input gets one line."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from backends.onnx.blaming.curve import Drift, Point
from backends.onnx.commands import blame_found
from backends.onnx.commands.blame_found import few_at_fault
from tests.blaming.quantised import halved, plain, quantised, ranges
from tests.commands.calls import call


@pytest.fixture
def files(tmp_path: Path, rng: np.random.Generator) -> dict[str, Path]:
    """The float model, its int8 copy with a doubled scale, and photos as arrays."""
    model, x = plain(rng), rng.normal(size=(6, 3, 8, 8)).astype(np.float32)
    made: dict[str, Any] = {
        "float.onnx": model,
        "int8.onnx": quantised(model, ranges(model, x), {"w2": 2.0}),
        "fine.onnx": quantised(model, ranges(model, x)),
        "half.onnx": halved(model),
    }
    for name, one in made.items():
        (tmp_path / name).write_bytes(one.SerializeToString())
    np.save(tmp_path / "x.npy", x)
    return {name: tmp_path / name for name in (*made, "x.npy")}


def test_names_and_repairs(files: dict[str, Path], tmp_path: Path) -> None:
    out, colours = tmp_path / "fixed.onnx", tmp_path / "colours.json"
    done = call(
        *("blame", files["float.onnx"], files["int8.onnx"], files["x.npy"], "--json"),
        *("--keep", 1, "--repair", out, "--node-data", colours, "--optimization", "disabled"),
    )
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["proposed"] == ["w2_dq"]
    assert found["photos"] == {"ranking": 3, "measuring": 3}
    (one, three) = found["curve"]
    assert (one["kept"], three["kept"]) == (1, 3)
    assert one["blame"]["rms"] < 0.2 * found["before"]["rms"]
    assert found["verified"]["rms"] == pytest.approx(one["blame"]["rms"], rel=1e-4)
    held = {t.name: numpy_helper.to_array(t) for t in onnx.load(out).graph.initializer}
    theirs = {
        t.name: numpy_helper.to_array(t) for t in onnx.load(files["float.onnx"]).graph.initializer
    }
    assert any(np.array_equal(w, theirs["w2"]) for w in held.values())
    assert "w2_quantized" not in held
    nodes = json.loads(colours.read_text())["g"]["results"]
    assert max(nodes, key=lambda name: nodes[name]["value"]) == "second"


def test_says_it(files: dict[str, Path]) -> None:
    done = call("blame", files["float.onnx"], files["int8.onnx"], files["x.npy"], "--keep", 2)
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[1].split()[:3] == ["1", "w2_dq", "weight"]
    assert "nodes_to_exclude=[" in done.stdout
    assert "input    fed as" in done.stdout
    assert "%" not in done.stdout  # a single tensor's figure is no share of anything


@pytest.mark.parametrize(
    ("order", "other", "alone"),
    [
        (("b", "a"), ("a", "c"), ("a",)),
        (("b", "d"), ("c", "a"), ("c", "a")),
        (("b", "d"), ("d", "b"), None),
    ],
)
def test_the_few_at_fault_may_begin_another_order(
    order: tuple[str, ...],
    other: tuple[str, ...],
    alone: tuple[str, ...] | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is best for a large set may begin with a tensor that only corrects others."""

    def curve(restored: Any, order: Any, counts: Any, cases: Any, *, maps: bool) -> list[Point]:
        kept = tuple(order[: counts[0]])
        return [Point(kept, Drift(0.1 if "a" in kept else 1.0, None))]

    monkeypatch.setattr(blame_found, "curve", curve)
    names = [f"t{i}" for i in range(18)]
    blame: Any = SimpleNamespace(restored=None)
    orders = [*order, *names], [*other, *names]
    cases: list[Any] = [None] * 3
    found = few_at_fault(blame, *orders, [], cases, Drift(1.0, None))
    assert (None if found is None else found.kept) == alone
    assert few_at_fault(blame, *orders, [], cases[:2], Drift(1.0, None)) is None


def test_float16(files: dict[str, Path]) -> None:
    done = call("blame", files["float.onnx"], files["half.onnx"], files["x.npy"], "--json")
    found = json.loads(done.stdout)
    assert {t["kind"] for t in found["tensors"]} == {"node"}
    assert {"first", "second", "third", "head"} <= {n for t in found["tensors"] for n in t["nodes"]}


def test_one_photo_ranks_and_measures(files: dict[str, Path], tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", np.load(files["x.npy"])[:1])
    done = call("blame", files["float.onnx"], files["int8.onnx"], tmp_path / "one.npy")
    assert "1, which ranked and measured: give more" in done.stdout
    assert (
        "named    no tensor: 1 photo measures, which does not tell: give 6 or more" in done.stdout
    )


def test_a_copy_of_another_batch_is_refused_by_its_name(files: dict[str, Path]) -> None:
    other = onnx.load(files["int8.onnx"])
    other.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 4
    files["int8.onnx"].write_bytes(other.SerializeToString())
    done = call("blame", files["float.onnx"], files["int8.onnx"], files["x.npy"])
    assert done.exit_code == 2, done.output
    assert "'int8.onnx' does not take what the float model does: input 'x' has sh" in done.stderr


def test_bad_input(files: dict[str, Path], tmp_path: Path, rng: np.random.Generator) -> None:
    other = tmp_path / "other.onnx"
    other.write_bytes(plain(rng).SerializeToString())
    a, b, x = files["float.onnx"], files["int8.onnx"], files["x.npy"]
    for arguments, said in (
        ((a, a, x), "nothing to blame"),
        ((other, b, x), "other weights"),
        ((a, b), "Missing argument"),
        ((a, b, tmp_path / "none.npy"), "no such file"),
        ((a, b, x, "--repair", tmp_path), "a folder"),
        ((a, b, x, "--node-data", tmp_path / "no" / "file.json"), "does not exist"),
    ):
        done = call("blame", *arguments)
        assert done.exit_code == 2
        assert said in done.stderr
        assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("flag", ["-o", "--repair", "--node-data"])
def test_what_cannot_be_written_is_refused_before_any_work(
    files: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flag: str
) -> None:
    a, b = files["float.onnx"], files["int8.onnx"]
    held = {path: path.read_bytes() for path in (a, b)}
    lost = tmp_path / "none.npy"  # would be said first if photos were read first
    for path in held:
        done = call("blame", a, b, lost, flag, path)
        assert (done.exit_code, held[path]) == (2, path.read_bytes())
        assert (
            done.stderr == f"Error: {flag} '{path}' is a model that is read. Name another file.\n"
        )
    monkeypatch.setattr("os.access", lambda *_: False)  # root may write anywhere
    done = call("blame", a, b, lost, flag, tmp_path / "new.file")
    assert done.exit_code == 2
    assert f"{flag} '{tmp_path / 'new.file'}': no permission to write in" in done.stderr


def test_a_swapped_pair_is_told_so(files: dict[str, Path]) -> None:
    done = call("blame", files["int8.onnx"], files["float.onnx"], files["x.npy"])
    assert done.exit_code == 2
    assert "int8.onnx has such pairs: FLOAT comes first" in done.stderr


def test_few_photos_are_said_to_be_few(files: dict[str, Path]) -> None:
    done = call("blame", files["float.onnx"], files["int8.onnx"], files["x.npy"])
    assert "3 ranked, 3 others measured: few, give some dozens" in done.stdout
