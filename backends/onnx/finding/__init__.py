"""What is asked of a model with no flags: its score, its layers, what each axis is."""
