"""Rows for fourier.py (see test_rules.py); all transforms are linear."""

import numpy as np

COMPLEX, REAL = (2, 3, 6, 2), (2, 3, 6, 1)
ROWS = {"dynamic": {"x": ("N", 3, 6, 2)}, "opsets": (20,)}


def _dft(attributes: str, x: tuple, note: str, length: int | None = None, **options: object):
    given = {"x": x} | ({} if length is None else {"n": np.array(length)})
    body = f"y = DFT{attributes and f'<{attributes}>'}(x{'' if length is None else ', n'})"
    return "DFT", body, given, note, {"opsets": (20,), **options}


def _stft(attributes: str, x: tuple, note: str, given: str, **options: object):
    constants = {"step": np.array(3), "n": np.array(5), "w": np.hanning(7)[1:-1]}
    kept = {name: value for name, value in constants.items() if name in f"step, {given}"}
    return "STFT", f"y = STFT<{attributes}>(x, step, {given})", {"x": x, **kept}, note, options


CASES = [
    *(
        row
        for inverse in (0, 1)
        for row in (
            _dft(f"inverse={inverse}, axis=2", COMPLEX, f"old, {inverse}", opsets=(17, 19)),
            _dft(f"inverse={inverse}", COMPLEX, f"newest, {inverse}", **ROWS),
            _dft(f"inverse={inverse}", REAL, f"real, {inverse}"),
            _dft(f"inverse={inverse}", COMPLEX, f"padded, {inverse}", 8, **ROWS),
            _dft(f"inverse={inverse}", COMPLEX, f"cut, {inverse}", 5),
        )
    ),
    ("DFT", 'y = DFT(x, "", a)', {"x": COMPLEX, "a": np.array(0)}, "axis 0", {"opsets": (20,)}),
    _dft("", COMPLEX, "any length", dynamic={"x": (2, "T", "L", 2)}),
    *(
        _dft("onesided=1", REAL, f"half a spectrum of {n}", n, dynamic={"x": (2, 3, "L", 1)})
        for n in (5, 6, 8)
    ),
    *(_dft("onesided=1, inverse=1", (2, 3, 4, 2), f"{n} samples again", n) for n in (6, 7)),
    _dft("onesided=1, inverse=1, axis=1", (2, 4, 2), "all bins", opsets=(17,)),
    _stft("onesided=1", (2, 17, 1), "a window", "w", dynamic={"x": ("N", 17, 1)}),
    _stft("onesided=0", (1, 17, 2), "complex", "w, n"),
    _stft("onesided=0", (1, 17, 1), "of a length", '"", n', dynamic={"x": (1, "T", 1)}),
    _stft("onesided=1", (1, 400, 1), "long", "w"),
]
