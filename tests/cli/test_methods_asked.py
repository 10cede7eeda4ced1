"""The methods of a run: what is one method twice, and what a layer is to each."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cam_core.cli.group import gradcam
from cam_core.cli.methods_asked import folded, methods_of
from cam_core.demo import MODEL
from cam_core.errors import InputError
from cam_core.head import Head

SCENE = MODEL.parent / "scenes" / "scene-1.png"
FOLDS = {  # what is typed -> what is made of a classifier, and how many notes say so
    ("gradcam", "hirescam"): (("gradcam", "hirescam"), 0),
    ("best", "hirescam"): (("best", "hirescam"), 0),  # of a transformer it is another one
    ("gradcam", "auto"): (("auto",), 1),
    ("best", "auto", "hirescam", "gradcam"): (("best", "auto", "hirescam"), 1),
    ("best", "gradcam"): (("best", "gradcam"), 0),
}


@pytest.mark.parametrize("asked", FOLDS, ids="-".join)
def test_one_method_twice_is_made_once(asked: tuple[str, ...]) -> None:
    kept, count = FOLDS[asked]
    methods, notes = folded(asked, None)
    assert (methods, len(notes)) == (kept, count)


def test_of_boxes_best_and_auto_are_one() -> None:
    methods, notes = folded(("best", "auto", "hirescam"), Head("y", "boxes", "", "y"))
    assert methods == ("auto",)
    assert notes == [
        f"--method {name} and --method auto are both hirescam here: made once, as 'auto'"
        for name in ("best", "hirescam")
    ]


def backend(*inputs: str) -> Any:
    return SimpleNamespace(inputs=lambda: list(inputs))


def test_a_layer_that_counts_for_none_is_refused() -> None:
    with pytest.raises(InputError, match=r"^--layer 'a': .* gradient, whose map is at the input.*"):
        methods_of(backend("x"), ["gradient"], "a")
    with pytest.raises(
        InputError, match=r"gradient, rollout, whose .* the input and the attention"
    ):
        methods_of(backend("x"), ["gradient", "rollout"], "a")


def test_for_some_it_is_a_note_and_for_all_it_is_none() -> None:
    _, notes = methods_of(backend("x"), ["gradient", "gradcam"], "a")
    assert notes == ["--layer does not count for gradient, whose map is at the input"]
    for methods, layer in ((["gradcam", "guided-gradcam"], "a"), (["gradient"], None), ([], "a")):
        assert methods_of(backend("x"), methods, layer)[1] == []


def test_of_several_inputs_a_layer_says_which() -> None:
    assert methods_of(backend("left", "right"), ["gradient"], "a") == (("gradient",), [])


def explain(folder: Path, *words: str) -> Result:
    call = ["explain", str(MODEL), str(SCENE), "--target", "1", *words]
    return CliRunner().invoke(gradcam, [*call, "-o", str(folder)])


@pytest.mark.parametrize("command", ["explain", "boxes", "rank"])
def test_every_command_refuses_a_layer_that_does_not_count(command: str, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    named = "--methods" if command == "rank" else "--method"
    words = [str(MODEL), str(SCENE), named, "gradient", "--layer", "relu_1"]
    done = CliRunner().invoke(gradcam, [command, *words, "-o", str(tmp_path)])
    assert done.exit_code == 2
    assert done.stderr.startswith("Error: --layer 'relu_1': it does not count for gradient")
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_what_is_the_same_has_one_set_of_files(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    done = explain(tmp_path, "--method", "auto", "--method", "gradcam")
    assert done.exit_code == 0, done.output
    assert done.stderr.startswith("note: --method gradcam and --method auto are both gradcam")
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".npy", ".png"]
