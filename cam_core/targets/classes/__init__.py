"""Questions to a model that says classes: a class, its probability, one against others."""
