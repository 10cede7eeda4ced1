"""Which quantised or float16 tensors moved an answer: errors, blame, and sets kept in float."""
