"""From what was typed to what the model is fed."""
