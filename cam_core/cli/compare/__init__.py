"""The parts of `gradcam compare`."""
