"""What a model's own files say of its photos and its classes: preprocessing and labels.

from cam_core import explain, open_backend
from cam_core.image import preprocess, read
from cam_core.sources import known

backend = open_backend("model.onnx")
facts = known("model.onnx", backend)  # facts.preprocess_source says where it comes from
x = preprocess(read("photo.jpg"), facts.preprocess, facts.input).x
explain(backend, x, "tiger cat", labels=facts.labels)
"""

from .known import Known, known
from .labels import Labels, read_labels
from .preprocessing import Sources

__all__ = ["Known", "Labels", "Sources", "known", "read_labels"]
