# SPDX-License-Identifier: MIT
"""The files that a DICOMDIR names, in the order of its tree."""

from __future__ import annotations

from struct import pack

import pytest
from tests.support.media import directory_bytes

from plainfilm.dicom.read import read_directory
from plainfilm.errors import ConversionError, LimitError

# two patients; the first one has the images A and B, in this order
RECORDS = [(), ("P", "B"), (), ("Q", "C"), ("P", "A")]


def test_the_files_come_in_the_order_of_the_tree() -> None:
    content = directory_bytes(RECORDS, {0: (2, 4), 2: (None, 3), 4: (1, None)})
    assert read_directory(content) == [("P", "A"), ("P", "B"), ("Q", "C")]


def test_records_that_no_link_reaches_come_last() -> None:
    content = directory_bytes(RECORDS, {0: (None, 4)})
    assert read_directory(content) == [("P", "A"), ("P", "B"), ("Q", "C")]
    assert read_directory(directory_bytes(RECORDS)) == [("P", "B"), ("Q", "C"), ("P", "A")]


def test_links_in_a_circle_end() -> None:
    content = directory_bytes(RECORDS, {0: (0, 4), 4: (1, 0), 1: (4, None)})
    assert read_directory(content) == [("P", "A"), ("P", "B"), ("Q", "C")]


def test_a_file_that_is_named_twice_comes_once() -> None:
    assert read_directory(directory_bytes([("A",), ("A",)])) == [("A",)]


@pytest.mark.parametrize("size", [140, 300, 420, 700])
def test_a_broken_directory_is_an_error_that_quotes_nothing(size: int) -> None:
    content = directory_bytes(RECORDS)[:size]
    message = ""
    try:
        assert set(read_directory(content)) <= set(RECORDS)
    except ConversionError as error:
        message = error.message
    assert "PLANTED" not in message


@pytest.mark.parametrize("is_in_record", [True, False])
def test_a_directory_of_very_many_elements_is_refused_before_they_fill_the_memory(is_in_record: bool) -> None:
    elements = b"".join(pack("<HH2sH", 3, number, b"LO", 0) for number in range(60_000))
    content = directory_bytes([("A",)])
    item = content.index(b"\xfe\xff\x00\xe0")
    start = item if is_in_record else content.index(b"\x04\x00\x20\x12SQ")
    header = pack("<HHL", 0xFFFE, 0xE000, len(elements)) if is_in_record else b""
    with pytest.raises(LimitError, match="reads"):
        read_directory(content[:start] + header + elements + content[start:])
