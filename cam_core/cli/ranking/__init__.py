"""The parts of `gradcam rank`."""
