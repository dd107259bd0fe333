# SPDX-License-Identifier: MIT
"""Define `Reference`: where one input file is, and what its images and rows are called."""

from __future__ import annotations

from dataclasses import field, replace
from pathlib import Path
from typing import TypeAlias

from plainfilm.pickling import FastPickle, dataclass
from plainfilm.sources.remote_file import RemoteFile

Location: TypeAlias = Path | RemoteFile
"""Where the bytes of a file or of an archive are: on this machine or in a store."""


@dataclass(frozen=True, slots=True)
class MemberSpan(FastPickle):
    """Where the bytes of a member lie in an archive that allows random access.

    start: the position of the first byte of the data of a tar member, or of the local header of a zip member.
    stored_size: the number of bytes in the archive. method: the compression method of a zip member (APPNOTE 4.4.5),
    None in a tar file. crc: the CRC-32 of the data of a zip member.
    """

    start: int
    stored_size: int
    method: int | None = None
    crc: int = 0


@dataclass(frozen=True, slots=True)
class Member(FastPickle):
    """A member of an archive.

    name: its file name, without folders. size: its number of bytes.
    span: where it lies; None if the archive can only be read in order.
    position: its position among the members of its archive.
    content: its bytes, if they have been read in order.
    """

    name: str
    size: int
    position: int
    span: MemberSpan | None = None
    content: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Reference(FastPickle):
    """One input file.

    path: absolute path of the file or of the archive, which may hold bytes that are not UTF-8 (as surrogate escapes);
        or the file of a store.
    source: relative path with the file's own suffix, as the tables show it; unique within a run.
    name: relative path of its image without suffix and frame, `/` between components; unique within a run, case folded.
    is_renamed: whether its name, or that of a folder above it, was changed because another file or folder has it.
    member: the member of the archive; None for a file.
    """

    path: Location
    source: str
    name: str
    is_renamed: bool = False
    member: Member | None = None

    def with_content(self, content: bytes) -> Reference:
        """The reference to a file of a store with the bytes of the file."""
        assert isinstance(self.path, RemoteFile)
        return replace(self, path=replace(self.path, content=content))

    @property
    def held_bytes(self) -> int:
        """The bytes of the content that this reference holds."""
        content = self.member.content if self.member is not None else getattr(self.path, "content", None)
        return 0 if content is None else len(content)

    @property
    def file_name(self) -> str:
        """The file's own name, as the folder or the archive has it."""
        return self.path.name if self.member is None else self.member.name
