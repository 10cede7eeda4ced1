"""Lines that stand before any number."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cam_core.monitor import monitor, said
from cam_core.monitor.words import NAMED
from tests.core.monitor.logged import rows
from tests.core.monitor.test_sequence import frames, log

BASELINE = rows(500, 1)


def test_what_is_left_out_is_counted() -> None:
    lines = said(monitor(replace(rows(100, 2), left_out=3), BASELINE))
    assert "3 rows of the log lack a number or have NaN: left out" in lines


def test_a_log_that_says_nothing_of_its_model_is_told() -> None:
    missing = "no model_sha256 in the log: nobody says that it is of this model"
    assert said(monitor(rows(100, 2), BASELINE))[-1] == missing
    known = replace(rows(100, 2), said={"model": frozenset({"ab"})})
    assert missing not in said(monitor(known, BASELINE))


def test_classes_of_few_rows_and_of_none_are_told() -> None:
    given = rows(100, 2)
    classes = ("0",) * 60 + ("7",) * 3 + tuple(f"new{i % 7}" for i in range(37))
    baseline = replace(BASELINE, classes=("0",) * 497 + ("7",) * 3)
    lines = said(monitor(replace(given, classes=classes), baseline))
    words = "37 rows are of classes that the baseline has fewer than 5 of, left out: new"
    assert lines[0].startswith(words)
    assert lines[0].count("new") == NAMED
    assert lines[0].endswith(", ...")
    assert lines[1] == "3 rows are of classes that are rare in both, held together as one"


def test_rows_in_sequence_are_told_and_what_mends_it() -> None:
    found = monitor(log(frames(1500, 3)), log(np.random.default_rng(1).normal(size=(300, 8))))
    (line,) = [text for text in said(found) if text.startswith("rows in sequence are alike")]
    assert line.endswith(f"take one of {found.alike}, --every {found.alike}")
