"""The questions that the pictures of docs/targets.md show, a row of panels after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from cam_core.demo import DETECTOR, LABELS
from examples.docs.made import CAPTIONS, EXAMPLES, HEADS, MASKS, POSE, box, middle, number
from examples.docs.sheet import GAP

PANEL = 192
"""Pixels of a panel with one picture."""
FIVE = ("gradcam", "gradcam++", "xgradcam", "hirescam", "layercam")
"""The methods that are set side by side."""
NARROW = 151
"""Those of five in a row."""
CAPTIONER, ANSWERER, READER = (
    str(EXAMPLES / n / f"{n}.onnx") for n in ("captioner", "vqa", "reader")
)


@dataclass(frozen=True)
class Question:
    """Arguments of `gradcam explain`, and how what it draws is shown."""

    asked: str
    """What is printed above; of most the target."""
    arguments: Sequence[str]
    said: str = "Y = {score}"
    """What came out, by the record's names."""
    photo: int | None = 0
    """Which photo of the picture is shown, without bar and words; None: all that is drawn."""
    width: int = PANEL
    which: int = 0
    """Of several pictures that are written."""


def ask(model: str, scene: str, target: str, *more: str, **shown: object) -> Question:
    """One target of one model and one photo."""
    given = [model, f"{scene}.png", *more]
    return Question(target, [*given, "--target", target], **shown)  # type: ignore[arg-type]


def of_classes(target: str, said: str = "Y = {score}", **shown: object) -> Question:
    """About the hexagon and the square of the demo."""
    more = ("--labels", str(LABELS), "--preprocess", "unit")
    return ask("classifier.onnx", "scene", target, *more, said=said, **shown)


def of_boxes(target: str, said: str = "{label}, Y = {score}", **shown: object) -> Question:
    """About two circles."""
    return ask(str(DETECTOR), "crowd", target, said=said, **shown)


def of_ends(target: str, said: str) -> Question:
    """About the highest and the lowest pixel of a square, and of a circle with a covered one."""
    return ask(str(POSE), "ends", target, said=said)


def of_masks(target: str) -> Question:
    """About what is seen of one of them."""
    return ask(str(MASKS), "ends", target, said="mean mask logit {score}")


def of_method(method: str) -> Question:
    """About one of them, by one method."""
    given = ("--method", method)
    own = ask(str(DETECTOR), "crowd", "circle@146,116", *given, said="", width=NARROW)
    return replace(own, asked=method)


def of_places(target: str, said: str = "{label}, Y = {score}", **shown: object) -> Question:
    """About the pixels of three things."""
    return ask("segmenter.onnx", "three", target, said=said, **shown)


def of_vectors(target: str, said: str = "cosine {score}", **shown: object) -> Question:
    """About the embedding of a picture with two things."""
    return ask("embedder.onnx", "photo", target, said=said, **shown)


def of_captions(number: int) -> Question:
    """About the likeness to one of three captions, by two files."""
    said = f"{CAPTIONS[number]}: cosine {{score}}"
    target = f"caption:{number}"
    return Question(target, [*TOWER, "--target", target], said)


def of_lines(target: str, said: str = "{label}: Y = {score}") -> Question:
    """About a line of text."""
    return ask(READER, "line", target, said=said, width=2 * PANEL + GAP)


def of_answers(question: str, answer: str) -> Question:
    """About what is answered."""
    return Question(answer, [ANSWERER, "two.png", "--input", f"words={question}"], question)


def of_kind(model: str, question: Question) -> Question:
    """The same, under the name of the model."""
    return replace(question, asked=model, said=question.asked)


CHAIN = ("encoder.onnx", "decoder.onnx", "three.png")
TOWER = ("embedder.onnx", "compare.onnx", "captions.png", "--input", "text_embeds=captions.npy")
COLOUR, SHAPE = "what colour is the circle ?", "what shape is the yellow thing ?"
OWN = "what it gives itself"
AREA = ",".join(f"{side:.0f}" for side in box("triangle"))

