"""What an output is said to be, and what makes a probability of it."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from cam_core.head import KINDS, WITHOUT, Head, entry_of, heads_of, probability_of

PROBABILITIES = [  # kind, activation, what makes a probability
    ("classes", "Softmax", "softmax"),
    ("classes", "LogSoftmax", "softmax"),
    ("classes", "Hardmax", ""),
    ("classes", "", ""),
    ("multi-label", "Sigmoid", "sigmoid"),
    ("binary", "Sigmoid", "sigmoid"),
    ("sequence", "LogSoftmax", "softmax"),
    ("boxes", "Sigmoid", "sigmoid"),
    ("picture", "Sigmoid", ""),
    ("regression", "Sigmoid", ""),
]


@pytest.mark.parametrize(("kind", "activation", "expected"), PROBABILITIES)
def test_a_probability_is_what_the_model_makes(kind: str, activation: str, expected: str) -> None:
    head = Head("y", kind, "said so", "z", 1, activation)
    assert head.probability == expected
    assert probability_of(SimpleNamespace(heads=lambda: [head])) == expected


def test_a_backend_that_says_nothing_has_no_probability() -> None:
    assert (heads_of(object()), probability_of(object())) == ((), "")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_word_for_one_number(kind: str) -> None:
    head = Head("y", kind, "said so", "z", 1)
    backend = SimpleNamespace(heads=lambda: [head])
    assert entry_of(backend) == head.entry == head.record()["entry"]
    assert (head.entry == "class") == (kind in ("classes", "dense classes", "boxes"))
    assert Head("y", "boxes", "said so", "z").entry == "box number"
    assert entry_of(object()) == "class"


def test_a_line_names_the_output_its_logits_and_the_evidence() -> None:
    assert Head("y", "classes", "said so", "z").said == "y from z: classes (said so)"
    assert Head("y", "classes", "said so", "y").said == "y: classes (said so)"
    assert Head("y", "unknown", "said so", "").said == "y: unknown (said so)"


@pytest.mark.parametrize("kind", KINDS)
def test_the_best_numbers_are_told_of_what_may_be_classes(kind: str) -> None:
    none = {"regression", "embedding", "picture"}
    assert Head("y", kind, "said so", "y").ranked == (kind not in none)


def test_kinds_without_a_probability_are_kinds() -> None:
    assert set(KINDS) > WITHOUT


def test_a_record_is_what_json_keeps_and_leaves_the_names_out() -> None:
    head = Head(
        "p",
        "classes",
        "it says so",
        "y",
        1,
        "Softmax",
        labels=("ape", "bee"),
        labels_source="a table",
    )
    record = json.loads(json.dumps(head.record()))
    assert record["tensor"] == "y"
    assert record == head.record()
    assert record["labels_source"] == "a table"
    assert "labels" not in record
