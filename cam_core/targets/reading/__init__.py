"""What a reader reads: by connectionist temporal classification (CTC), or a character a step."""

from .alphabet import Alphabet
from .ctc import Run, best_path, line_score, runs
from .look import looked, read_line

__all__ = ["Alphabet", "Run", "best_path", "line_score", "looked", "read_line", "runs"]
