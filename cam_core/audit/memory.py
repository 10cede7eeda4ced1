"""Memory that is needed no more, back to the system."""

from __future__ import annotations

import ctypes
import gc
import sys


def give_back() -> bool:
    """Frees what nobody holds, and has the C library return it; was there anything to return?

    glibc keeps freed pieces for later: after a model is closed that is a tenth of a gigabyte which
    nobody asks for again. Other libraries do so by themselves.
    """
    gc.collect()
    if not sys.platform.startswith("linux"):
        return False
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return bool(trim is not None and trim(0))
