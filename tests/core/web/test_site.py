"""The folder that is written: what is in it, what it refuses, what the service worker keeps."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from cam_core.errors import InputError
from cam_core.web import SiteModel, write_site
from cam_core.web import site as module
from cam_core.web.headers import CLOSED, HEADERS
from tests.core.web.page import PAGE

RUNTIME = {"ort.wasm.min.mjs": b"export default 1;", "LICENSE.txt": b"MIT"}
MODEL = SiteModel("a b.onnx", b"12345", {"labels_source": "none"})


def test_the_page_the_runtime_and_the_models_are_in_it(tmp_path: Path) -> None:
    other = SiteModel("a b.onnx", b"678", {})
    files = write_site(tmp_path / "site", [MODEL, other], runtime=RUNTIME)
    names = {path.relative_to(tmp_path / "site").as_posix() for path in files}
    assert {"index.html", "main.js", "worker.js", "sw.js", "site.json", "_headers"} <= names
    assert {
        "runtime/ort.wasm.min.mjs",
        "runtime/LICENSE.txt",
        "vendor/protobuf/LICENSE.txt",
    } <= names
    assert not [name for name in names if name.endswith((".d.ts", "tsconfig.json", "package.json"))]
    assert all(path.is_file() for path in files)
    site = json.loads((tmp_path / "site/site.json").read_text())
    first, second = site["models"]
    assert first == {
        **{"name": "a b.onnx", "file": "models/0-a-b.onnx", "bytes": 5},
        "notes": {"labels_source": "none"},
    }
    assert (tmp_path / "site" / second["file"]).read_bytes() == b"678"
    assert [one["name"] for one in site["samples"]] == ["scene-1.png", "scene-2.png", "scene-3.png"]


def test_samples_take_the_place_of_the_demo_s(tmp_path: Path) -> None:
    write_site(tmp_path, runtime=RUNTIME, samples={"mine #1.jpg": b"x"})
    site = json.loads((tmp_path / "site.json").read_text())
    assert site["samples"] == [{"name": "mine #1.jpg", "file": "samples/0-mine-1.jpg"}]
    assert site["models"] == []


def test_what_a_browser_cannot_hold_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 5)
    with pytest.raises(InputError, match=r"a b\.onnx has 0\.0 GB, and a browser takes up to 2"):
        write_site(tmp_path / "site", [MODEL], runtime=RUNTIME)
    assert not (tmp_path / "site").exists()


def test_the_service_worker_knows_all_that_the_page_is_made_of(tmp_path: Path) -> None:
    write_site(tmp_path, [MODEL], runtime=RUNTIME)
    text = (tmp_path / "sw.js").read_text()
    shell = json.loads(re.search(r"\(\[(.*?)\]\)", text, re.S).group(0)[1:-1])  # type: ignore[union-attr]
    own = {path.relative_to(PAGE).as_posix() for path in PAGE.rglob("*.js")} - {"sw.js"}
    assert own <= set(shell)
    assert {"./", "index.html", "style.css", "site.json"} <= set(shell)
    assert not [name for name in shell if name.startswith(("runtime/", "models/"))]


def test_its_version_changes_with_any_file(tmp_path: Path) -> None:
    versions = set()
    for content in (b"1", b"2", b"2"):
        write_site(tmp_path, [SiteModel("m.onnx", content, {})], runtime=RUNTIME)
        found = re.search(r"site-(\w+)", (tmp_path / "sw.js").read_text())
        assert found is not None
        versions.add(found[1])
    assert len(versions) == 2


def test_page_host_and_service_worker_say_the_same_of_what_may_be_asked(tmp_path: Path) -> None:
    write_site(tmp_path, runtime=RUNTIME)
    headers = (tmp_path / "_headers").read_text()
    worker = (tmp_path / "sw.js").read_text()
    for name, value in (HEADERS | CLOSED).items():
        assert f"  {name}: {value}\n" in headers
        assert f'"{name}":' in worker
        assert value in worker
    (meta,) = re.findall(
        r'Content-Security-Policy" content="([^"]*)"', (PAGE / "index.html").read_text()
    )
    assert set(CLOSED["Content-Security-Policy"].split("; ")) <= set(meta.split("; "))
    assert "connect-src 'self'" in meta


def test_models_of_the_last_site_do_not_stay(tmp_path: Path) -> None:
    write_site(tmp_path, [MODEL, MODEL], runtime=RUNTIME)
    (tmp_path / "models" / "own.txt").write_text("somebody else's")
    write_site(tmp_path, [SiteModel("new.onnx", b"1", {})], runtime=RUNTIME, samples={"a.png": b""})
    assert {path.name for path in (tmp_path / "models").iterdir()} == {"0-new.onnx", "own.txt"}
    assert {path.name for path in (tmp_path / "samples").iterdir()} == {"0-a.png"}


def test_the_page_names_no_other_host() -> None:
    """Licences and a namespace are no addresses that anything asks."""
    for path in PAGE.rglob("*"):
        if "vendor" in path.parts or path.suffix not in (".js", ".html", ".css", ".svg"):
            continue
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.findall(r"(?:https?|wss?):[/][/][\w.]+", text), path.name
