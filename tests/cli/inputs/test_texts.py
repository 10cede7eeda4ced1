"""Words as an input: a text for --input, or the caption that the model itself writes."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cam_core.backend import InputInfo
from cam_core.cli.inputs.texts import Writer, encoded, reads_words
from cam_core.errors import InputError
from tests.commands.calls import call
from tests.paths import ROOT

pytest.importorskip("onnxruntime")
coloured = pytest.importorskip("examples.coloured", reason="this tree has no examples")
CAPTIONER, ANSWERER = (ROOT / "examples" / n / f"{n}.onnx" for n in ("captioner", "vqa"))
SEED = 3_000_001


def scene() -> Any:
    return coloured.render(SEED, coloured.two_things(np.random.default_rng(SEED)))


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    Image.fromarray(scene().pixels).save(tmp_path / "scene.png")
    return tmp_path / "scene.png"


def explained(photo: Path, model: Path, *more: str) -> list[dict[str, Any]]:
    found = call("explain", model, photo, "-o", photo.parent / "out", "--json", *more)
    assert found.exit_code == 0, found.output
    return json.loads(found.stdout)["explanations"]


def test_the_caption_is_written_by_the_model(photo: Path) -> None:
    (record,) = explained(photo, CAPTIONER)
    first, second = (thing.label for thing in scene().things)
    assert record["target"] == "words"
    assert record["caption"] == record["label"]
    said = {record["caption"].split(" ", 1)[1][: len(label)] for label in (first, second)}
    assert said & {first, second}


def test_words_of_another_caption(photo: Path) -> None:
    first, second = (thing.label for thing in scene().things)
    text = f"the {second} above the {first}"
    (record,) = explained(
        photo, CAPTIONER, "--input", f"words={text}", "--target", f"words:{first}"
    )
    assert (record["caption"], record["target"]) == (text, f"words:{first}")


def test_a_question_is_fed_and_its_answer_a_class(photo: Path) -> None:
    (record,) = explained(photo, ANSWERER, "--input", "words=what colour is the circle ?")
    colours = {thing.label.split()[0] for thing in scene().things if "circle" in thing.label}
    assert {record["label"]} == colours


@pytest.mark.parametrize(
    ("model", "text", "words"),
    [
        (ANSWERER, "words=what colour is the dog ?", "the model has no word 'dog'; it has what"),
        (CAPTIONER, "words=missing.npy", "no such file"),
    ],
)
def test_a_text_that_cannot_be_read(photo: Path, model: Path, text: str, words: str) -> None:
    found = call("explain", model, photo, "-o", photo.parent / "out", "--input", text)
    assert found.exit_code == 2
    assert words in found.output
    assert "Traceback" not in found.output


def test_a_question_that_was_not_asked_is_asked_for(photo: Path) -> None:
    found = call("explain", ANSWERER, photo, "-o", photo.parent / "out")
    assert (found.exit_code, found.stderr.count("\n")) == (2, 1)
    assert """nothing is given for 'words', a text: add --input words="...", in words""" in (
        found.stderr
    )
    assert "of these: what, colour, shape" in found.stderr


def told(metadata: dict[str, str]) -> Any:
    """A backend of which nothing else is asked."""
    return SimpleNamespace(metadata=metadata, heads=list)


def test_without_a_vocabulary_numbers_are_asked_for() -> None:
    info = InputInfo("words", ("N", "T"), np.dtype(np.int64))
    assert reads_words(info)
    assert Writer.of(told({}), info) is None
    with pytest.raises(InputError, match="lists no vocabulary"):
        encoded("a text", info, told({}))


@pytest.mark.parametrize(
    ("length", "found"), [("T", [1, 3]), (4, [1, 3, 0, 0])], ids=["any length", "padded"]
)
def test_a_fixed_length_is_filled(length: Any, found: list[int]) -> None:
    known = told({"vocabulary": '["<pad>", "a", "b", "c"]'})
    info = InputInfo("words", ("N", length), np.dtype(np.int64))
    assert encoded("A c", info, known).tolist() == [found]


def test_a_text_longer_than_the_input_is_refused() -> None:
    known = told({"vocabulary": '["<pad>", "a", "b", "c"]'})
    with pytest.raises(InputError, match="'words' takes 2 words, the text has 3"):
        encoded("a b c", InputInfo("words", ("N", 2), np.dtype(np.int64)), known)
