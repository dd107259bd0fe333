# SPDX-License-Identifier: MIT
"""The exceptions of plainfilm, each with a reason, which is a code of a closed list, and the stage where it occurred.

    PlainfilmError(message, reason, stage)
      ConversionError            one SOP Instance or frame failed: a row in failures, the run continues
        SourceError              the bytes cannot be read
        NotDicomError            the bytes are not a DICOM object
          CompanionFileError     a companion file of macOS, which is skipped whatever its name is
        NotAnImageError          a DICOM object without an image: skipped, no failure
        TruncatedError           the file or its Pixel Data ends too early
        UnsupportedError         valid, but not supported by this installation
        AttributeValueError      an attribute that the image needs is missing or invalid (keyword, value)
        DecodeError              the decoder refuses a codestream, or the codestream contradicts the header
        EncodeError              the output format cannot hold the image
        RepairRefusedError       something for the display cannot be used, and --strict forbids its replacement
        OutputError              the image cannot be written
        LimitError               the instance exceeds a limit of the run
      RunError                   the run cannot continue
        OptionsError             the command line, the configuration or the arguments are wrong
          ArgumentTypeError      an argument of a Python function has a wrong type or an unknown name; a TypeError
        ClosedError              a closed image file is used; a ValueError
        SourceMissingError       a SOURCE does not exist; a FileNotFoundError
        LedgerError              the run must not write into OUT
        OutputLockedError        another run is writing into OUT
        StorageFullError         no space is left

An error that the operating system causes is also a FileNotFoundError, PermissionError, IsADirectoryError or
NotADirectoryError where it is one (`with_os_error`). All errors can be pickled, also between processes.

Messages never quote names, identifiers, dates or free text of the data set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeVar, cast

from plainfilm.reasons import Reason, Stage, environment_reason

__all__ = ["Reason", "Stage", "environment_reason"]

_OS_ERRORS = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)
_OS_ATTRIBUTES = ("errno", "strerror", "filename")
_combined_classes: dict[str, type] = {}


class PlainfilmError(Exception):
    """The base class of all exceptions.

    message: what is wrong and what to do. reason, stage: codes. path: the file that a Python function was called with;
    None where it was called with something else. The text of the exception is the message behind the path.
    """

    default_reason: ClassVar[Reason] = Reason.INTERNAL_ERROR
    default_stage: ClassVar[Stage] = Stage.RUN
    path: str | None = None

    def __init__(self, message: str, *, reason: Reason | None = None, stage: Stage | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or self.default_reason
        self.stage = stage or self.default_stage

    def __str__(self) -> str:
        return self.message if self.path is None else f"{self.path}: {self.message}"

    def __reduce__(self) -> tuple[object, ...]:
        kinds = [kind for kind in _OS_ERRORS if isinstance(self, kind)]
        system = {name: getattr(self, name) for name in _OS_ATTRIBUTES} if kinds else {}
        base = next(kind for kind in type(self).__mro__ if kind not in _combined_classes.values())
        return _restore, (base, kinds[0].__name__ if kinds else "", {**self.__dict__, **system})


E = TypeVar("E", bound=PlainfilmError)


def with_os_error(error: E, cause: OSError, path: object = None) -> E:
    """Return an error that is also of the class of its cause, where callers expect this class.

    path: the file, for the attribute `filename`. The error itself is returned for any other cause.
    """
    kind = next((kind for kind in _OS_ERRORS if isinstance(cause, kind)), None)
    if kind is None:
        return error
    filename = cause.filename if path is None else str(path)
    state = {**error.__dict__, "errno": cause.errno, "strerror": cause.strerror, "filename": filename}
    return _restore(type(error), kind.__name__, state)


def _restore(base: type[E], kind: str, state: dict[str, object]) -> E:
    """Make an error from its class, the name of the OSError that it also is, and its attributes.

    The name, because old protocols of pickle replace the class FileNotFoundError by OSError.
    """
    created = next((_combined(base, known) for known in _OS_ERRORS if known.__name__ == kind), base)
    error: E = created.__new__(created, state["message"])
    error.args = (state["message"],)
    for name, value in state.items():
        setattr(error, name, value)
    return error


def _combined(base: type[E], kind: type[OSError]) -> type[E]:
    """Return the class that is both, such as SourceFileNotFoundError; `base` itself where it is both already."""
    if issubclass(base, kind):
        return base
    name = f"{base.__name__.removesuffix('Error')}{kind.__name__}"
    if name not in _combined_classes:
        content = {"__doc__": f"{base.__doc__} It is a {kind.__name__}.", "__module__": __name__}
        _combined_classes[name] = type(name, (base, kind), content)
    return cast("type[E]", _combined_classes[name])


class ConversionError(PlainfilmError):
    """One SOP Instance or one of its frames cannot be converted."""


class SourceError(ConversionError):
    """The bytes of a source cannot be read."""

    default_reason = Reason.UNREADABLE
    default_stage = Stage.READ


class NotDicomError(ConversionError):
    """The bytes are not a DICOM object."""

    default_reason = Reason.NOT_DICOM
    default_stage = Stage.READ


class CompanionFileError(NotDicomError):
    """The file is one that macOS writes beside another file; it is skipped, whatever its name is."""


class NotAnImageError(ConversionError):
    """The DICOM object is not an image but, say, a directory, a report or a presentation state: it is skipped."""

    default_reason = Reason.NO_PIXEL_DATA
    default_stage = Stage.READ


class TruncatedError(ConversionError):
    """The file or its Pixel Data ends too early."""

    default_reason = Reason.TRUNCATED_FILE
    default_stage = Stage.READ


class UnsupportedError(ConversionError):
    """The object is valid, but this installation does not support it."""

    default_reason = Reason.UNSUPPORTED_VALUE
    default_stage = Stage.READ


class AttributeValueError(ConversionError):
    """An attribute that the image needs is missing or invalid.

    keyword: the keyword of the attribute. value: its value; None if it is missing or not quoted.
    """

    default_reason = Reason.UNSUPPORTED_VALUE
    default_stage = Stage.READ

    def __init__(self, keyword: str, value: object = None, *, message: str = "", reason: Reason | None = None) -> None:
        problem = "is missing" if reason is Reason.MISSING_ATTRIBUTE else "cannot be used"
        if value is not None:
            problem = f"has the value {value!r}"
        super().__init__(f"{keyword} {problem}{': ' + message if message else ''}", reason=reason)
        self.keyword = keyword
        self.value = value


class DecodeError(ConversionError):
    """The decoder refuses a codestream, or the codestream contradicts the header."""

    default_reason = Reason.CORRUPT_CODESTREAM
    default_stage = Stage.DECODE


class EncodeError(ConversionError):
    """The output format cannot hold the image."""

    default_reason = Reason.ENCODE_UNSUPPORTED
    default_stage = Stage.ENCODE


class RepairRefusedError(ConversionError):
    """The VOI of the file cannot be used, and `--strict` forbids its replacement."""

    default_reason = Reason.REPAIR_REFUSED
    default_stage = Stage.RENDER


class OutputError(ConversionError):
    """The image cannot be written."""

    default_reason = Reason.WRITE_FAILED
    default_stage = Stage.WRITE


class LimitError(ConversionError):
    """The instance exceeds a limit of the run."""

    default_reason = Reason.TOO_LARGE
    default_stage = Stage.READ


class RunError(PlainfilmError):
    """The run cannot continue. `exit_code` is the exit code of the command."""

    exit_code: ClassVar[int] = 3


class OptionsError(RunError):
    """The command line, the configuration or the arguments are wrong."""

    default_reason = Reason.OPTIONS
    exit_code = 2


class ArgumentTypeError(OptionsError, TypeError):
    """An argument of a Python function has a wrong type, or its name is unknown."""


class ClosedError(RunError, ValueError):
    """An image file is used after it has been closed."""

    default_reason = Reason.OPTIONS


class SourceMissingError(RunError, FileNotFoundError):
    """A SOURCE does not exist."""

    default_reason = Reason.SOURCE_MISSING
    default_stage = Stage.LIST
    exit_code = 2


class LedgerError(RunError):
    """The run must not write into OUT."""

    default_reason = Reason.OUTPUT_NOT_EMPTY


class OutputLockedError(RunError):
    """Another run is writing into OUT."""

    default_reason = Reason.OUTPUT_LOCKED


class StorageFullError(RunError):
    """No space is left for OUT."""

    default_reason = Reason.STORAGE_FULL
    default_stage = Stage.WRITE


def _class_named(name: str) -> type:
    """Return a combined class by its name, which pickle looks up here. Raises AttributeError for another name.

    PyTorch pickles the class of an exception in its worker processes.
    """
    classes = [value for value in globals().values() if isinstance(value, type) and issubclass(value, PlainfilmError)]
    for base in classes:
        for kind in _OS_ERRORS:
            if name == f"{base.__name__.removesuffix('Error')}{kind.__name__}":
                return _combined(base, kind)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


if not TYPE_CHECKING:
    __getattr__ = _class_named
