"""Limits on saved numbers, and the XML that says whether they hold."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import numpy as np
import pytest

from cam_core.compare.limits import check, junit, read_limit
from cam_core.errors import InputError

RECORD = {
    "format": 1,
    "verdict": {"word": "nearly the same", "line": "nearly the same: <0.9>"},
    "photos": [
        {"photo": f"{i}.png", "spearman": v, "flips": i % 2, "gain": None}
        for i, v in enumerate([0.9, 0.95, 0.7, None, 0.99])
    ],
}
KNOWN = [0.9, 0.95, 0.7, 0.99]


@pytest.mark.parametrize(
    ("text", "value", "failed"),
    [
        ("spearman.p05<0.8", np.percentile(KNOWN, 5), True),
        ("spearman.p05 < 0.7", np.percentile(KNOWN, 5), False),
        ("spearman.min<=0.7", 0.7, True),
        ("spearman.min<0.7", 0.7, False),
        ("spearman.median>=9.25e-1", np.median(KNOWN), True),
        ("flips.mean>0.4", 0.4, False),
        ("flips.max>.5", 1.0, True),
    ],
)
def test_a_limit(text: str, value: float, failed: bool) -> None:
    (found,) = check(RECORD, [read_limit(text)])
    assert found.value == pytest.approx(value)
    assert found.failed == failed
    assert found.line == f"{text}: {found.limit.metric}.{found.limit.statistic.name} is {value:.4g}"


def test_no_number_fails() -> None:
    (found,) = check(RECORD, [read_limit("gain.max>2")])
    assert found.failed
    assert found.line == "gain.max>2: no photo has a number"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("spearman<0.8", "write METRIC.STATISTIC"),
        ("spearman.p05=0.8", "write METRIC.STATISTIC"),
        ("spearmen.p05<0.8", "no metric 'spearmen'; did you mean spearman"),
        ("x.p05<0.8", "no metric 'x': there are spearman, pearson"),
        ("spearman.mode<0.8", "no statistic 'mode'"),
        ("spearman.p05<1.2.3", "write METRIC.STATISTIC"),
    ],
)
def test_no_limit(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_limit(text)


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"format": 1},
        {"format": 2, "photos": [{}]},
        {"format": 1, "photos": [{}], "verdict": "the same"},
    ],
)
def test_another_file_is_refused(record: dict) -> None:
    with pytest.raises(InputError, match="no record of 'gradcam compare'"):
        check(record, [])


@pytest.mark.parametrize("number", ["high", [1], 10**400])
def test_damaged_numbers_are_refused(number: object) -> None:
    record = json.loads(json.dumps(RECORD))
    record["photos"][0]["spearman"] = number
    with pytest.raises(InputError, match="numbers cannot be read"):
        check(record, [read_limit("spearman.min<1")])


def test_the_xml_has_a_case_a_limit() -> None:
    checked = check(RECORD, [read_limit("spearman.p05<0.8"), read_limit("flips.mean>0.5")])
    (suite,) = ElementTree.fromstring(junit(checked, RECORD))
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    first, second = suite.findall("testcase")
    failure = first.find("failure")
    assert failure is not None
    assert failure.get("message") == "spearman.p05<0.8: spearman.p05 is 0.73"
    assert failure.text == "nearly the same: <0.9>"
    assert second.find("failure") is None


@pytest.mark.parametrize(("word", "failures"), [("the same", "0"), ("not the same", "1")])
def test_without_limits_it_is_the_verdict(word: str, failures: str) -> None:
    (suite,) = ElementTree.fromstring(junit([], {"verdict": {"word": word, "line": word}}))
    assert (suite.get("tests"), suite.get("failures")) == ("1", failures)


def test_the_xml_can_be_read_whatever_a_photo_is_called() -> None:
    line = "nearly the same: 'a\x01\x1b[31m\ud800.png' is 20% of the way"
    found = junit([], {"verdict": {"word": "not the same", "line": line}})
    (suite,) = ElementTree.fromstring(found)
    assert suite.findtext("system-out") == "nearly the same: 'a  [31m .png' is 20% of the way"
