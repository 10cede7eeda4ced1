"""Rules that installed packages add: the entry-point group `cam_core.vjp_rules`."""

from __future__ import annotations

import functools
from importlib.metadata import EntryPoint, entry_points

from cam_core.errors import CamError

GROUP = "cam_core.vjp_rules"


@functools.cache
def load_third_party() -> None:
    """Fills the tables with what other packages register; once, before they are first read.

    An entry point names a module, which registers as it is imported, or a function without
    arguments, which registers as it is called.

    Raises:
        CamError: a package fails to, or claims an operator that is taken.
    """
    for point in entry_points(group=GROUP):
        _load(point)


@functools.cache
def _load(point: EntryPoint) -> None:
    package = point.dist.name if point.dist else point.value
    try:
        found = point.load()
        if callable(found):
            found()
    except Exception as error:
        reason = str(error) if isinstance(error, CamError) else f"{type(error).__name__}: {error}"
        raise CamError(
            f"the rules '{point.name}' of the package {package} cannot be loaded ({reason}); "
            f"mend or uninstall it"
        ) from error
