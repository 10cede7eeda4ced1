"""`python -m cam_core` is `gradcam`."""

from .cli import main

if __name__ == "__main__":
    main(prog_name="gradcam")
