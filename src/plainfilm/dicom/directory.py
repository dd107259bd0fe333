# SPDX-License-Identifier: MIT
"""Read which files a DICOMDIR names, in the order of its tree (PS3.3 F.3; PS3.10 8).

The records are read one after the other and are not kept, so that a large directory needs little memory. Nothing of a
record is read but its links and the name of its file: the other attributes describe patients.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from struct import unpack

from pydicom.dataset import Dataset
from pydicom.filereader import read_partial, read_sequence_item
from pydicom.tag import BaseTag

from plainfilm.errors import LimitError
from plainfilm.pickling import dataclass

_RECORDS = 0x00041220
_FIRST_ROOT, _NEXT, _LOWER, _FILE_ID = 0x00041200, 0x00041400, 0x00041420, 0x00041500
_MOST_RECORDS = 500_000
_MOST_READS = 50_000
_UNDEFINED = 0xFFFFFFFF

FileId = tuple[str, ...]
"""The components of a Referenced File ID (0004,1500), as the file has them."""


@dataclass(frozen=True, slots=True)
class _DirectoryRecord:
    """The links of a record: the offsets of the next record of its level and of the first one below; 0 for none."""

    next: int
    lower: int
    file_id: FileId


def directory_file_ids(content: bytes) -> list[FileId]:
    """Return the names of the files of a DICOMDIR, each once, in the order of patients, studies, series and images.

    Records that no link reaches come last, in the order of the file. Inactive records (0004,1410) count as others do,
    since their files may be there. Raises LimitError for too many records, and what pydicom raises.
    """
    head, records = _read_records(content)
    order = dict.fromkeys(_offsets_in_tree(head, records))
    order.update(dict.fromkeys(records))
    return list(dict.fromkeys(file_id for offset in order if (file_id := records[offset].file_id)))


class _LimitedFile(BytesIO):
    """The bytes of a DICOMDIR. A record of very many elements, which would fill the memory, ends with LimitError."""

    reads: int = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """Return the next bytes: pydicom asks at least once for each element."""
        self.reads += 1
        if self.reads > _MOST_READS:
            raise LimitError(f"a record of a DICOMDIR needs more than {_MOST_READS} reads")
        return super().read(size)


def _read_records(content: bytes) -> tuple[int, dict[int, _DirectoryRecord]]:
    """Return the offset of the first record of the tree, and all records by their offsets."""
    file = _LimitedFile(content)

    def is_sequence(tag: BaseTag, _vr: str | None, _length: int) -> bool:
        return int(tag) >= _RECORDS

    head = read_partial(file, stop_when=is_sequence)
    is_implicit, is_little = map(bool, head.original_encoding)
    records: dict[int, _DirectoryRecord] = {}
    end = _end_of_sequence(file, "<" if is_little else ">", is_implicit=is_implicit)
    while file.tell() < end:
        file.reads = 0
        item = read_sequence_item(file, is_implicit, is_little, "iso8859")
        if item is None:
            break
        records[item.seq_item_tell] = _record_of(item)
        if len(records) > _MOST_RECORDS:
            raise LimitError(f"a DICOMDIR of more than {_MOST_RECORDS} records")
    return _offset(head, _FIRST_ROOT), records


def _end_of_sequence(file: BytesIO, byte_order: str, *, is_implicit: bool) -> int:
    """Read the header of Directory Record Sequence; return where the sequence ends, at the latest."""
    header = file.read(8 if is_implicit else 12)
    if len(header) < 8 or unpack(f"{byte_order}HH", header[:4]) != (_RECORDS >> 16, _RECORDS & 0xFFFF):
        return 0
    (length,) = unpack(f"{byte_order}L", header[-4:])
    size = file.getbuffer().nbytes
    return size if length == _UNDEFINED else min(file.tell() + length, size)


def _record_of(item: Dataset) -> _DirectoryRecord:
    value = item[_FILE_ID].value if _FILE_ID in item else None
    components = [value] if isinstance(value, str) else list(value or ())
    return _DirectoryRecord(_offset(item, _NEXT), _offset(item, _LOWER), tuple(str(part) for part in components))


def _offset(dataset: Dataset, tag: int) -> int:
    value = dataset[tag].value if tag in dataset else 0
    return value if isinstance(value, int) else 0


def _offsets_in_tree(first: int, records: dict[int, _DirectoryRecord]) -> Iterator[int]:
    """Yield the offsets of the records in the order of the tree; a link that leads back is not followed."""
    seen, stack = set[int](), [first]
    while stack:
        offset = stack.pop()
        record = records.get(offset)
        if record is None or offset in seen:
            continue
        seen.add(offset)
        yield offset
        # what is below a record comes before the next record of its level
        stack += (record.next, record.lower)
