"""The folder itself: the page, the runtime, the models with what is known of them, the samples."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from ..demo.data import load_scenes
from ..errors import InputError
from ..write import write_together
from .headers import CLOSED, HEADERS
from .runtime import VERSION

PAGE = files(__package__) / "page"
LEFT = (".d.ts", ".json")
"""Endings of files of the page that only its own checks read."""
MOST = 2**31
"""Bytes that a browser holds in one piece."""


@dataclass(frozen=True, eq=False)
class SiteModel:
    """An instrumented model; how it is fed and read stands in its own metadata."""

    name: str
    content: bytes
    notes: Mapping[str, str]
    """What else there is to say: `preprocess_source`, `labels_source`, `layer_note`."""


def write_site(
    out: Path,
    models: Sequence[SiteModel] = (),
    *,
    runtime: Mapping[str, bytes],
    samples: Mapping[str, bytes] | None = None,
) -> list[Path]:
    """Write a folder that any static host can serve; returns its files.

    Args:
        out: the folder; made if absent.
        models: none, one, or two that are seen side by side; without one the page takes any file
            that `gradcam instrument` wrote.
        runtime: the files of onnxruntime-web, as `find_runtime` gives them.
        samples: pictures by name; None: the scenes of the demo.

    Raises:
        InputError: a model is too large for a browser, or the folder cannot be written.
    """
    for model in models:
        if len(model.content) >= MOST:
            size = len(model.content) / 1e9
            raise InputError(f"{model.name} has {size:.1f} GB, and a browser takes up to 2")
    found = dict(_page()) | {f"runtime/{name}": data for name, data in runtime.items()}
    shown = scenes() if samples is None else samples
    pictures = {name: f"samples/{i}-{plain(name)}" for i, name in enumerate(shown)}
    found |= {place: shown[name] for name, place in pictures.items()}
    places = {f"models/{i}-{plain(model.name)}": model for i, model in enumerate(models)}
    found |= {place: model.content for place, model in places.items()}
    found["site.json"] = _listed(places, pictures)
    found["_headers"] = _headers()
    found["sw.js"] = _worker(found)
    return _written(out, found)


def scenes() -> dict[str, bytes]:
    """The pictures of the demo."""
    return {scene.file.name: scene.file.read_bytes() for scene in load_scenes()}


def _page(folder: Traversable = PAGE, prefix: str = "") -> Iterator[tuple[str, bytes]]:
    """The page's own files, by their place in it."""
    for one in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if one.is_dir():
            yield from _page(one, f"{prefix}{one.name}/")
        elif not one.name.endswith(LEFT):
            yield f"{prefix}{one.name}", one.read_bytes()


def plain(name: str) -> str:
    """A file name that addresses take as it is."""
    return re.sub(r"[^\w.+-]+", "-", name, flags=re.ASCII)


def _listed(places: Mapping[str, SiteModel], samples: Mapping[str, str]) -> bytes:
    facts = {
        "runtime": VERSION,
        "models": [
            {
                "name": model.name,
                "file": place,
                "bytes": len(model.content),
                "notes": dict(model.notes),
            }
            for place, model in places.items()
        ],
        "samples": [{"name": name, "file": place} for name, place in samples.items()],
    }
    return json.dumps(facts, indent=1, ensure_ascii=False).encode()


def _headers() -> bytes:
    """As Netlify, Cloudflare Pages and others read them."""
    lines = [f"  {name}: {value}" for name, value in (HEADERS | CLOSED).items()]
    return ("\n".join(["/*", *lines]) + "\n").encode()


def _worker(found: Mapping[str, bytes]) -> bytes:
    """The service worker with the files of the page, under a name that changes with any of them."""
    large = ("runtime/", "models/", "samples/", "_")
    shell = ["./", *(name for name in found if not name.startswith(large) and name != "sw.js")]
    digest = hashlib.sha256()
    for name in sorted(found):
        digest.update(name.encode() + b"\0" + hashlib.sha256(found[name]).digest())
    text = found["sw.js"].decode()
    return (
        text.replace("__VERSION__", digest.hexdigest()[:16])
        .replace('["__SHELL__"]', json.dumps(shell))
        .encode()
    )


def _clear(out: Path, found: Mapping[str, bytes]) -> None:
    """Take away the models and samples of the site that the folder held before."""
    try:
        before = json.loads((out / "site.json").read_text(encoding="utf-8"))
        old = [str(one["file"]) for one in (*before["models"], *before["samples"])]
    except (OSError, ValueError, KeyError, TypeError):
        return  # there was none
    for name in old:
        if re.fullmatch(r"(models|samples)/[\w.+-]+", name) and name not in found:
            (out / name).unlink(missing_ok=True)


def _written(out: Path, found: Mapping[str, bytes]) -> list[Path]:
    """All files, folder by folder."""
    folders: dict[Path, dict[str, bytes]] = {}
    for name, content in found.items():
        path = Path(name)
        folders.setdefault(path.parent, {})[path.name] = content
    _clear(out, found)
    written: list[Path] = []
    for folder, inside in folders.items():
        written += write_together(out / folder, inside)
    return written
