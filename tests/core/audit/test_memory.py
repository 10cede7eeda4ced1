"""What is freed leaves the process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cam_core.audit.memory import give_back
from tests.paths import ROOT

CODE = """
from pathlib import Path
from cam_core.audit.memory import give_back
held = lambda: int(Path("/proc/self/statm").read_text().split()[1]) * 4096
blocks = [bytearray(b"x" * 60_000) for _ in range(1000)]  # below the size that is mapped alone
last = bytearray(b"x" * 60_000)
del blocks
before = held()
give_back()
print(before - held())
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="Linux tells what is held")
def test_freed_pieces_are_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    if not give_back() and int(done.stdout) == 0:
        pytest.skip("this C library gives back by itself")
    assert int(done.stdout) > 30_000_000  # of 60 MB
