"""The file that explains itself, and the way back from it."""
