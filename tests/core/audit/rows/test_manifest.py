"""What a report is of, by a hash that the order of settings does not move."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cam_core.audit.rows import digest, read_manifest, write_manifest
from cam_core.errors import InputError

SETTINGS: dict[str, Any] = {"models": [{"a.onnx": "12"}], "method": "gradcam", "size": (2, 3)}


def test_the_order_is_no_matter_and_all_else_is() -> None:
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1})
    assert digest({"a": 1}) != digest({"a": 2}) != digest({"b": 2})


def test_the_same_report_goes_on(tmp_path: Path) -> None:
    assert write_manifest(tmp_path, SETTINGS, {"versions": {"python": "3"}}) is False
    assert write_manifest(tmp_path, dict(reversed(SETTINGS.items())), {"versions": {}}) is True
    known = read_manifest(tmp_path)
    assert known["facts"] == {"versions": {"python": "3"}}  # as it was begun
    assert known["sha256"] == digest(known["settings"])


OTHERS = {
    "another method": ({"method": "layercam"}, 'method is "gradcam" there and "layercam" here'),
    "another model": (
        {"models": [{"a.onnx": "13"}]},
        r'models is \[{"a.onnx": "12"}\] there and \[{"a.onnx": "13"}\] here',
    ),
    "a setting more": ({"seed": 1}, "seed is null there and 1 here"),
}


@pytest.mark.parametrize("case", OTHERS)
def test_another_report_is_refused_with_what_differs(case: str, tmp_path: Path) -> None:
    change, said = OTHERS[case]
    write_manifest(tmp_path, SETTINGS)
    with pytest.raises(InputError, match=f"report of other settings: {said}"):
        write_manifest(tmp_path, SETTINGS | change)


def test_the_way_down_to_what_differs_is_told(tmp_path: Path) -> None:
    write_manifest(tmp_path, {"run": {"provider": "cpu"}})
    with pytest.raises(InputError, match='run provider is "cpu" there and "cuda" here'):
        write_manifest(tmp_path, {"run": {"provider": "cuda"}})


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "no report in"), ("{", "no JSON"), ('{"format": 99}', "is of another format")],
)
def test_what_is_no_report_is_told(content: str | None, said: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(InputError, match=said):
        read_manifest(tmp_path)
