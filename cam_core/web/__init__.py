"""A page that shows where a model looks, as a folder of static files."""

from .runtime import find_runtime
from .serve import address, serve
from .site import SiteModel, write_site

__all__ = ["SiteModel", "address", "find_runtime", "serve", "write_site"]
