"""Where onnxruntime-web is looked for, and what is said where it is not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cam_core.errors import InputError
from cam_core.web import runtime
from cam_core.web.runtime import FILES, VERSION, find_runtime, kept

NPM = """#!/bin/sh
mkdir -p package/dist
for name in {names}; do echo "$3 $name" > package/dist/$name; done
tar czf onnxruntime-web.tgz package
"""


def fill(folder: Path) -> None:
    folder.mkdir(parents=True)
    for name in FILES:
        (folder / name).write_text(name)


@pytest.mark.parametrize("inner", ["", "dist", "node_modules/onnxruntime-web/dist"])
def test_a_folder_may_hold_the_files_or_the_package(inner: str, tmp_path: Path) -> None:
    fill(tmp_path / "there" / inner)
    found = find_runtime(tmp_path / "there")
    assert set(found) == {*FILES, "LICENSE.txt"}
    assert found[FILES[0]] == FILES[0].encode()
    assert f"onnxruntime-web {VERSION}" in found["LICENSE.txt"].decode()


def test_a_folder_without_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"npm install onnxruntime-web@{VERSION} in it"):
        find_runtime(tmp_path)


def test_what_to_install_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(InputError, match=r"npm install .* name that folder with --runtime"):
        find_runtime()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match=r"neither is npm to get it: install Node\.js, or"):
        find_runtime(fetch=True)


def test_npm_gets_it_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An npm of our own stands for the real one: no test asks the network."""
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text(NPM.format(names=" ".join(FILES)))
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{npm.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    found = find_runtime(fetch=True)
    assert found[FILES[1]].decode().split()[0] == f"onnxruntime-web@{VERSION}"
    npm.write_text("#!/bin/sh\nexit 1\n")
    assert find_runtime(fetch=True) == found
    assert {path.name for path in kept().iterdir()} == set(FILES)


def test_what_npm_complains_of_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho first >&2\necho 'no network here' >&2\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(InputError, match=r"npm could not get onnxruntime-web .*: no network here"):
        find_runtime(fetch=True)


def test_the_version_is_that_of_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.paths import ROOT

    assert f"{runtime.PACKAGE}@{VERSION}" in (ROOT / ".ci" / "run").read_text()
