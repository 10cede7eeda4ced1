"""Where `-o` leads: through links, into pipes; never in the place of what is no regular file.

The pipes, links and sockets are made here; no device of the machine is touched.
"""

from __future__ import annotations

import json
import os
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import numpy as np
import onnx
import pytest
from click.testing import CliRunner

from backends.onnx import instrument, strip
from backends.onnx.instrumenting.save import save
from backends.onnx.reading.load import load
from cam_core.cli.commands.methods import methods
from cam_core.cli.group import gradcam
from cam_core.cli.options import no_stdout
from cam_core.demo import MODEL
from cam_core.errors import InputError
from cam_core.write import find_place, move_together, replacing, write_together

if not hasattr(os, "mkfifo"):
    pytest.skip("a system without pipes in folders", allow_module_level=True)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the demo's model as m.onnx, and an instrumented one as cam.onnx."""
    monkeypatch.chdir(tmp_path)
    Path("m.onnx").write_bytes(MODEL.read_bytes())
    Path("cam.onnx").write_bytes(instrument(MODEL.read_bytes()).SerializeToString())
    return tmp_path


@contextmanager
def pipe(path: str) -> Iterator[Callable[[], bytes]]:
    """A pipe with a reader that waits for nobody; it has to be there at the end."""
    os.mkfifo(path)
    reader = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    try:
        yield lambda: os.read(reader, 2**16)
        assert stat.S_ISFIFO(os.lstat(path).st_mode), "something took its place"
    finally:
        os.close(reader)


def run(*args: str) -> Any:
    return CliRunner().invoke(gradcam, args)


JSON = {
    "layers": ["layers", "m.onnx"],
    "check": ["check", "m.onnx"],
    "methods": ["methods"],
}
MODELS = {"instrument": ["instrument", "m.onnx"], "strip": ["strip", "cam.onnx"]}


@pytest.mark.parametrize("command", JSON)
def test_a_record_goes_into_a_pipe(command: str, here: Path) -> None:
    with pipe("pipe") as content:
        found = run(*JSON[command], "-o", "pipe")
        assert found.exit_code == 0, found.output
        assert json.loads(content())["command"] == command


def test_a_model_goes_into_a_pipe(here: Path) -> None:
    """Through a link to it, too: of a model that the pipe holds without a reader."""
    small = onnx.parser.parse_model("""<ir_version: 8, opset_import: ["" : 17]>
    net (float[N, 3, 4, 4] x) => (float[N, 3] y) { r = Relu(x) g = GlobalAveragePool(r)
    y = Flatten(g) }""")
    Path("small.onnx").write_bytes(small.SerializeToString())
    Path("link").symlink_to("pipe")
    with pipe("pipe") as content:
        for out in ("pipe", "link"):
            found = run("instrument", "small.onnx", "-o", out)
            assert found.exit_code == 0, found.output
            assert strip(content()) == small
    assert Path("link").is_symlink()


@pytest.mark.parametrize("command", [*JSON, *MODELS])
@pytest.mark.parametrize("old", [b"old", None], ids=["file", "dangling"])
def test_a_link_is_followed(command: str, old: bytes | None, here: Path) -> None:
    args = (JSON | MODELS)[command]
    Path("store").mkdir()
    if old is not None:
        Path("store/current").write_bytes(old)
    Path("link").symlink_to("store/current")
    Path("link of a link").symlink_to("link")
    found = run(*args, "-o", "link of a link")
    assert found.exit_code == 0, found.output
    assert Path("link").is_symlink()
    assert Path("link of a link").is_symlink()
    plain = run(*args, "-o", "plain")
    assert plain.exit_code == 0
    assert Path("store/current").read_bytes() == Path("plain").read_bytes()
    assert [p.name for p in Path("store").iterdir()] == ["current"]


