# SPDX-License-Identifier: MIT
"""A data set and the keywords that a user asked for -> the text of each for the table: theirs to choose and to keep."""

from __future__ import annotations

from pydicom.dataset import Dataset

from plainfilm.dicom.dictionary import Keywords
from plainfilm.dicom.values import Values
from plainfilm.findings import Finding

LONGEST = 1024
"""Characters of a value that are carried; the rest is cut off."""


def carried_values(dataset: Dataset, meta: Dataset, keywords: Keywords) -> tuple[tuple[str, ...], tuple[Finding, ...]]:
    """The value of each keyword, '' where the file has none, and which could not be read.

    Several values are joined by a backslash. Text is decoded by Specific Character Set (PS3.3 C.12.1.1.2). Attributes
    of group 2 are those of the file meta information.
    """
    findings: list[Finding] = []
    of_dataset, of_meta = Values(dataset, findings), Values(meta, findings)
    texts = ((of_dataset if of_dataset.has(word) else of_meta).texts(word) for word in keywords.words)
    return tuple("\\".join(values)[:LONGEST] for values in texts), tuple(findings)
