# SPDX-License-Identifier: MIT
"""Recognise archives, and check the names of their members. No name of a member is used as a path."""

from __future__ import annotations

import re
from enum import StrEnum

_DRIVE = re.compile(r"[A-Za-z]:")
_ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08PK\x03\x04")
_TAR_MARK, _TAR_MARK_AT = b"ustar", 257
HEAD_BYTES = 512


class Packing(StrEnum):
    """The kinds of archives."""

    ZIP = "zip"
    TAR = "tar"
    GZIP = "tar.gz"
    BZIP2 = "tar.bz2"
    XZ = "tar.xz"
    ZSTD = "tar.zst"


_SUFFIXES = {
    ".zip": Packing.ZIP,
    ".tar": Packing.TAR,
    ".tar.gz": Packing.GZIP,
    ".tgz": Packing.GZIP,
    ".tar.bz2": Packing.BZIP2,
    ".tbz2": Packing.BZIP2,
    ".tar.xz": Packing.XZ,
    ".txz": Packing.XZ,
    ".tar.zst": Packing.ZSTD,
    ".tzst": Packing.ZSTD,
}
_STARTS = {
    Packing.ZIP: _ZIP_STARTS,
    Packing.GZIP: (b"\x1f\x8b\x08",),
    Packing.BZIP2: (b"BZh",),
    Packing.XZ: (b"\xfd7zXZ\x00",),
    Packing.ZSTD: (b"\x28\xb5\x2f\xfd",),
}


def has_archive_suffix(name: str) -> bool:
    """Whether a file has the suffix of an archive, in any case."""
    return name.lower().endswith(tuple(_SUFFIXES))


def packing_of(name: str, head: bytes) -> Packing | None:
    """Return the kind of an archive by its suffix and its first bytes; None if the two do not agree."""
    packing = packing_of_suffix(name)
    if packing is None:
        return None
    return packing if head.startswith(_STARTS.get(packing, ())) or (packing is Packing.TAR and _is_tar(head)) else None


def packing_of_suffix(name: str) -> Packing | None:
    """Return the kind of an archive by its suffix alone."""
    return next((kind for suffix, kind in _SUFFIXES.items() if name.lower().endswith(suffix)), None)


def packing_of_bytes(head: bytes) -> Packing | None:
    """Return the kind of an archive that its first bytes alone show: zip or tar."""
    if head.startswith(_ZIP_STARTS):
        return Packing.ZIP
    return Packing.TAR if _is_tar(head) else None


def _is_tar(head: bytes) -> bool:
    """Whether a block is the header of a tar member (POSIX, GNU, or by its checksum one of the oldest format)."""
    if head[_TAR_MARK_AT : _TAR_MARK_AT + len(_TAR_MARK)] == _TAR_MARK:
        return True
    field = head[148:156].rstrip(b"\0 ").lstrip()
    if len(head) < HEAD_BYTES or not head[0] or not re.fullmatch(rb"[0-7]{1,7}", field):
        return False
    return int(field, 8) == sum(head[:148]) + 8 * ord(" ") + sum(head[156:HEAD_BYTES])


def member_path(name: str) -> str | None:
    """Return the path of a member relative to its archive, with `/` between components; '' for the archive itself.

    None: the name is absolute, has a drive, or leads out of the archive with `..`.
    """
    normalized = name.replace("\\", "/")
    components = [component for component in normalized.split("/") if component not in ("", ".")]
    if normalized.startswith("/") or _DRIVE.match(normalized) or ".." in components:
        return None
    return "/".join(components)
