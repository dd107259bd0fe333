# SPDX-License-Identifier: MIT
"""Recognise URLs among SOURCE and OUT, and find the store of each scheme. A new kind of store is one row of the table.

The classes are imported when a store is opened, which takes a second or two for some libraries.
"""

from __future__ import annotations

import importlib
import importlib.util
import os

from plainfilm.errors import OptionsError
from plainfilm.options.local_path import scheme_of
from plainfilm.pickling import dataclass


@dataclass(frozen=True, slots=True)
class Scheme:
    """How files of one scheme are reached.

    store: the class of the store, as `module:class`, which has the methods of `store.Store`.
    modules: what it imports. extra: the extra of this project that installs them.
    is_writable: whether OUT can be such a URL. is_search: whether the query of its URLs chooses among the files.
    """

    store: str
    modules: tuple[str, ...]
    extra: str = "remote"
    is_writable: bool = True
    is_search: bool = False

    def missing_module(self) -> str | None:
        """Return the first module that is not installed."""
        return next((module for module in self.modules if importlib.util.find_spec(module) is None), None)


_OBJECTS = "plainfilm.sources.object_store:ObjectStore"
_WEB = Scheme("plainfilm.sources.web_store:WebStore", ("requests",), is_writable=False)
_DICOMWEB = Scheme(
    "plainfilm.sources.pacs.dicomweb:DicomWebStore",
    ("requests", "dicomweb_client"),
    "pacs",
    is_writable=False,
    is_search=True,
)
_NETWORK = Scheme(
    "plainfilm.sources.pacs.network:NetworkStore", ("pynetdicom",), "pacs", is_writable=False, is_search=True
)

SCHEMES = {
    "s3": Scheme(_OBJECTS, ("fsspec", "s3fs")),
    "gs": Scheme(_OBJECTS, ("fsspec", "gcsfs")),
    "az": Scheme(_OBJECTS, ("fsspec", "adlfs")),
    "memory": Scheme(_OBJECTS, ("fsspec",)),
    "http": _WEB,
    "https": _WEB,
    "dicomweb+http": _DICOMWEB,
    "dicomweb+https": _DICOMWEB,
    "dicom": _NETWORK,
}
"""The schemes of SOURCE and OUT."""


def is_searched(name: str) -> bool:
    """Return whether the query of a URL of this scheme chooses among the files of a server."""
    return name in SCHEMES and SCHEMES[name].is_search


def is_gone(place: str | bytes) -> bool:
    """Return whether a path no longer exists. Of a URL, the network would have to be asked: it counts as there."""
    return scheme_of(os.fsdecode(place)) is None and not os.path.lexists(place)


def check_scheme(place: str | os.PathLike[str], role: str) -> Scheme | None:
    """Return how a URL is reached, None for a path. role: `SOURCE` or `OUT`.

    Raises OptionsError for a scheme that is not known, cannot be written to as OUT, or needs a package that is not
    installed. The message does not repeat the URL, which may hold a password.
    """
    name = scheme_of(place)
    if name is None:
        return None
    if name == "file":
        raise OptionsError(f"{role} is a URL with file://: give the path without file://")
    scheme = SCHEMES.get(name)
    if scheme is None or (role == "OUT" and not scheme.is_writable):
        usable = ", ".join(f"{other}://" for other, row in SCHEMES.items() if role != "OUT" or row.is_writable)
        problem = "whose scheme is not known" if scheme is None else "to which nothing can be written"
        raise OptionsError(
            f"{role} is a URL with {name}://, {problem}: use {usable} or a local path (a folder of that name is "
            f"./{name}:)"
        )
    if (module := scheme.missing_module()) is not None:
        raise OptionsError(
            f"{role} is a URL with {name}://, which needs the package {module}: pip install 'plainfilm[{scheme.extra}]'"
        )
    return scheme


def store_class(name: str) -> type:
    """Import and return the class of the stores of a scheme, which is in the table."""
    module, _, attribute = SCHEMES[name].store.partition(":")
    found: type = getattr(importlib.import_module(module), attribute)
    return found