SHEETS: Mapping[str, Sequence[Sequence[Question]]] = {
    "classes": [
        [
            of_classes("zigzag hexagon"),
            of_classes("top:1", "{label}, Y = {score}"),
            of_classes("3-1", "hexagon less square: Y = {score}"),
            of_classes("-zigzag hexagon"),
        ],
        [
            of_classes("prob:zigzag hexagon"),
            of_classes("finer:zigzag hexagon"),
            of_classes("rest:zigzag hexagon"),
            of_classes("loss:zigzag hexagon"),
        ],
        [
            of_classes("versus:zigzag hexagon", said, photo=i)
            for i, said in enumerate(("what the model says", "what is true", "the difference"))
        ],
    ],
    "boxes": [
        [
            of_boxes("box:0"),
            of_boxes("circle@146,116"),
            of_boxes("box:all", "", which=-1),
            of_boxes("nobox:square@150,20,250,70"),
        ],
        [
            of_boxes("edge:left@box:0", "{score} pixels of the input"),
            of_boxes("edge:right@box:0", "{score} pixels of the input"),
            of_boxes("edge:y@box:0", "{score} pixels of the input"),
            of_boxes("circle@anchor:120"),
        ],
    ],
    "parts": [
        [
            of_ends("keypoint:0@box:0", "the top: log p = {score}"),
            of_ends("keypoint:1@box:0", "the bottom: log p = {score}"),
            of_ends("keypoint:1@circle", "covered: log p = {score}"),
            of_ends("-keypoint:1@circle", "what speaks against it"),
        ],
        [
            of_ends("-keypoint:0y@box:0", "what pulls the top up"),
            of_ends("keypoint:1y@box:0", "the bottom: y = {score} pixels"),
            of_masks("mask@box:0"),
            of_masks("mask@circle"),
        ],
    ],
    "regions": [
        [
            of_places("region"),
            of_places("region:square"),
            of_places(f"square@{middle('square')}"),
        ],
        [
            of_places(f"triangle@{AREA}"),
            of_places("mask:mask.png@square"),
            of_places(f"square@anchor:{number('square')}"),
        ],
    ],
    "pictures": [
        [
            ask("depth.onnx", "three", "mean", said="Y = {score}"),
            replace(ask("depth.onnx", "three", "mean", said=OWN, photo=1), asked="the model's own"),
            ask("depth.onnx", "three", f"@{middle('circle')}", said="Y = {score}"),
        ]
    ],
    "embeddings": [
        [
            of_vectors("like:other.png"),
            of_vectors("like:other.png", "the same, of other.png", photo=1),
            of_vectors("norm", "length {score}"),
        ],
        [
            of_vectors("like:circle.npy"),
            of_vectors("unlike:circle.npy"),
            of_captions(1),
        ],
    ],
    "readers": [
        [of_lines("char:1"), of_lines("char:2")],
        [of_lines("char:3"), of_lines("char:4")],
        [of_lines("text", "{label}: Y = {score}"), of_lines('text:"HEAR"', "Y = {score}")],
    ],
    "words": [
        [
            ask(CAPTIONER, "two", "words"),
            ask(CAPTIONER, "two", "words:blue circle"),
            ask(CAPTIONER, "two", "words:yellow triangle"),
        ],
        [of_answers(COLOUR, "blue"), of_answers(SHAPE, "triangle")],
    ],
    "numbers": [
        [
            ask("counter.onnx", "three", "value"),
            ask("counter.onnx", "three", "-value"),
            ask(str(HEADS), "three", "out:embedding[3]"),
            ask(str(HEADS), "three", "out:depth[0,64,:]"),
        ]
    ],
    "chains": [
        [
            Question(
                f"region:{shape}",
                [*CHAIN, "--target", f"region:{shape}"],
                "encoder and decoder: Y = {score}",
            )
            for shape in ("circle", "square", "triangle")
        ],
        [of_captions(i) for i in range(len(CAPTIONS))],
    ],
    "methods": [[of_method(name) for name in FIVE]],
    "kinds": [
        [
            of_kind("a classifier", of_classes("zigzag hexagon")),
            of_kind("a detector", of_boxes("circle@146,116")),
            of_kind("a segmenter", of_places("region:square")),
            of_kind("an embedder", of_vectors("like:other.png")),
        ],
        [
            of_kind("a captioner", ask(CAPTIONER, "two", "words:yellow triangle")),
            of_kind("an answerer", of_answers(COLOUR, COLOUR)),
            of_kind("a depth map", ask("depth.onnx", "three", "mean")),
            of_kind("a counter", ask("counter.onnx", "three", "value")),
        ],
    ],
}
"""Name of the picture -> its rows."""
