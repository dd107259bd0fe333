# SPDX-License-Identifier: MIT
"""Hold the sources of a data set for random access, each with its labels, in a form that does not grow by copies."""

from __future__ import annotations

import pickle
import secrets
from collections.abc import Iterator, Sequence

from plainfilm.conversion.labels import Labels, key_of_identity, key_of_path, key_of_text, load_labels
from plainfilm.conversion.pseudonyms import KEY_BYTES, Key
from plainfilm.dicom.dictionary import Keywords
from plainfilm.dicom.encoding import find_first_element
from plainfilm.dicom.header import Header
from plainfilm.dicom.read import read_header
from plainfilm.errors import ConversionError, OptionsError
from plainfilm.options.data_set import DataSetOptions, LabelKey
from plainfilm.options.options import Options
from plainfilm.output.byte_strings import ByteStrings, StringsBuilder
from plainfilm.pickling import dataclass
from plainfilm.records import Failure, Status
from plainfilm.sources.member_reader import head_of, open_reference
from plainfilm.sources.naming_rules import split_suffix
from plainfilm.sources.reference import Reference
from plainfilm.sources.walk import Listing

_KEYS_OF_PATHS = (LabelKey.FILE_NAME, LabelKey.STEM, LabelKey.SOURCE)


class SourceLabels:
    """Looks up the labels of sources before they are rendered. Keys are compared as hashes with a key of this object.

    Raises OptionsError as `load_labels`.
    """

    def __init__(self, options: DataSetOptions) -> None:
        self._key = Key(secrets.token_bytes(KEY_BYTES))
        self._kind = options.label_key
        self._labels: Labels = load_labels(options, self._key)

    @property
    def classes(self) -> tuple[str, ...]:
        """The distinct labels of the first column, sorted."""
        return tuple(sorted(self._labels.values_of(self._labels.columns[0]))) if self._labels.columns else ()

    @property
    def needs_header(self) -> bool:
        """Whether the key is an attribute of the file, and not a part of its path."""
        return self._kind not in _KEYS_OF_PATHS

    def of_path(self, source: str, file_name: str) -> str:
        """Return the label of a source by its path, or by the name of its image; '' where the file has none."""
        if self._kind is LabelKey.FILE_NAME:
            return self._label(key_of_text(self._key, self._kind, file_name))
        return self._label(key_of_path(self._key, self._kind, source))

    def of_header(self, header: Header) -> str:
        """Return the label of an object by its attributes; '' where the file has none."""
        return self._label(key_of_identity(self._key, self._kind, header.identity))

    def _label(self, label_key: str) -> str:
        return self._labels.of(label_key)[0]


@dataclass(frozen=True, slots=True, eq=False)
class SourceArray:
    """The sources of a data set in the order of a run, for random access.

    labels: the label of each source, in UTF-8, empty where it has none. classes: the distinct labels of the label file.
    """

    references: ByteStrings
    labels: ByteStrings
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.references)

    def reference(self, index: int) -> Reference:
        """Return the source at an index."""
        reference: Reference = pickle.loads(self.references[index])
        return reference


def list_sources(sources: Sequence[str], options: Options) -> SourceArray:
    """List the sources that can hold an image. Files that neither are named as DICOM nor begin like it are left out.

    Raises SourceMissingError; OptionsError, also for an archive that can only be read in order; and ConversionError for
    an entry that cannot be read.
    """
    labels = SourceLabels(options.data_set)
    has_labels = bool(options.data_set.label)
    references, texts = StringsBuilder(), StringsBuilder()
    for reference in _references(sources, options):
        references.append(pickle.dumps(reference, pickle.HIGHEST_PROTOCOL))
        texts.append(_label_of(reference, labels).encode() if has_labels else b"")
    return SourceArray(references.build(), texts.build(), labels.classes)


def _references(sources: Sequence[str], options: Options) -> Iterator[Reference]:
    for entry in Listing(sources, None, options.sources).entries():
        if isinstance(entry, Failure):
            if entry.status is Status.FAILED:
                error = ConversionError(entry.message, reason=entry.reason, stage=entry.stage)
                error.path = entry.source
                raise error
            continue
        if entry.member is not None and entry.member.span is None:
            raise OptionsError(
                f"the files of {entry.path} can only be read in order: unpack this archive, convert it into a folder, "
                "or use IterableImageDataset"
            )
        if _can_be_dicom(entry):
            yield entry


def _can_be_dicom(reference: Reference) -> bool:
    """Whether a file is named as DICOM or begins like it. A file that cannot be read counts: it fails when it is used.

    A companion file of macOS, `._x.dcm`, has the suffix of the file beside it.
    """
    if split_suffix(reference.file_name)[1] and not reference.file_name.startswith("._"):
        return True
    try:
        return find_first_element(head_of(reference)) is not None
    except ConversionError:
        return True


def _label_of(reference: Reference, labels: SourceLabels) -> str:
    if not labels.needs_header:
        return labels.of_path(reference.source, f"{reference.name}.png")
    try:
        with open_reference(reference) as content:
            return labels.of_header(read_header(content, Keywords()))
    except ConversionError:
        return ""
