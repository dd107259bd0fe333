# SPDX-License-Identifier: MIT
"""Read the attributes that a user wants as further columns of the metadata table."""

from __future__ import annotations

from plainfilm.dicom.data_set import ParsedDataSet
from plainfilm.dicom.dictionary import Keywords
from plainfilm.dicom.values import Values
from plainfilm.findings import Finding

MAX_CELL_LENGTH = 1024
"""How many characters of a value are written; the rest is cut off."""


def read_extra_columns(data_set: ParsedDataSet, keywords: Keywords) -> tuple[tuple[str, ...], tuple[Finding, ...]]:
    """Return the text of each keyword, '' if the file does not have it, and a finding for each that cannot be read.

    Several values are joined by a backslash. Text is decoded by Specific Character Set (PS3.3 C.12.1.1.2). Attributes
    that the data set does not have, such as those of group 0002, are taken from the File Meta Information.
    """
    findings: list[Finding] = []
    values, file_meta = Values(data_set.dataset, findings), Values(data_set.file_meta, findings)
    texts = ((values if values.has(keyword) else file_meta).texts(keyword) for keyword in keywords.words)
    return tuple("\\".join(parts)[:MAX_CELL_LENGTH] for parts in texts), tuple(findings)