def make(name: str) -> None:
    """What stands in the way, at `x`."""
    if name == "a socket":
        with socket.socket(socket.AF_UNIX) as made:
            made.bind("x")
    elif name == "a folder":
        Path("x").mkdir()
    elif name == "a link to a folder":
        Path("store").mkdir()
        Path("x").symlink_to("store")
    elif name == "a link into no folder":
        Path("x").symlink_to("gone/file")
    else:
        Path("x").symlink_to("x")


REFUSED = {
    "a socket": "it is a socket; name a file",
    "a folder": "folder",
    "a link to a folder": "folder",
    "a link into no folder": "does not exist",
    "a ring of links": "Too many levels of symbolic links",
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("command", ["layers", "instrument"])
def test_what_cannot_be_written_is_refused_in_a_line(name: str, command: str, here: Path) -> None:
    make(name)
    before = sorted(here.rglob("*")), os.lstat("x")
    found = run(*(JSON | MODELS)[command], "-o", "x")
    assert found.exit_code == 2
    assert REFUSED[name] in found.stderr
    assert "'x'" in found.stderr
    assert found.stderr.count("\n") == 1
    assert (sorted(here.rglob("*")), os.lstat("x")) == before


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() == 0, reason="root may write anywhere")
def test_a_link_into_a_folder_that_may_not_be_written(here: Path) -> None:
    Path("store").mkdir()
    Path("store/current").write_bytes(b"old")
    Path("x").symlink_to("store/current")
    Path("store").chmod(0o500)
    try:
        found = run("layers", "m.onnx", "-o", "x")
    finally:
        Path("store").chmod(0o700)
    assert found.exit_code == 2
    assert "Permission denied" in found.stderr
    assert Path("store/current").read_bytes() == b"old"


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1"])
def test_the_standard_output_is_no_file(name: str) -> None:
    """Asked of the option's own check: no test may come near a device."""
    context, option = click.Context(gradcam), click.Option(["-o"])
    with pytest.raises(InputError, match=f"-o '{name}': commands print there"):
        no_stdout(context, option, Path(name))
    assert no_stdout(context, option, Path("x.json")) == Path("x.json")
    assert {o.callback for o in methods.params if o.name == "out"} == {no_stdout}


def external(folder: str) -> Path:
    Path(folder).mkdir()
    path = Path(folder, "big.onnx")
    options = {"save_as_external_data": True, "location": "big.data", "size_threshold": 0}
    onnx.save(onnx.load("m.onnx"), path, **options)
    return path


def test_weights_in_other_files_do_not_go_into_a_pipe(here: Path) -> None:
    model = external("source")
    with pipe("pipe"), pytest.raises(InputError, match=r"'pipe': it is a pipe, and several files"):
        save(instrument(model), "pipe", load(model))
    assert not Path("big.data").exists()


def test_weights_in_other_files_lie_beside_the_link(here: Path) -> None:
    """So the link may not lead to another folder; in the same one it may."""
    model = external("source")
    Path("other").mkdir()
    Path("store").mkdir()
    Path("other/x.onnx").symlink_to("../store/x.onnx")
    with pytest.raises(InputError, match="the model's weights must lie beside it"):
        save(instrument(model), "other/x.onnx", load(model))
    assert [*Path("store").iterdir()] == []
    Path("other/z.onnx").symlink_to("y.onnx")
    save(instrument(model), "other/z.onnx", load(model))
    assert {p.name for p in Path("other").iterdir()} == {"big.data", "x.onnx", "y.onnx", "z.onnx"}
    load(Path("other/z.onnx"))


@pytest.mark.parametrize("name", ["big.data", "link"])
def test_the_weights_of_the_source_are_not_written_over(name: str, here: Path) -> None:
    model = external("source")
    Path("source/link").symlink_to("big.data")
    before = Path("source/big.data").read_bytes()
    with pytest.raises(InputError, match="holds weights of the model"):
        save(instrument(model), Path("source", name), load(model))
    assert Path("source/big.data").read_bytes() == before


