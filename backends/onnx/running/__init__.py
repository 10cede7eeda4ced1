"""onnxruntime, and nothing else."""
