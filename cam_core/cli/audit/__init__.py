"""The parts of `gradcam audit`."""
