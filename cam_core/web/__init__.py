"""A page that shows where a model looks, as a folder of static files."""

from .facts import facts_of
from .runtime import find_runtime
from .serve import address, serve
from .site import SiteModel, write_site

__all__ = ["SiteModel", "address", "facts_of", "find_runtime", "serve", "write_site"]
