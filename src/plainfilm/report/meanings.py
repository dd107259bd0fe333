# SPDX-License-Identifier: MIT
"""Say in a sentence what each code means, and what the user can do about each reason of a failure."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping
from enum import StrEnum
from functools import cache

from plainfilm.errors import Reason


@cache
def meanings_of(codes: type[StrEnum]) -> Mapping[str, str]:
    """Return the docstring of each member of an enumeration of codes, by the value of the member."""
    (body,) = ast.parse(inspect.getsource(codes)).body
    assert isinstance(body, ast.ClassDef)
    meanings = dict[str, str]()
    for statement, following in zip(body.body, body.body[1:], strict=False):
        match statement, following:
            case ast.Assign(value=ast.Constant(value=str(code))), ast.Expr(value=ast.Constant(value=str(text))):
                meanings[code] = " ".join(text.split())
    return meanings


ADVICE: Mapping[Reason, str] = {
    Reason.NOT_DICOM: "Nothing if the file was skipped. If it failed, see its message: it is often a damaged download.",
    Reason.NO_PIXEL_DATA: "Nothing: the object is no image.",
    Reason.EXCLUDED: "Nothing, or change the options that leave it out.",
    Reason.NOT_A_FILE: "Give the target of a link as a SOURCE of its own.",
    Reason.EMPTY: "Copy the file again from its origin.",
    Reason.UNREADABLE: "Check the permissions and the storage, then run the same command again.",
    Reason.TRUNCATED_FILE: "Copy the file again from its origin.",
    Reason.TRUNCATED_PIXEL_DATA: "Copy the file again, or use --allow-truncated to get the part that is there.",
    Reason.CORRUPT_HEADER: "Copy the file again; DCMTK's dcmdump shows where the header breaks.",
    Reason.CORRUPT_CODESTREAM: "Copy the file again, or ask the archive for it in another transfer syntax.",
    Reason.CODESTREAM_MISMATCH: "Ask for the original file: header and compressed image do not belong together.",
    Reason.MISSING_ATTRIBUTE: "Ask for the original file: an attribute without which there is no image is missing.",
    Reason.UNSUPPORTED_TRANSFER_SYNTAX: "See `plainfilm codecs`, which says what to install.",
    Reason.UNSUPPORTED_VALUE: "See the message, which names the attribute.",
    Reason.REPAIR_REFUSED: "Leave out --strict to get the image with a repair that the tables record.",
    Reason.TOO_LARGE: "Raise the limit that the message names if you trust the file.",
    Reason.SUSPICIOUS_COMPRESSION: "Do not trust the file: a few bytes expand to far more than an image needs.",
    Reason.TOO_DEEP: "Do not trust the file: its sequences are nested too deeply.",
    Reason.TIMEOUT: "Raise --timeout and run the same command again.",
    Reason.MEMORY_LIMIT: "Raise --memory and run the same command again.",
    Reason.WORKER_DIED: "Please report the file: a decoder crashed on it, twice.",
    Reason.ENCODE_UNSUPPORTED: "Choose another look or format: this one cannot hold the values.",
    Reason.WRITE_FAILED: "Check the permissions and the space of OUT, then run the same command again.",
    Reason.SOURCE_CHANGED: "Run the same command again when nothing writes to the sources any more.",
    Reason.NETWORK: "Run the same command again when the network works.",
    Reason.ENCRYPTED: "Ask for the object without encryption.",
    Reason.INTERNAL_ERROR: "Please report it: this is a defect of plainfilm.",
}
"""What to do about a reason of failures.csv; docs/errors.md says more."""
