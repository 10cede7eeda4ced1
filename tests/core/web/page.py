"""The page's own modules in node: what they give, as Python has it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest

from cam_core.image import Preprocess
from tests.paths import ROOT

PAGE = ROOT / "cam_core" / "web" / "page"
NODE = shutil.which("node")
SPECIAL = {"NaN": np.nan, "Infinity": np.inf, "-Infinity": -np.inf}

SCRIPT = """
import fs from "node:fs";
const [folder, given] = process.argv.slice(2);
const kinds = { f4: Float32Array, f8: Float64Array, u1: Uint8Array };
const revived = (key, value) => {
  if (value?.typed) return kinds[value.typed].from(value.data, Number);
  return value?.special ? Number(value.special) : value;
};
const plain = (value) => {
  if (typeof value === "number" && !Number.isFinite(value)) return { special: String(value) };
  if (typeof value === "bigint") return Number(value);
  if (ArrayBuffer.isView(value)) return Array.from(value, plain);
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]));
};
const load = (name) => import(`${folder}/${name}.js`);
const args = JSON.parse(fs.readFileSync(given, "utf8"), revived);
const run = async (load, args) => { BODY };
fs.writeFileSync(given + ".out", JSON.stringify(plain(await run(load, args)) ?? null));
"""


class Runs(Protocol):
    def __call__(self, folder: Path, body: str, args: list[Any]) -> Any: ...


@dataclass(frozen=True)
class Call:
    """node("resample", "resample", photo, ...) calls `resample` of resample.js."""

    folder: Path
    runs: Runs

    def __call__(self, module: str, name: str, *args: Any) -> Any:
        """What it gives."""
        return self.runs(self.folder, f'return (await load("{module}")).{name}(...args)', [*args])

    def body(self, text: str, *args: Any) -> Any:
        """What the body of an async function of (load, args) gives."""
        return self.runs(self.folder, text, [*args])


def run_in_node(folder: Path, body: str, args: list[Any]) -> Any:
    """The result of a body of JavaScript, its NaN and inf as such."""
    if NODE is None:
        pytest.skip("there is no node to run the page's modules in")
    script, given = folder / "run.mjs", folder / "args.json"
    script.write_text(SCRIPT.replace("BODY", body))
    given.write_text(json.dumps(sent(args)))
    command = [NODE, str(script), PAGE.as_uri(), str(given)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return back(json.loads(Path(f"{given}.out").read_text()))


def sent(value: Any) -> Any:
    """Arrays as typed ones, NaN and inf by name."""
    if isinstance(value, np.ndarray):
        return {"typed": value.dtype.str[1:], "data": [sent(one) for one in value.ravel().tolist()]}
    if isinstance(value, dict):
        return {key: sent(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [sent(one) for one in value]
    if isinstance(value, float) and not np.isfinite(value):
        name = "NaN" if np.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        return {"special": name}
    return value


def back(value: Any) -> Any:
    if isinstance(value, dict):
        if set(value) == {"special"}:
            return SPECIAL[value["special"]]
        return {key: back(one) for key, one in value.items()}
    return [back(one) for one in value] if isinstance(value, list) else value


def photo(pixels: np.ndarray[Any, Any]) -> dict[str, Any]:
    """uint8 [H, W, 3] as the page holds it."""
    return {"data": pixels, "height": pixels.shape[0], "width": pixels.shape[1]}


def grid(values: np.ndarray[Any, Any]) -> dict[str, Any]:
    """A map [h, w] as the page holds it."""
    return {
        "data": values.astype(np.float32),
        "height": values.shape[0],
        "width": values.shape[1],
    }


def pixels_of(found: dict[str, Any]) -> np.ndarray[Any, Any]:
    """What the page painted, without its opaque fourth channel."""
    rgba = np.reshape(np.array(found["data"], np.uint8), (found["height"], found["width"], -1))
    return rgba[..., :3]


def random_photo(rng: np.random.Generator, height: int, width: int) -> np.ndarray[Any, Any]:
    """Noise: the hardest thing to resize alike."""
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)


def facts(spec: Preprocess, size: tuple[int, int], layout: str, **more: Any) -> dict[str, Any]:
    """What the page knows of a model."""
    from dataclasses import asdict

    channels = more.pop("channels", 3)
    picture = asdict(spec) | {"layout": layout, "channels": channels, "size": list(size)}
    kind = more.pop("type", "float32")
    input_ = {"name": "x", "type": kind, "shape": [], "picture": picture}
    return {"input": input_, "preprocess": picture, "size": list(size), "name": "m.onnx"} | more


def runtime_folder() -> Path:
    """Where onnxruntime-web is installed; skips where it is not."""
    folder = Path(os.environ.get("NODE_FOLDER", ""))
    if not (folder / "node_modules" / "onnxruntime-web").is_dir():
        pytest.skip("NODE_FOLDER names no folder with onnxruntime-web installed")
    return folder
