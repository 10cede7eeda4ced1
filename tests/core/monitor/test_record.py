"""The record: medians with the classes mixed as in the log, and where to look."""

from __future__ import annotations

import json

import numpy as np
import pytest

from cam_core.maps.stats import STATS
from cam_core.monitor import monitor, record, rows_of
from cam_core.monitor.record import median
from tests.core.monitor.logged import columns, rows


def test_it_is_json_and_says_what_was_found() -> None:
    found = record(monitor(rows(200, 2, entropy=lambda x: x + 2.0), rows(500, 1)))
    plain = json.loads(json.dumps(found, allow_nan=False))
    assert plain["verdict"]["word"] == "not the same"
    assert [one["name"] for one in plain["numbers"] if one["moved"]] == ["entropy"]
    assert plain["rows"] == {"log": 200, "baseline": 500, "compared": 200, "needed": 36}
    assert plain["p"] == 0.001
    now = np.sort(rows(200, 2).of("entropy"))[99] + 2
    assert plain["numbers"][list(STATS).index("entropy")]["now"] == pytest.approx(now, rel=1e-12)


def test_the_class_that_moved_is_first() -> None:
    given = columns(300, 5)
    given["max_share"] = np.where(given["class"] == 2, 0.0, given["max_share"])
    first = record(monitor(rows_of(given, "log"), rows(600, 1)))["classes"][0]
    assert (first["class"], first["number"], first["now"]) == ("2", "max_share", 0)
    assert first["rows"] == (given["class"] == 2).sum()


def test_what_cannot_be_said_has_no_numbers() -> None:
    found = record(monitor(rows(200, 2).taken(np.arange(0)), rows(500, 1)))
    assert (found["numbers"], found["classes"], found["p"]) == ([], [], None)
    json.dumps(found, allow_nan=False)


def test_a_median() -> None:
    values, weights = np.array([3.0, 1.0, 2.0]), np.array([0.2, 0.2, 0.6])
    assert median(values, weights) == 2
    assert median(values, np.array([0.6, 0.2, 0.2])) == 3
    assert median(np.array([1.0, 2.0])) == 1
