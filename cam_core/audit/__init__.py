"""One model, or two, over many photos: what it says, where it looks, how that differs.

from cam_core.audit import audit
from cam_core.image import PRESETS

found = audit("model.onnx", "photos/", "report", preprocess=PRESETS["imagenet"])
print(found.line)
"""

from .auditing import audit
from .plan import Plan
from .summary import Summary, Table, open_table, record, summarise

__all__ = ["Plan", "Summary", "Table", "audit", "open_table", "record", "summarise"]