def test_a_model_is_not_written_over_the_weights_it_brings(here: Path) -> None:
    model = external("source")
    Path("other").mkdir()
    with pytest.raises(InputError, match="two files"):
        save(instrument(model), "other/big.data", load(model))
    assert [*Path("other").iterdir()] == []


def test_a_link_in_the_place_of_weights_is_refused(here: Path) -> None:
    model = external("source")
    Path("other").mkdir()
    Path("other/big.data").symlink_to("../elsewhere")
    with pytest.raises(InputError, match="is another file"):
        save(instrument(model), "other/x.onnx", load(model))
    assert not Path("elsewhere").exists()


def test_several_files_follow_links_and_refuse_pipes(here: Path) -> None:
    Path("out").mkdir()
    Path("store").mkdir()
    Path("out/a").symlink_to("../store/a")
    write_together("out", {"a": b"1", "b": b"2"})
    assert Path("out/a").is_symlink()
    assert (Path("store/a").read_bytes(), Path("out/b").read_bytes()) == (b"1", b"2")
    with pipe("out/c"), pytest.raises(InputError, match=r"'out/c': it is a pipe, and several"):
        write_together("out", {"a": b"3", "c": b"4"})
    Path("out/d").symlink_to("b")
    with pytest.raises(InputError, match="two files"):
        write_together("out", {"b": b"5", "d": b"6"})
    assert (Path("store/a").read_bytes(), Path("out/b").read_bytes()) == (b"1", b"2")


def test_finished_files_are_moved_as_they_would_be_written(here: Path) -> None:
    """As a converter does."""
    Path("new").write_bytes(b"content")
    with pipe("pipe") as content:
        move_together({Path("new"): Path("pipe")})
        assert content() == b"content"
    Path("link").symlink_to("target")
    move_together({Path("new"): Path("link")})
    assert Path("link").is_symlink()
    assert Path("target").read_bytes() == b"content"


def test_after_an_error_nothing_has_changed(here: Path) -> None:
    Path("old").write_bytes(b"old")
    before = sorted(here.iterdir())
    with pytest.raises(RuntimeError), replacing(["old", "new"]) as parts:  # noqa: PT012
        parts[0].write_bytes(b"new")
        raise RuntimeError
    assert sorted(here.iterdir()) == before
    assert Path("old").read_bytes() == b"old"


def test_an_open_file_without_a_name_is_written_as_it_is(here: Path) -> None:
    """`>(...)` and `/dev/fd/3` of a shell lead to such."""
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("descriptors have no paths here")
    with open("held", "w+b") as file:  # noqa: PTH123
        os.unlink("held")  # noqa: PTH108
        path = Path(f"/proc/self/fd/{file.fileno()}")
        assert find_place(path).straight
        write_together(path.parent, {path.name: b"content"})
        assert file.read() == b"content"
    ours, theirs = os.pipe()
    write_together("/proc/self/fd", {str(theirs): b"content"})
    assert os.read(ours, 10) == b"content"
    os.close(ours)
    os.close(theirs)


def test_a_converter_follows_links_and_writes_pipes(here: Path) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnxruntime")
    from converters.torch import to_onnx

    net = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU())
    x = np.ones((1, 1, 5, 5), np.float32)
    options: dict[str, Any] = {"exporter": "torchscript", "verify": False}
    Path("store").mkdir()
    Path("link.onnx").symlink_to("store/net.onnx")
    to_onnx(net, x, "link.onnx", **options)
    assert Path("link.onnx").is_symlink()
    onnx.checker.check_model("store/net.onnx")
    with pipe("pipe") as content:
        to_onnx(net, x, "pipe", **options)
        onnx.checker.check_model(content())
    assert {p.name for p in here.iterdir()} == {
        *("m.onnx", "cam.onnx", "store", "link.onnx", "pipe")
    }
    with pytest.raises(InputError, match="does not exist"):
        to_onnx(net, x, "none/net.onnx", **options)
