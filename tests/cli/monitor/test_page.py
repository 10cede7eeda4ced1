"""The page: bars and lines are the shares that they stand for, and it asks no network."""

from __future__ import annotations

import re

import numpy as np
import pytest

pytest.importorskip("jinja2")

from cam_core.cli.monitor.page import BINS, FOOT, HIGH, page, plot, plots, shares
from cam_core.compare.limits import Checked, read_limit
from cam_core.monitor import monitor, record
from tests.core.monitor.logged import rows


def test_shares_are_those_of_the_rows() -> None:
    values = np.array([0.0, 0.1, 0.9, 5.0])
    found = shares(values, None, (0.0, 1.0))
    assert (found[0], found[int(0.1 * BINS)], found[-1]) == (0.25, 0.25, 0.25)
    assert found.sum() == 1
    weighted = shares(values, np.array([1.0, 0, 0, 3]), (0.0, 1.0))
    assert (weighted[0], weighted[-1]) == (0.25, 0.75)


def test_the_highest_of_both_fills_the_plot() -> None:
    then, now = np.repeat([0.0, 1.0], [75, 25]), np.repeat([0.0, 1.0], [50, 50])
    found = plot(then, None, now)
    tall = [bar["height"] for bar in found["bars"]]
    assert tall == [HIGH, round(HIGH / 3, 1)]
    points = [float(point.split(",")[1]) for point in found["line"].split()]
    assert points[0] == points[-1] == round(FOOT - HIGH * 2 / 3, 1)
    assert len(points) == 2 * BINS


def test_what_is_the_same_everywhere_has_a_plot() -> None:
    found = plot(np.ones(5), None, np.ones(3))
    assert [bar["height"] for bar in found["bars"]] == [HIGH]


def test_it_shows_the_verdict_and_asks_no_network() -> None:
    found = monitor(rows(150, 2, entropy=lambda x: x + 2.0, where="<week>"), rows(400, 1))
    facts = record(found)
    limit = read_limit("alarm.max>0", ["alarm"])
    text = page(found, facts, [Checked(limit, 1.0)]).decode()
    assert facts["verdict"]["line"] in text
    assert "FAILED: alarm.max&gt;0: alarm.max is 1" in text
    assert "&lt;week&gt;" in text
    assert len(re.findall(r"<svg", text)) == len(plots(found)) == 8
    assert not re.search(r"(src|href)=|url\(|https?:", text)
    assert [one["name"] for one in plots(found) if one["moved"]] == ["entropy"]


def test_what_cannot_be_said_has_no_plots() -> None:
    found = monitor(rows(150, 2).taken(np.arange(0)), rows(400, 1))
    assert plots(found) == []
    assert "cannot say" in page(found, record(found), []).decode()
