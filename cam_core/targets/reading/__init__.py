"""What a reader reads: lines of characters by connectionist temporal classification (CTC)."""

from .alphabet import Alphabet
from .ctc import Run, best_path, line_score, runs
from .look import looked, read_line

__all__ = ["Alphabet", "Run", "best_path", "line_score", "looked", "read_line", "runs"]
