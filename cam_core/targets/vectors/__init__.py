"""Questions about a whole vector: its length, its likeness to another or to a caption."""
