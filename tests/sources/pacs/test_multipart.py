# SPDX-License-Identifier: MIT
"""The bytes of an instance are taken out of an answer unchanged, however the server writes its parts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.dicom_files import small_file
from tests.support.dicomweb_server import BOUNDARY, WAYS_OF_PARTS, Quirk, multipart_answer

from plainfilm.errors import Reason, SourceError
from plainfilm.sources.pacs.multipart import instance_in

UID = "1.2.3.4.5"
FILE = small_file("1.2.840.10008.1.2.1", SOPInstanceUID=UID)


@pytest.mark.parametrize("quirk", WAYS_OF_PARTS, ids=lambda quirk: quirk.name)
def test_the_bytes_of_the_file_come_out_unchanged(quirk: Quirk) -> None:
    body, headers = multipart_answer(FILE, quirk)
    assert instance_in(body, headers["Content-Type"], UID) == FILE


@given(st.binary(max_size=300))
def test_bytes_that_look_like_line_ends_stay_in_the_file(tail: bytes) -> None:
    content = FILE + tail + b"\r\n"
    body, headers = multipart_answer(content)
    assert instance_in(body, headers["Content-Type"], UID) == content


def test_a_boundary_within_a_line_of_the_file_does_not_end_it() -> None:
    content = FILE + f"x--{BOUNDARY}".encode()
    body, headers = multipart_answer(content)
    assert instance_in(body, headers["Content-Type"], UID) == content


def test_of_several_parts_the_instance_that_was_asked_for_is_taken() -> None:
    delimiter = f"--{BOUNDARY}".encode()
    other = small_file("1.2.840.10008.1.2.1", SOPInstanceUID=f"{UID}.9")
    parts = b"".join(delimiter + b"\r\n\r\n" + part + b"\r\n" for part in (other, FILE))
    assert instance_in(parts + delimiter + b"--", f"multipart/related; boundary={BOUNDARY}", UID) == FILE


@pytest.mark.parametrize("body", [b"", b"<html>log in</html>", b"--x--\r\n", b"--x\r\n\r\n\r\n--x--", b"--x"])
def test_an_answer_without_a_file_is_an_error(body: bytes) -> None:
    with pytest.raises(SourceError) as caught:
        instance_in(body, "multipart/related; boundary=x", UID)
    assert caught.value.reason is Reason.UNSUPPORTED_VALUE


def test_another_instance_is_an_error() -> None:
    body, headers = multipart_answer(FILE)
    with pytest.raises(SourceError, match="another instance"):
        instance_in(body, headers["Content-Type"], "1.2.3.4.6")


@given(st.binary(max_size=400), st.binary(max_size=40))
def test_whatever_the_answer_is_it_fails_only_with_a_source_error(body: bytes, content_type: bytes) -> None:
    try:
        content = instance_in(body, content_type.decode("latin-1"), UID)
    except SourceError:
        return
    assert content in body
