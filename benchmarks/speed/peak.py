"""Peak resident memory of one run, in a process that loads NumPy and onnxruntime only.

    python -m benchmarks.speed.peak model.onnx 2

Linux carries the parent's peak over to a child's ru_maxrss; VmHWM starts anew, so it is taken
where it exists.
"""

from __future__ import annotations

import json
import re
import resource
import sys
from pathlib import Path

from .sessions import TOP, runner, session

STATUS = Path("/proc/self/status")


def peak() -> float:
    """Of this process so far, in MB."""
    if STATUS.exists():
        line = re.search(r"^VmHWM:\s+(\d+) kB", STATUS.read_text(), re.MULTILINE)
        if line:
            return int(line[1]) * 1024 / 1e6
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / 1e6


def main(path: str, threads: str) -> None:
    """Prints the peak before the session and after one run, as JSON."""
    before = peak()
    run = session(Path(path), int(threads))
    asked = {value.name for value in run.get_inputs()}
    runner(run, **{"cam_class": TOP} if "cam_class" in asked else {})()
    print(json.dumps([before, peak()]))


if __name__ == "__main__":
    main(*sys.argv[1:])
