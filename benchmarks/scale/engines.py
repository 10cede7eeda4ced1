"""The same photos by each engine, turn by turn: photos a second, processor time, memory."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from ..audit.growth import write

CODE = """
import json, os, sys, time
from dataclasses import dataclass
from pathlib import Path
from cam_core import open_backend
from cam_core.audit.data import open_data
from cam_core.audit.engines import ENGINES
from cam_core.audit.opening import Prepared
from cam_core.audit.plan import plan
from cam_core.audit.run import run
from cam_core.demo import MODEL, PREPROCESS
from cam_core.image import PRESETS

TICK, PAGE = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE") / 2**20

@dataclass(frozen=True)
class Opening:
    table: str
    def __call__(self):
        a, b = open_backend(MODEL), open_backend(MODEL)
        info = a.inputs()[0]
        return plan(a, b, open_data(self.table), Prepared(info, PRESETS[PREPROCESS], info.dtype))

def processes():
    known = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                told = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            known[int(entry.name)] = (
                int(told[1]), (int(told[11]) + int(told[12])) / TICK, int(told[21]) * PAGE
            )
    ours = {os.getpid()}
    while True:
        more = {pid for pid, (parent, _, _) in known.items() if parent in ours} - ours
        if not more:
            return [known[pid][1:] for pid in ours if pid != os.getpid()], known[os.getpid()][1:]
        ours |= more

def main():
    name, workers, table, out = sys.argv[1:]
    begun, seen = time.time(), []
    opening = Opening(table)
    ready = opening()
    engine = ENGINES[name].make(opening, int(workers), int(workers))
    def step(done):
        if done % ready.part == 0 and done:
            others, own = processes()
            spent = sum(cpu for cpu, _ in others) + own[0]
            seen.append((time.time(), done, spent, own[1], [mb for _, mb in others]))
    run(ready, out, engine=engine, step=step)
    first, last = seen[0], seen[-1]
    told = {"photos": last[1], "seconds": time.time() - begun, "processor s": last[2]}
    told["until the first part"] = first[0] - begun
    told["own MB"], told["worker MB"] = last[3], max(last[4], default=0.0)
    told["MB of all"] = last[3] + sum(last[4])
    print(json.dumps(told))

if __name__ == "__main__":
    main()
"""


def engines(
    names: list[str], counts: list[int], workers: int
) -> list[dict[str, float | str | None]]:
    """Each engine on each number of photos, in a process of its own; what its rows say besides.

    The photos are a table's, 64 of them again and again. The processor time of two numbers of
    photos tells what a photo takes, and what a start. It and memory are of all
    processes that it started (Linux), Ray's own among them.
    """
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        photos, script = write(folder), folder / "run.py"
        script.write_text(CODE)
        found = []
        for count in counts:
            table = folder / f"{count}.csv"
            rows = "".join(f"{photos[i % len(photos)]},{i % 9}\n" for i in range(count))
            table.write_text(f"path,label\n{rows}")
            for name in names:
                out = folder / f"{name}{count}"
                call = [sys.executable, str(script), name, str(workers), str(table), str(out)]
                done = subprocess.run(call, capture_output=True, text=True, check=True)
                told = json.loads(done.stdout.splitlines()[-1])
                alike = same(folder / f"{names[0]}{count}", out)
                found.append({"engine": name, **told, "same rows": alike})
        return found


def same(first: Path, out: Path) -> bool:
    """Are these the rows of the first engine?"""
    import pyarrow.parquet

    one, other = (pyarrow.parquet.read_table(report / "rows") for report in (first, out))
    equal: bool = one.equals(other)
    return equal
