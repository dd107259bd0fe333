# SPDX-License-Identifier: MIT
"""Define the codes of errors: the reason and the stage, and find the reason of an error of the environment."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from enum import StrEnum


class Stage(StrEnum):
    """The processing stage where an error occurred."""

    LIST = "list"
    """Finding the files."""
    READ = "read"
    """Reading the bytes and the header, and locating the frames."""
    DECODE = "decode"
    """Decompressing a frame."""
    RENDER = "render"
    """Computing the output levels."""
    ENCODE = "encode"
    """Encoding the image file."""
    WRITE = "write"
    """Writing the image file into OUT."""
    RUN = "run"
    """The worker process or the run as a whole."""


class Reason(StrEnum):
    """Why an input was skipped or failed, or why a run ended. docs/errors.md says what to do about each reason.

    The list is closed: a version may add a code, and a code keeps its meaning.
    """

    NOT_DICOM = "not_dicom"
    """The bytes are not a DICOM object."""
    NO_PIXEL_DATA = "no_pixel_data"
    """The DICOM object is not an image, such as a DICOMDIR, a report or a presentation state."""
    EXCLUDED = "excluded"
    """The options of the user leave the input out."""
    NOT_A_FILE = "not_a_file"
    """The entry is a pipe, a socket, a device or a symbolic link to a folder."""
    EMPTY = "empty"
    """The file has no bytes."""
    UNREADABLE = "unreadable"
    """The operating system refuses to read the file or to list the folder."""
    TRUNCATED_FILE = "truncated_file"
    """The file ends within its header."""
    TRUNCATED_PIXEL_DATA = "truncated_pixel_data"
    """Pixel Data or a codestream in it is shorter than the header requires."""
    CORRUPT_HEADER = "corrupt_header"
    """The header cannot be parsed."""
    CORRUPT_CODESTREAM = "corrupt_codestream"
    """The decoder refuses the compressed data."""
    CODESTREAM_MISMATCH = "codestream_mismatch"
    """The header and the compressed image contradict each other, or two decoders disagree (--verify)."""
    MISSING_ATTRIBUTE = "missing_attribute"
    """An image object lacks an attribute that every image needs."""
    UNSUPPORTED_TRANSFER_SYNTAX = "unsupported_transfer_syntax"
    """This installation cannot decode the transfer syntax."""
    UNSUPPORTED_VALUE = "unsupported_value"
    """An attribute has a value that cannot be rendered, or attributes contradict each other."""
    REPAIR_REFUSED = "repair_refused"
    """The VOI of the file cannot be used, and --strict forbids its replacement."""
    TOO_LARGE = "too_large"
    """The header claims more pixels, elements or bytes than the limits allow."""
    SUSPICIOUS_COMPRESSION = "suspicious_compression"
    """A few compressed bytes expand to far more than an image needs."""
    TOO_DEEP = "too_deep"
    """Sequences are nested more deeply than the limit allows."""
    TIMEOUT = "timeout"
    """A frame took longer than --timeout."""
    MEMORY_LIMIT = "memory_limit"
    """The instance needs more memory than --memory."""
    WORKER_DIED = "worker_died"
    """The worker process crashed or was killed, twice."""
    ENCODE_UNSUPPORTED = "encode_unsupported"
    """The output format cannot hold the image."""
    WRITE_FAILED = "write_failed"
    """The image file cannot be written."""
    SOURCE_CHANGED = "source_changed"
    """The file became shorter while it was read."""
    NETWORK = "network"
    """The network or a server on it fails, after several attempts."""
    ENCRYPTED = "encrypted"
    """A member of an archive is encrypted."""
    INTERNAL_ERROR = "internal_error"
    """A defect of plainfilm."""
    # the reasons of a run, never of an instance
    OPTIONS = "options"
    """The options are wrong or contradict each other."""
    SOURCE_MISSING = "source_missing"
    """A SOURCE does not exist or matches nothing."""
    OUTPUT_NOT_EMPTY = "output_not_empty"
    """OUT holds files of another origin, or cannot be written to."""
    LEDGER_DIFFERS = "ledger_differs"
    """OUT was made with other options, library versions or another key, or its ledger is damaged."""
    OUTPUT_LOCKED = "output_locked"
    """Another run is writing into OUT."""
    STORAGE_FULL = "storage_full"
    """No space is left for OUT."""


# what the loader of shared libraries says where memory or descriptors are short; an ImportError has no errno
_LOADER_MESSAGES = {
    "cannot allocate memory": Reason.MEMORY_LIMIT,
    "failed to map segment": Reason.MEMORY_LIMIT,
    "too many open files": Reason.UNREADABLE,
    "input/output error": Reason.UNREADABLE,
}
_OS_REASONS = {
    errno.ENOMEM: Reason.MEMORY_LIMIT,
    errno.EMFILE: Reason.UNREADABLE,
    errno.ENFILE: Reason.UNREADABLE,
    errno.EIO: Reason.UNREADABLE,
}
_OPENCV_NO_MEMORY = -4


def environment_reason(error: BaseException) -> Reason | None:
    """Return the reason where memory, descriptors or the storage failed, and not the input; otherwise None.

    The exception itself and those that caused it are examined.
    """
    return next((reason for cause in _causes(error) if (reason := _reason_of_cause(cause)) is not None), None)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _reason_of_cause(error: BaseException) -> Reason | None:
    is_opencv = type(error).__module__ == "cv2"
    if isinstance(error, MemoryError) or (is_opencv and getattr(error, "code", None) == _OPENCV_NO_MEMORY):
        return Reason.MEMORY_LIMIT
    if isinstance(error, OSError):
        return None if error.errno is None else _OS_REASONS.get(error.errno)
    if isinstance(error, ImportError):
        text = str(error).lower()
        return next((reason for message, reason in _LOADER_MESSAGES.items() if message in text), None)
    return None
