# SPDX-License-Identifier: MIT
"""Hold the elements of a data set as they are written; pydicom converts the values that only it can convert.

A pydicom Dataset costs more than all that is read of most headers, so it is made when it is needed first.
"""

from __future__ import annotations

from collections.abc import ItemsView, Mapping
from typing import Any

from pydicom.charset import convert_encodings, default_encoding
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from plainfilm.dicom.encoding import Encoding

_SPECIFIC_CHARACTER_SET = 0x00080005


class RawDataSet:
    """The elements of a data set by their tags, and their encoding. It has the methods of a Dataset that `Values` uses.

    elements: they are not changed, also when pydicom converts them.
    """

    __slots__ = ("_dataset", "elements", "encoding")

    def __init__(self, elements: Mapping[int, RawDataElement], encoding: Encoding) -> None:
        self.elements = elements
        self.encoding = encoding
        self._dataset: Dataset | None = None

    def __len__(self) -> int:
        return len(self.elements)

    def __getitem__(self, tag: Any) -> DataElement:
        """Return an element with its value converted. Raises KeyError, and what pydicom raises for a wrong value."""
        return self._converted[tag]

    def get_item(self, tag: BaseTag) -> RawDataElement | None:
        """Return an element as it is written, None if it is absent."""
        return self.elements.get(tag)

    def items(self) -> ItemsView[int, RawDataElement]:
        """Return the tags with their elements."""
        return self.elements.items()

    @property
    def original_encoding(self) -> tuple[bool, bool]:
        """Whether the elements have no VRs, and whether they are in little endian."""
        return self.encoding.implicit, not self.encoding.big_endian

    @property
    def _converted(self) -> Dataset:
        if self._dataset is None:
            character_set = _character_set(self.elements.get(_SPECIFIC_CHARACTER_SET))
            elements = {element.tag: element for element in self.elements.values()}
            self._dataset = Dataset(elements, parent_encoding=character_set)
            self._dataset.set_original_encoding(*self.original_encoding, character_set)
        return self._dataset


def _character_set(element: RawDataElement | None) -> Any:
    """Return Specific Character Set in pydicom's form, or the default if it cannot be read (PS3.3 C.12.1.1.2)."""
    value = None if element is None else element.value
    if not isinstance(value, bytes):
        return default_encoding
    try:
        return convert_encodings([name.strip(" \0") for name in value.decode("ascii", "replace").split("\\")])
    except (ValueError, LookupError):
        return default_encoding
