"""One recorded figure, the file of them, and the machine they are of."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from cam_core.errors import CamError

from .blocks import Run, Seconds, Spread, interleave, ratio, silent, spread

Key = tuple[str, str, str]
PACKAGES = (
    *("numpy", "onnx", "onnxruntime", "onnxruntime-gpu", "torch", "torchvision", "timm"),
    *("openvino", "grad-cam", "torchcam", "captum", "onnx-ad", "openvino-xai"),
)


@dataclass(frozen=True)
class Row:
    """What was measured on which model: a figure, or the reason that there is none."""

    part: str
    model: str
    what: str
    found: Spread | None = None
    unit: str = "x plain"
    note: str = ""

    @property
    def key(self) -> Key:
        """A later row with the same key takes its place."""
        return self.part, self.model, self.what


@dataclass(frozen=True)
class Setting:
    """How to measure."""

    folder: Path
    """Where the models are kept."""
    rounds: int = 25
    threads: int = 2
    say: Callable[[str], None] = silent

    def time(self, runs: Mapping[str, Run]) -> Seconds:
        """The candidates in turn."""
        return interleave(runs, self.rounds, say=self.say)


def ratios(part: str, model: str, seconds: Seconds, names: Mapping[str, str]) -> Iterable[Row]:
    """The plain run's own time, then a row for each name -> what it is called."""
    yield Row(part, model, "plain", spread(seconds["plain"]), "s")
    for name, what in names.items():
        yield Row(part, model, what, ratio(seconds, name))


def reason(error: Exception) -> str:
    """One line on why there is no figure."""
    if isinstance(error, ModuleNotFoundError):
        return f"{error.name} is not installed"
    said = " ".join(str(error).split())[:160]
    return said if isinstance(error, CamError) else f"{type(error).__name__}: {said}"


def machine(threads: int, rounds: int) -> dict[str, str]:
    """What the figures depend on, without the machine's name."""
    found = {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "threads": str(threads),
        "rounds": str(rounds),
    }
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    listed = Path("/proc/cpuinfo")
    lines = listed.read_text().splitlines() if listed.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def read(path: Path) -> tuple[dict[str, str], dict[Key, Row]]:
    """The machine and its rows; nothing of a file that is not there."""
    if not path.exists():
        return {}, {}
    first, *lines = path.read_text(encoding="utf-8").splitlines()
    rows = [_row(json.loads(line)) for line in lines]
    return json.loads(first), {row.key: row for row in rows}


def _row(entry: dict[str, object]) -> Row:
    found = entry.pop("found")
    assert found is None or isinstance(found, dict)
    return Row(**entry, found=None if found is None else Spread(**found))  # type: ignore[arg-type]


def write(path: Path, about: Mapping[str, str], rows: Mapping[Key, Row]) -> None:
    """The machine in the first line, then a row a line, to six digits."""
    lines = [json.dumps(dict(about))]
    for row in rows.values():
        entry = asdict(row)
        if row.found is not None:
            entry["found"] = {k: float(f"{v:.6g}") for k, v in asdict(row.found).items()}
        lines.append(json.dumps(entry))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
