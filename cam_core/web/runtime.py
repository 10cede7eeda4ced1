"""Where onnxruntime-web lies: in a folder that was named, in the package, kept, or from npm."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path

from ..errors import InputError

PACKAGE = "onnxruntime-web"
VERSION = "1.30.0"
FILES = (
    "ort.wasm.min.mjs",
    "ort-wasm-simd-threaded.mjs",
    "ort-wasm-simd-threaded.wasm",
    "ort.webgpu.min.mjs",
    "ort-wasm-simd-threaded.asyncify.mjs",
    "ort-wasm-simd-threaded.asyncify.wasm",
)
"""WebAssembly, which every browser has, and WebGPU."""
BUNDLED = "runtime"
"""The folder of this package in which a prepared wheel brings them."""
LICENCE = """onnxruntime-web {version}: https://www.npmjs.com/package/onnxruntime-web
Copyright (c) Microsoft Corporation. MIT License.
Its notices: https://github.com/microsoft/onnxruntime/blob/main/ThirdPartyNotices.txt
"""


def find_runtime(folder: Path | None = None, *, fetch: bool = False) -> Mapping[str, bytes]:
    """The files of onnxruntime-web, by name.

    Args:
        folder: where they lie, or an installed npm package, or the folder that has node_modules.
        fetch: let npm get the package where it is nowhere.

    Raises:
        InputError: they are not there; npm is missing, or could not get them.
    """
    for place in _places(folder):
        if all((place / name).is_file() for name in FILES):
            return {name: (place / name).read_bytes() for name in FILES} | _licence()
    if folder is not None:
        raise InputError(
            f"'{folder}' holds no {PACKAGE} {VERSION}: npm install {PACKAGE}@{VERSION} in it"
        )
    if not fetch:
        raise InputError(
            f"{PACKAGE} {VERSION} is not here: npm install {PACKAGE}@{VERSION} in a folder of your "
            "choice, and name that folder with --runtime"
        )
    _fetch(kept())
    return find_runtime(kept())


def kept() -> Path:
    """Where it is kept once npm got it: in the user's cache."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "cam-core" / f"{PACKAGE}-{VERSION}"


def _places(folder: Path | None) -> Iterator[Path]:
    """Where the files themselves may be."""
    if folder is None:
        yield Path(str(files(__package__))) / BUNDLED
        yield kept()
        return
    for inner in ("", "dist", f"{PACKAGE}/dist", f"node_modules/{PACKAGE}/dist"):
        yield folder / inner


def _licence() -> dict[str, bytes]:
    return {"LICENSE.txt": LICENCE.format(version=VERSION).encode()}


def _fetch(place: Path) -> None:
    """Get the package with npm, which checks its sum, and keep the files of FILES."""
    npm = shutil.which("npm")
    if npm is None:
        raise InputError(
            f"{PACKAGE} {VERSION} is not here, and neither is npm to get it: install Node.js, or "
            "name a folder that holds it with --runtime"
        )
    with tempfile.TemporaryDirectory() as folder:
        command = [npm, "pack", "--silent", f"{PACKAGE}@{VERSION}"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        packed = next(Path(folder).glob("*.tgz"), None)
        if done.returncode or packed is None:
            last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no reason given"]
            raise InputError(f"npm could not get {PACKAGE} {VERSION}: {last[0]}")
        place.mkdir(parents=True, exist_ok=True)
        with tarfile.open(packed) as archive:
            for name in FILES:
                content = archive.extractfile(f"package/dist/{name}")
                assert content is not None  # of the version that is pinned
                (place / name).write_bytes(content.read())
