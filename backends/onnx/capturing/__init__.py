"""The backend: A and G of a model, by onnxruntime."""
