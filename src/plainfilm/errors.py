# SPDX-License-Identifier: MIT
"""The tree of errors: what can go wrong, each with a reason (a closed code) and the stage it happened in.

    PlainfilmError(message, reason, stage)
      ConversionError            one SOP Instance or frame failed: a row in failures, the run goes on
        SourceError              the bytes could not be had
        NotDicomError            the bytes are not a DICOM object
        NotAnImageError          a DICOM object without an image: skipped, no failure
        TruncatedError           the file or its Pixel Data ends too early
        UnsupportedError         valid, and beyond this installation
        AttributeValueError      an attribute that the image needs is missing or makes no sense (keyword, value)
        DecodeError              a codestream that its decoder refuses, or that contradicts the header
        EncodeError              the picture does not fit the output format
        RepairRefusedError       --strict, and the file's own VOI cannot be used
        OutputError                the picture could not be written
        LimitError               more than the limits of the run allow
      RunError                   the run cannot go on
        OptionsError             the command line, configuration or arguments are wrong
        SourceMissingError       a SOURCE that does not exist
        LedgerError              OUT is not what this run may write into
        OutputLockedError        another run holds OUT
        StorageFullError         no space is left

Messages never quote names, identifiers, dates or free text of the data set.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar


class Stage(StrEnum):
    """Where in the way of an image an error happened."""

    LIST = "list"
    READ = "read"
    DECODE = "decode"
    RENDER = "render"
    ENCODE = "encode"
    WRITE = "write"
    RUN = "run"


class Reason(StrEnum):
    """Why an input was skipped or failed, or a run ended: a closed list; docs/errors.md says what to do about each."""

    NOT_DICOM = "not_dicom"
    NO_PIXEL_DATA = "no_pixel_data"
    EXCLUDED = "excluded"
    NOT_A_FILE = "not_a_file"
    EMPTY = "empty"
    UNREADABLE = "unreadable"
    TRUNCATED_FILE = "truncated_file"
    TRUNCATED_PIXEL_DATA = "truncated_pixel_data"
    CORRUPT_HEADER = "corrupt_header"
    CORRUPT_CODESTREAM = "corrupt_codestream"
    CODESTREAM_MISMATCH = "codestream_mismatch"
    MISSING_ATTRIBUTE = "missing_attribute"
    UNSUPPORTED_TRANSFER_SYNTAX = "unsupported_transfer_syntax"
    UNSUPPORTED_VALUE = "unsupported_value"
    REPAIR_REFUSED = "repair_refused"
    TOO_LARGE = "too_large"
    SUSPICIOUS_COMPRESSION = "suspicious_compression"
    TOO_DEEP = "too_deep"
    TIMEOUT = "timeout"
    MEMORY_LIMIT = "memory_limit"
    WORKER_DIED = "worker_died"
    ENCODE_UNSUPPORTED = "encode_unsupported"
    WRITE_FAILED = "write_failed"
    SOURCE_CHANGED = "source_changed"
    NETWORK = "network"
    ENCRYPTED = "encrypted"
    INTERNAL_ERROR = "internal_error"
    # of a run, never of an instance
    OPTIONS = "options"
    SOURCE_MISSING = "source_missing"
    OUTPUT_NOT_EMPTY = "output_not_empty"
    LEDGER_DIFFERS = "ledger_differs"
    OUTPUT_LOCKED = "output_locked"
    STORAGE_FULL = "storage_full"


class PlainfilmError(Exception):
    """Whatever plainfilm raises. `reason` and `stage` are codes; the message says what is wrong and what to do."""

    default_reason: ClassVar[Reason] = Reason.INTERNAL_ERROR
    default_stage: ClassVar[Stage] = Stage.RUN

    def __init__(self, message: str, *, reason: Reason | None = None, stage: Stage | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or self.default_reason
        self.stage = stage or self.default_stage


class ConversionError(PlainfilmError):
    """One SOP Instance, or one frame of it, failed."""


class SourceError(ConversionError):
    """The bytes of a source could not be had."""

    default_reason = Reason.UNREADABLE
    default_stage = Stage.READ


class NotDicomError(ConversionError):
    """The bytes are not a DICOM object."""

    default_reason = Reason.NOT_DICOM
    default_stage = Stage.READ


class NotAnImageError(ConversionError):
    """A DICOM object that is no image (a directory, report, plan, presentation state): skipped, not failed."""

    default_reason = Reason.NO_PIXEL_DATA
    default_stage = Stage.READ


class TruncatedError(ConversionError):
    """The file, or its Pixel Data, ends before it should."""

    default_reason = Reason.TRUNCATED_FILE
    default_stage = Stage.READ


class UnsupportedError(ConversionError):
    """Valid, and beyond what this installation can do."""

    default_reason = Reason.UNSUPPORTED_VALUE
    default_stage = Stage.READ


class AttributeValueError(ConversionError):
    """An attribute that the image needs is missing or makes no sense."""

    default_reason = Reason.UNSUPPORTED_VALUE
    default_stage = Stage.READ

    def __init__(self, keyword: str, value: object = None, *, message: str = "", reason: Reason | None = None) -> None:
        lacking = " is missing" if reason is Reason.MISSING_ATTRIBUTE else " cannot be used"
        said = f" has the value {value!r}" if value is not None else lacking
        super().__init__(f"{keyword}{said}{': ' + message if message else ''}", reason=reason)
        self.keyword = keyword
        self.value = value


class DecodeError(ConversionError):
    """A codestream that its decoder refuses, or that contradicts the header."""

    default_reason = Reason.CORRUPT_CODESTREAM
    default_stage = Stage.DECODE


class EncodeError(ConversionError):
    """The picture does not fit the output format."""

    default_reason = Reason.ENCODE_UNSUPPORTED
    default_stage = Stage.ENCODE


class RepairRefusedError(ConversionError):
    """The file's own VOI cannot be used, and `--strict` forbids to replace it."""

    default_reason = Reason.REPAIR_REFUSED
    default_stage = Stage.RENDER


class OutputError(ConversionError):
    """The picture could not be written."""

    default_reason = Reason.WRITE_FAILED
    default_stage = Stage.WRITE


class LimitError(ConversionError):
    """More than the limits of the run allow."""

    default_reason = Reason.TOO_LARGE
    default_stage = Stage.READ


class RunError(PlainfilmError):
    """The run cannot go on."""

    exit_code: ClassVar[int] = 3


class OptionsError(RunError):
    """The command line, configuration or arguments are wrong."""

    default_reason = Reason.OPTIONS
    exit_code = 2


class SourceMissingError(RunError):
    """A SOURCE that does not exist."""

    default_reason = Reason.SOURCE_MISSING
    default_stage = Stage.LIST
    exit_code = 2


class LedgerError(RunError):
    """OUT is not what this run may write into."""

    default_reason = Reason.OUTPUT_NOT_EMPTY


class OutputLockedError(RunError):
    """Another run holds OUT."""

    default_reason = Reason.OUTPUT_LOCKED


class StorageFullError(RunError):
    """No space is left where OUT is."""

    default_reason = Reason.STORAGE_FULL
    default_stage = Stage.WRITE
