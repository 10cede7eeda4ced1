"""A file becomes a `Graph`: typed tensors, normal operators, constants known."""
