"""`gradcam audit`: whole runs on the demo's model."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("onnxruntime")
pytest.importorskip("pyarrow")
pytest.importorskip("jinja2")

from cam_core.cli.commands.audit import audit as command
from cam_core.cli.group import gradcam
from tests.cli.audit.files import COUNT, audit, write_files
from tests.paths import DATA, ROOT


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_files(tmp_path_factory.mktemp("audit"))


@pytest.fixture(autouse=True)
def _here(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(files)


def report(out: str) -> dict[str, Any]:
    return json.loads((Path(out) / "report.json").read_text())


def rows(out: str) -> list[dict[str, Any]]:
    from pyarrow.parquet import read_table

    return read_table(Path(out) / "rows").to_pylist()


def test_one_model_is_told_by_its_answers_and_where_it_looks() -> None:
    result = audit("a.onnx", "photos", "--card", "card.md", out="one")
    assert result.exit_code == 0, result.output
    found = report("one")
    assert (found["photos"], found["failed"]) == (COUNT + 1, 1)
    known = [row for row in rows("one") if row["error"] is None]
    right = np.mean([row["correct"] for row in known])
    assert found["statistics"]["correct"]["mean"] == pytest.approx(right)
    assert f"verdict  14 photos, 1 more could not be read; {right:.1%} right" in result.output
    assert "not a picture that can be read" in result.output
    assert 0 < found["statistics"]["energy_border"]["mean"] < 1
    page = (Path("one") / "report.html").read_text()
    assert ("Mistakes" in page) == (right < 1)
    assert "Worst photos" in page
    assert found["verdict"]["line"] in Path("card.md").read_text()
    assert "wrote    card.md" in result.output


def test_two_models_are_told_by_how_alike_they_look() -> None:
    result = audit("a.onnx", "a.onnx", "photos", out="same")
    assert result.exit_code == 0, result.output
    found = report("same")
    assert found["verdict"]["word"] == "the same"
    assert found["verdict"]["line"] in result.output.replace("\n", " ")
    assert found["statistics"]["flips"]["mean"] == 0
    other = audit("a.onnx", "b.onnx", "photos", out="other")
    assert other.exit_code == 0, other.output
    spearman = report("other")["statistics"]["spearman"]["mean"]
    assert spearman < found["statistics"]["spearman"]["mean"]
    values = [row["spearman"] for row in rows("other") if row["spearman"] is not None]
    assert spearman == pytest.approx(np.mean(values))


def test_a_limit_decides_how_it_ends() -> None:
    assert audit("a.onnx", "photos", out="limits").exit_code == 0
    call = ["audit", "--again", "limits", "--fail-if", "failed.mean>0", "--junit", "limits.xml"]
    result = CliRunner().invoke(gradcam, call)
    assert result.exit_code == 1
    assert "FAILED failed.mean>0: failed.mean is 0.06667" in result.output
    suite = ElementTree.parse("limits.xml").getroot()[0]
    assert (suite.get("name"), suite.get("failures")) == ("gradcam audit", "1")
    call[4] = "failed.mean>0.1"
    assert CliRunner().invoke(gradcam, call).exit_code == 0
    for call[-1] in ("limits/report.json", "limits/report.html"):
        result = CliRunner().invoke(gradcam, call)
        assert (result.exit_code, "the report itself" in result.output) == (2, True)


def test_a_place_for_limits_is_checked_first() -> None:
    result = audit("a.onnx", "photos", "--junit", ".", out="never")
    assert (result.exit_code, Path("never").exists()) == (2, False)
    assert "--junit '.': a folder" in result.output


def test_metrics_that_were_asked_for_are_everywhere() -> None:
    """In rows, record, page, card and limits, and on the terminal; first what they cost."""
    asked = ["--metrics", "ROAD combined,random_class,pointing_game"]
    asked += ["--fail-if", "road_combined.mean<2", "--card", "extra.md"]
    result = audit("a.onnx", "photos", *asked, out="extra")
    assert result.exit_code == 1, result.output
    assert "road_combined.mean<2: road_combined.mean is" in result.output
    # ROAD: itself, nine percentiles in both orders, and once to settle the class; its own map, and
    # that of the other class from the same look
    cost = "road_combined, random_class, pointing_game: 21 forward passes and 2 back a photo more"
    assert cost in result.output
    assert "pointing_game: no number of the first photos: no box of what is asked" in result.output
    known = report("extra")["statistics"]
    for name in ("road_combined", "random_class"):
        values = [row[name] for row in rows("extra") if row["error"] is None]
        assert len(set(values)) == COUNT
        assert known[name]["mean"] == pytest.approx(np.mean(values))
        assert f"| {name} |" in Path("extra.md").read_text()
        assert f'<th class="words" scope="row">{name}</th>' in Path("extra/report.html").read_text()
    assert known["pointing_game"]["photos"] == 0
    assert "insertion" not in rows("extra")[0]
    again = audit("a.onnx", "photos", "--metrics", "sanity", out="extra")
    assert "report of other settings: metrics is" in again.output
    limit = ["audit", "--again", "extra", "--fail-if", "random_class.median>2"]
    assert CliRunner().invoke(gradcam, limit).exit_code == 0


def test_a_second_call_does_nothing_again_and_another_is_refused() -> None:
    assert audit("a.onnx", "photos", out="twice").exit_code == 0
    before = {file: file.read_bytes() for file in Path("twice/rows").iterdir()}
    result = audit("a.onnx", "photos", out="twice")
    assert result.exit_code == 0
    assert f"note: {COUNT + 1} rows were there already" in result.output
    assert {file: file.read_bytes() for file in Path("twice/rows").iterdir()} == before
    other = audit("b.onnx", "photos", out="twice")
    assert other.exit_code == 2
    assert "report of other settings: models is" in other.output


def test_a_baseline_says_what_moved() -> None:
    assert audit("a.onnx", "photos", out="before").exit_code == 0
    same = audit("a.onnx", "photos", "--baseline", "before", out="after")
    assert "moved    no number has moved for sure" in same.output
    worse = audit("b.onnx", "photos", "--baseline", "before", out="worse")
    assert worse.exit_code == 0, worse.output
    moved = report("worse")["baseline"]["numbers"]["score_model"]
    pairs = [
        (a["score_model"], b["score_model"])
        for a, b in zip(rows("before"), rows("worse"), strict=True)
        if a["error"] is None
    ]
    then, now = np.mean(pairs, axis=0)
    assert (moved["then"], moved["now"]) == pytest.approx((then, now))
    assert moved["difference"] == pytest.approx(now - then)
    assert "Against the baseline" in (Path("worse") / "report.html").read_text()


def test_other_processes_make_the_same_rows() -> None:
    assert audit("a.onnx", "photos", out="here").exit_code == 0
    result = audit("a.onnx", "photos", "--engine", "local", "--workers", "1", out="there")
    assert result.exit_code == 0, result.output
    assert rows("there") == rows("here")


def test_a_sample_is_drawn() -> None:
    assert audit("a.onnx", "photos", "--sample", "5", "--seed", "2", out="some").exit_code == 0
    assert len(rows("some")) == 5


def test_a_planted_mark_is_on_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    from tests.core.audit import planted

    monkeypatch.chdir(tmp_path)
    (tmp_path / "names.txt").write_text("\n".join(planted.NAMES))
    data = planted.data(tmp_path, planted.CORNER)
    pixels = ["--rescale", str(1 / 255), "--mean", str(planted.MEAN), "--std", str(planted.STD)]
    call = ["audit", "tests.core.audit.planted:marked", str(data), "--labels", "names.txt"]
    result = CliRunner().invoke(gradcam, [*call, *pixels, "--fit", "stretch", "-o", "out"])
    assert result.exit_code == 0, result.output
    assert "shortcut red: in the upper left corner" in result.output
    (found,) = report("out")["shortcuts"]
    assert (found["answer"], found["where"]) == ("red", "in the upper left corner")
    page = (tmp_path / "out" / "report.html").read_text()
    assert "lie in the upper left corner whatever they show" in page


def test_the_page_lists_every_option_and_the_gate_uses_no_other() -> None:
    known = {flag for one in command.params for flag in (*one.opts, *one.secondary_opts)}
    flags = {flag for flag in known if flag.startswith("--")}
    page = (ROOT / "docs" / "commands" / "audit.md").read_text(encoding="utf-8")
    options = page.partition("## Options")[2]
    assert not [flag for flag in flags if not re.search(rf"{flag}[ `]", options)]
    text = (ROOT / "examples" / "ci" / "release-gate.yml").read_text(encoding="utf-8")
    used = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text))
    assert {"--fail-if", "--junit", "--card"} <= used <= flags


REFUSED: dict[str, tuple[list[str], str]] = {
    "no data": (["a.onnx"], "audit takes a model, maybe a reference, and photos"),
    "no such data": (["a.onnx", "nowhere"], "'nowhere': no such file or folder"),
    "no such metric": (
        ["a.onnx", "photos", "--fail-if", "spearman.p05<0.8"],
        "no metric 'spearman'",
    ),
    "no baseline": (["a.onnx", "photos", "--baseline", "photos"], "no report in 'photos'"),
    "no such metric to measure": (["a.onnx", "photos", "--metrics", "insert"], "mean insertion?"),
    "no names of metrics": (["a.onnx", "photos", "--metrics", "a,,b"], "not names with commas"),
    "two targets": (["a.onnx", "photos", "--target", "1", "--target", "2"], "one --target"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_told_in_a_line(case: str) -> None:
    arguments, said = REFUSED[case]
    result = audit(*arguments, out="refused")
    assert result.exit_code == 2
    assert said in " ".join(result.output.split())
    assert "Traceback" not in result.output


@pytest.mark.skipif(not DATA.exists(), reason="the real photos are not beside this tree")
def test_arrays_of_photos_are_data() -> None:
    call = [str(DATA / "models/cifar10-vit.onnx"), str(DATA / "cifar10_242.npz"), "--sample", "40"]
    pixels = ["--rescale", str(1 / 255), "--fit", "stretch"]
    pixels += ["--mean", "0.4914,0.4822,0.4465", "--std", "0.2023,0.1994,0.2010"]
    result = CliRunner().invoke(gradcam, ["audit", *call, *pixels, "-o", "cifar"])
    assert result.exit_code == 0, result.output
    found = report("cifar")
    assert (found["photos"], found["failed"]) == (40, 0)
    assert found["statistics"]["correct"]["mean"] == 1.0  # these photos were chosen so
