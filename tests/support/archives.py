# SPDX-License-Identifier: MIT
"""Build archives of given members, also such as no packer writes."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

TAR_MODES = {".tar": "w", ".tar.gz": "w:gz", ".tar.bz2": "w:bz2", ".tar.xz": "w:xz"}


def write_archive(path: Path, members: Mapping[str, bytes]) -> Path:
    """Write the archive that the suffix of the path asks for."""
    if path.name.endswith(".zip"):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return path
    if path.name.endswith(".tar.zst"):
        import zstandard

        path.write_bytes(zstandard.ZstdCompressor().compress(tar_bytes(members)))
        return path
    mode = next(mode for suffix, mode in TAR_MODES.items() if path.name.endswith(suffix))
    path.write_bytes(tar_bytes(members, mode))
    return path


def tar_bytes(members: Mapping[str, bytes], mode: str = "w") -> bytes:
    """The bytes of a tar file with these members; mode: as for `tarfile`."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            header = tarfile.TarInfo(name)
            header.size = len(content)
            archive.addfile(header, io.BytesIO(content))
    return buffer.getvalue()


def zip_bytes(members: Mapping[str, bytes]) -> bytes:
    """The bytes of a zip file with these members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def with_flag(content: bytes, flag: int) -> bytes:
    """A zip file whose members all have a further general purpose flag."""
    return _changed(content, 6, 8, lambda value: value | flag)


def with_method(content: bytes, method: int) -> bytes:
    """A zip file whose members all claim another compression method."""
    return _changed(content, 8, 10, lambda _: method)


def _changed(content: bytes, local: int, central: int, change: object) -> bytes:
    """Change the 16-bit number at these positions of each local header and each entry of the central directory."""
    assert callable(change)
    changed = bytearray(content)
    for mark, offset in ((b"PK\x03\x04", local), (b"PK\x01\x02", central)):
        position = content.find(mark)
        while position >= 0:
            place = slice(position + offset, position + offset + 2)
            changed[place] = int(change(int.from_bytes(changed[place], "little"))).to_bytes(2, "little")
            position = content.find(mark, position + 1)
    return bytes(changed)
