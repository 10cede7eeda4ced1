"""Where the tests of a module are: in a file of its name, or where `places.py` says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.paths import ROOT
from tests.project.places import ELSEWHERE

FOLDERS = {
    "backends/onnx": "tests",
    "backends/torch": "tests/live",
    "backends/live": "tests/live",
    "backends/recorded": "tests/recorded",
    "backends/openvino": "tests/openvino_runtime",
    "backends/jax": "tests/frameworks",
    "backends/keras": "tests/frameworks",
    "backends/tflite": "tests/frameworks",
    "cam_core/cli": "tests/cli",
    "cam_core": "tests/core",
    "converters": "tests/converting",
}
"""A folder of the source, the inner before the outer -> that of its tests."""
TESTS = ROOT / "tests"
FAMILIES = "backends/onnx/rules/families"
MODULES = sorted(
    path.relative_to(ROOT).as_posix()
    for package in ("backends", "cam_core", "converters")
    for path in (ROOT / package).rglob("*.py")
    if not path.stem.startswith("__")  # faces hand names on, and have nothing to test
)
SAID = [module for modules in ELSEWHERE.values() for module in modules]


def own(module: str) -> list[Path]:
    """The files of its name, a family's rows among them."""
    folder = next(f for f in FOLDERS if module.startswith(f"{f}/"))
    path = ROOT / FOLDERS[folder] / module.removeprefix(f"{folder}/")
    files = [path.with_name(f"test_{path.name}")]
    if module.startswith(FAMILIES):
        files.append(TESTS / "rules" / f"cases_{path.name}")
    return [file for file in files if file.exists()]


@pytest.mark.parametrize("module", MODULES)
def test_a_module_has_its_test_file(module: str) -> None:
    found = own(module)
    assert found or module in SAID, "write its test file, or say in places.py where its tests are"
    assert not (found and module in SAID), f"{found[0].name} is there: places.py need not say more"


def test_what_is_said_is_there() -> None:
    assert sorted(set(SAID) - set(MODULES)) == []
    assert len(SAID) == len(set(SAID))
    named = [file for files, _ in ELSEWHERE for file in files.split()]
    assert [file for file in named if not (TESTS / file).exists()] == []


@pytest.mark.parametrize("path", sorted(TESTS.rglob("*.py")), ids=lambda p: p.name)
def test_a_test_file_can_be_read_at_a_sitting(path: Path) -> None:
    """Tables of rows may be longer, where a family's rows belong together."""
    if not path.name.startswith("cases_"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 440


def test_a_folder_of_tests_shadows_no_package() -> None:
    folders = {path.name for path in TESTS.rglob("*") if path.is_dir()}
    assert not folders & {"backends", "converters", "onnx", "torch", "cam_core"}
    assert not list(TESTS.rglob("__init__.py"))
