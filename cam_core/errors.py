"""What can go wrong, said in one line: the thing, the place and the cure.

CamError
├── ModelError            the model file cannot be read, or cannot be explained
│   └── UnsupportedOpError    an operator between layer and score has no VJP rule
├── LayerError            no such layer, or it does not reach the score
├── TargetError           no such class or label, or a wrong number of targets
│   └── NothingFoundError     a picture without what is asked for: no such box, region or character
├── InputError            an image, array or option that does not fit
│   └── UnreachableError      a file system that does not answer: the file itself may be fine
└── MissingExtraError     an optional package is not installed
"""

LONGEST = 1000
"""Characters of a message; names in a damaged file may have millions."""


class CamError(Exception):
    """Base of every error this project raises for its user: one printable line.

    The names in a message come from files, so line breaks and terminal codes in them are undone.
    """

    def __init__(self, message: str) -> None:
        line = "".join(c if c.isprintable() else " " for c in message)
        line = " ".join(line.split())
        if len(line) > LONGEST:
            line = f"{line[: LONGEST // 2]} ... {line[-LONGEST // 2 :]}"
        super().__init__(line)


class ModelError(CamError):
    """The model cannot be read, or nothing in it can be explained."""


class UnsupportedOpError(ModelError):
    """An operator on the path from layer to score has no derivative here."""


class LayerError(CamError):
    """The target layer is unknown, ambiguous or does not reach the score."""


class TargetError(CamError):
    """The class, label or number of targets does not fit the score."""


class NothingFoundError(TargetError):
    """What is asked for may be asked, and this picture has none of it; another may."""


class InputError(CamError):
    """An image, an array or an option does not fit the model."""


class UnreachableError(InputError):
    """A file system does not answer: nothing is known of the file, and later it may be read."""


class MissingExtraError(CamError):
    """An optional package is needed; the message says which extra installs it."""
