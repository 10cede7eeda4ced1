"""`gradcam monitor`: from a log and a report to a verdict, a page and an exit code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from click.testing import CliRunner, Result

from cam_core.cli.group import gradcam
from tests.core.monitor.logged import columns
from tests.core.monitor.test_logs import write


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A baseline, a week like it and one in which a number moved."""
    monkeypatch.chdir(tmp_path)
    log("baseline.csv", 400, 1)
    log("week.csv", 150, 2)
    log("moved.jsonl", 150, 2, entropy=2.0)


def log(name: str, count: int, seed: int, entropy: float = 0.0, **more: Any) -> None:
    found = columns(count, seed)
    found["entropy"] = found["entropy"] + entropy
    given = {key: of.tolist() for key, of in found.items()}
    write(Path(name), {**given, **{key: [of] * count for key, of in more.items()}})


def call(*arguments: str, baseline: str = "baseline.csv") -> Result:
    return CliRunner().invoke(gradcam, ["monitor", *arguments, "--baseline", baseline])


def test_the_verdict_comes_first() -> None:
    result = call("week.csv")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("verdict  the same: no shift of attention in 150 rows")
    assert "note: no model_sha256 in the log" in result.stderr
    moved = call("moved.jsonl")
    assert moved.exit_code == 0
    assert moved.stdout.startswith("verdict  not the same: entropy moved in 150 rows (p 0.001;")
    assert "entropy *" in moved.stdout
    assert "rows): entropy" in moved.stdout  # of each class


@pytest.mark.parametrize(
    ("name", "limit", "code"),
    [
        ("week.csv", "alarm.max>0", 0),
        ("moved.jsonl", "alarm.max>0", 1),
        ("moved.jsonl", "shift.max>0.2", 1),
        ("moved.jsonl", "p.min<0.0001", 0),
        ("week.csv", "entropy.median<1000", 1),
    ],
)
def test_a_broken_limit_ends_in_1(name: str, limit: str, code: int) -> None:
    result = call(name, "--fail-if", limit, "--junit", "limits.xml")
    assert result.exit_code == code, result.output
    suite = ElementTree.fromstring(Path("limits.xml").read_text())[0]
    assert (suite.attrib["name"], suite.attrib["failures"]) == ("gradcam monitor", str(code))


def test_without_limits_the_verdict_is_the_test() -> None:
    assert call("moved.jsonl", "--junit", "limits.xml").exit_code == 0
    suite = ElementTree.fromstring(Path("limits.xml").read_text())[0]
    assert suite.attrib["failures"] == "1"


def test_a_place_for_limits_is_checked_first() -> None:
    result = call("moved.jsonl", "--junit", ".")
    assert (result.exit_code, "--junit '.': a folder" in result.output) == (2, True)


def test_too_few_rows_pass_no_limit() -> None:
    log("few.csv", 10, 3)
    result = call("few.csv", "--fail-if", "alarm.max>0")
    assert result.exit_code == 1
    assert "cannot say: 10 rows in the log are compared, 37 are needed" in result.stdout


def test_the_record_is_what_is_told() -> None:
    printed = json.loads(call("moved.jsonl", "--json", "--alpha", "0.05").stdout)
    assert call("moved.jsonl", "-o", "out/week.json", "--alpha", "0.05").exit_code == 0
    written = json.loads(Path("out/week.json").read_text())
    assert written == printed
    assert (written["alpha"], written["verdict"]["word"]) == (0.05, "not the same")


def test_options_are_taken() -> None:
    other = json.loads(call("week.csv", "--json", "--every", "3", "--all-classes").stdout)
    assert (other["every"], other["rows"]["log"], other["mix"]) == (3, 50, None)
    assert other["classes"] == []


def test_a_baseline_of_another_model_is_refused() -> None:
    log("ours.csv", 60, 2, model_sha256="ab" * 32)
    log("theirs.csv", 60, 2, model_sha256="cd" * 32)
    result = call("ours.csv", baseline="theirs.csv")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: 'theirs.csv' is of another model: model_sha256 is")


REFUSED = [
    (["week.csv", "-o", "page.png"], "a page is .html, a record .json"),
    (["week.csv", "--fail-if", "alram.max>0"], "did you mean alarm?"),
    (["week.csv", "--alpha", "0"], "a rate of false alarms from"),
    (["nowhere.csv"], "No such file"),
]


@pytest.mark.parametrize(("arguments", "words"), REFUSED, ids=[words for _, words in REFUSED])
def test_what_does_not_fit_is_a_line(arguments: list[str], words: str) -> None:
    result = call(*arguments)
    assert result.exit_code == 2
    assert words in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_report_is_its_own_baseline() -> None:
    """The rows of an audit of the demo's model, written as a device logs them."""
    pytest.importorskip("onnxruntime")
    pytest.importorskip("pyarrow")
    from cam_core.audit import audit
    from cam_core.demo import MODEL
    from cam_core.maps.stats import STATS

    x = np.random.default_rng(1).random((90, 3, 128, 128), np.float32)
    np.savez("photos.npz", x=x)
    table = audit(MODEL, "photos.npz", "report").table
    found = {name: np.nan_to_num(table.numbers(name)).tolist() for name in STATS}
    sha = next(iter(json.loads(Path("report/manifest.json").read_text())["facts"]["sources"]))
    write(
        Path("own.csv"),
        {**found, "class": table.numbers("answer_class").tolist(), "model_sha256": [sha] * 90},
    )
    result = call("own.csv", baseline="report")
    assert result.stdout.startswith("verdict  the same: no shift of attention in 90 rows (p 1)")
    assert result.stderr == ""
