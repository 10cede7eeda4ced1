"""Which operators have a derivative, and how that was checked."""
