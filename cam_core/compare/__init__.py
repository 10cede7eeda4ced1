"""Two models on the same photos: do they look at the same thing?

from cam_core import open_backend
from cam_core.compare import compare

found = compare(open_backend("model.onnx"), open_backend("model.int8.onnx"), x)  # x [N, C, H, W]
print(found.verdict.line)
"""

from .agreement import MEASURES, agreement
from .run import Comparison, compare
from .verdict import Verdict, verdict

__all__ = ["MEASURES", "Comparison", "Verdict", "agreement", "compare", "verdict"]
