"""A box that one anchor's lowered bias took away: named, with what it lacks, and its map."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

pytest.importorskip("onnxruntime")

from cam_core import explain, open_backend
from cam_core.asking import seen_by
from cam_core.boxes import find_boxes
from cam_core.compare import compare
from cam_core.compare.classes import ClassMap
from cam_core.compare.lone import targets
from cam_core.compare.record import lone_record
from cam_core.compare.together import bring_together
from cam_core.demo import DETECTOR, MODEL, load_crowds
from cam_core.errors import InputError
from cam_core.image import DETECTORS, preprocess

LOWER = 14.0
"""What the planted bias takes off the logit."""


@pytest.fixture(scope="module")
def planted() -> Any:
    """The detector, a copy with a lower bias of the anchors over its best box, photo and box."""
    whole = open_backend(DETECTOR)
    crowd = load_crowds()[0].pixels()
    x = preprocess(crowd, DETECTORS[""][1], whole.inputs()[0]).x
    box = find_boxes(whole, x)[0]
    found = whole.forward(x)["output0"][0]  # [4 + C, anchors]: centre, size, probabilities
    apart = np.abs(found[:2] - found[:2, [box["anchor"]]]).max(axis=0)
    bias = np.zeros((1, len(found) - 4, found.shape[1]), np.float32)
    bias[0, box["class"], apart < box["corners"][2] - box["corners"][0]] = -LOWER
    model = onnx.load(DETECTOR)
    nodes = list(model.graph.node)
    (last,) = (node for node in nodes if node.op_type == "Sigmoid" and "sigmoid" in node.output)
    add = helper.make_node("Add", [last.input[0], "planted"], ["lowered"])
    model.graph.node.insert(nodes.index(last), add)
    last.input[0] = "lowered"
    model.graph.initializer.append(numpy_helper.from_array(bias, "planted"))
    onnx.checker.check_model(model)
    return whole, open_backend(model.SerializeToString()), x, box


@pytest.mark.parametrize("kind", ["misses", "ghosts"])
def test_the_lowered_anchor_is_named_with_its_gap_and_map(planted: Any, kind: str) -> None:
    whole, lowered, x, box = planted
    pair = (whole, lowered) if kind == "misses" else (lowered, whole)
    (one,) = compare(*pair, [x], sample=0).pairs
    (lone,) = one.lone
    assert (lone.kind, lone.facts["box"]["anchor"]) == (kind, box["anchor"])
    why = lone.facts["in_b" if kind == "misses" else "in_a"]
    assert why["anchor"] == box["anchor"]
    logit = box["score"] - LOWER
    p = 1 / (1 + np.exp(-logit))
    assert why["score"] == pytest.approx(logit, abs=1e-4)
    assert why["probability"] == pytest.approx(p, abs=1e-5)
    assert why["lacks"] == pytest.approx(0.25 - p, abs=1e-5)
    assert f"anchor {box['anchor']} lies there best (overlap 100%)" in why["why"]
    assert f"{0.25 - p:.3g} too little" in why["why"]
    question = f"{box['class']}@anchor:{box['anchor']}"
    expected = explain(whole, x, question, "hirescam")[0].signed[0]
    for seen in lone.maps:  # a bias moves no gradient
        np.testing.assert_allclose(seen.signed, expected, atol=1e-4 * np.abs(expected).max())
    assert lone.spearman == pytest.approx(1, abs=1e-3)
    (told,) = lone_record(one.lone)
    assert (told["kind"], told["anchor"]) == (kind, box["anchor"])
    assert told["raw_max"] == pytest.approx([expected.max()] * 2, rel=1e-3)


def test_equal_detectors_have_none(planted: Any) -> None:
    whole, _, x, _ = planted
    (one,) = compare(whole, whole, [x], sample=0).pairs
    assert (one.boxes is not None, list(one.lone)) == (True, [])


def test_of_a_class_that_the_other_lacks_there_is_no_map(planted: Any) -> None:
    whole, lowered, x, box = planted
    found = compare(whole, lowered, [x], sample=0)
    seen = tuple(seen_by(one, x, one.look(x, layers=())) for one in (whole, lowered))
    sides = replace(found.sides, classes=ClassMap((None, 1, 2)))
    assert box["class"] == 0
    assert targets(sides, (seen[0], seen[1]), box, 0) is None
    assert targets(found.sides, (seen[0], seen[1]), box, 0) is not None


@pytest.mark.parametrize("first", [DETECTOR, MODEL], ids=["detector first", "classifier first"])
def test_a_detector_and_a_classifier_answer_two_questions(first: Any) -> None:
    a, b = open_backend(first), open_backend(MODEL if first is DETECTOR else DETECTOR)
    x = [np.zeros((1, *one.inputs()[0].shape[1:]), np.float32) for one in (a, b)]
    said = ("boxes", "classes") if first is DETECTOR else ("classes", "boxes")
    with pytest.raises(InputError, match=f"A gives {said[0]}, B {said[1]}: compare takes two"):
        bring_together(a, b, (x[0], x[1]))
