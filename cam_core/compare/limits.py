"""Limits on a comparison: `spearman.p05<0.8` fails where that is so.

limit  := metric "." statistic operator number
metric := a name in METRICS, such as spearman, iou, gain, flips, way
statistic := median, mean, min, max, or pNN, such as p05
operator := "<", "<=", ">", ">="
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any
from xml.etree import ElementTree

import numpy as np

from ..errors import InputError
from .record import FORMAT, METRICS, values
from .spread import Statistic

OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
WRITTEN = re.compile(
    r"\s*(\w+)\.(\w+)\s*(<=|>=|<|>)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)\s*", re.I
)


@dataclass(frozen=True)
class Limit:
    """What must not be so."""

    text: str
    metric: str
    statistic: Statistic
    sign: str
    number: float


@dataclass(frozen=True)
class Checked:
    """A limit, and what it was put on."""

    limit: Limit
    value: float

    @property
    def failed(self) -> bool:
        """Is it so? No number at all is a failure too: nothing was shown."""
        if np.isnan(self.value):
            return True
        return OPERATORS[self.limit.sign](self.value, self.limit.number)

    @property
    def line(self) -> str:
        """In words."""
        if np.isnan(self.value):
            return f"{self.limit.text}: no photo has a number"
        name = f"{self.limit.metric}.{self.limit.statistic.name}"
        return f"{self.limit.text}: {name} is {self.value:.4g}"


def read_limit(text: str, known: Collection[str] = METRICS) -> Limit:
    """One limit.

    Args:
        text: as it is written.
        known: the names of the metrics that there are.

    Raises:
        InputError: it is none, with what is wrong.
    """
    parts = WRITTEN.fullmatch(text)
    if parts is None:
        raise InputError(
            f"--fail-if '{text}': write METRIC.STATISTIC, <, <=, > or >=, and a number, such as "
            "spearman.p05<0.8"
        )
    metric, statistic, sign, limit = parts.groups()
    if metric not in known:
        near = get_close_matches(metric, known, 1)
        hint = f"; did you mean {near[0]}?" if near else f": there are {', '.join(known)}"
        raise InputError(f"--fail-if '{text}': no metric '{metric}'{hint}")
    one = Statistic(statistic)
    try:
        one([0.0])
        return Limit(text.strip(), metric, one, sign, float(limit))
    except (InputError, ValueError) as error:
        raise InputError(f"--fail-if '{text}': {error}") from error


def check(record: Mapping[str, Any], limits: Sequence[Limit]) -> list[Checked]:
    """Each limit on the numbers of a record.

    Raises:
        InputError: it is no record of a comparison.
    """
    photos = record.get("photos")
    known = isinstance(photos, list) and photos and all(isinstance(one, dict) for one in photos)
    known = known and isinstance(record.get("verdict") or {}, dict)
    if record.get("format") != FORMAT or not known:
        raise InputError("no record of 'gradcam compare': give the compare.json that it wrote")
    assert isinstance(photos, list)
    try:
        return [Checked(one, one.statistic(values(photos, one.metric))) for one in limits]
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"the record's numbers cannot be read: {error}") from error


def junit(checked: Sequence[Checked], record: Mapping[str, Any], command: str = "compare") -> bytes:
    """The limits as a test suite that build servers show (JUnit's XML): a test case each.

    Without limits its only case is the verdict, which fails where it is "not the same".
    """
    verdict = record.get("verdict") or {}
    line, word = _printable(str(verdict.get("line", ""))), verdict.get("word")
    cases = [(one.limit.text, one.line if one.failed else "") for one in checked]
    cases = cases or [("verdict", line if word == "not the same" else "")]
    failed = sum(bool(why) for _, why in cases)
    suites = ElementTree.Element("testsuites")
    totals = {"tests": str(len(cases)), "failures": str(failed), "errors": "0"}
    suite = ElementTree.SubElement(suites, "testsuite", {"name": f"gradcam {command}", **totals})
    for name, why in cases:
        case = ElementTree.SubElement(suite, "testcase", classname=f"gradcam.{command}", name=name)
        if why:
            ElementTree.SubElement(case, "failure", message=why).text = line
    ElementTree.SubElement(suite, "system-out").text = line
    ElementTree.indent(suites)
    found: bytes = ElementTree.tostring(suites, encoding="utf-8", xml_declaration=True)
    return found


def _printable(text: str) -> str:
    """XML has no control characters, which a photo's name may hold."""
    return "".join(c if c.isprintable() else " " for c in text)
