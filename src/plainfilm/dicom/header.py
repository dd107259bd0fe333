# SPDX-License-Identifier: MIT
"""The part of a header that identifies and describes an object, without the attributes of its pixels."""

from __future__ import annotations

from plainfilm.dicom.anatomy import read_region_terms
from plainfilm.dicom.data_set import ParsedDataSet
from plainfilm.dicom.description import read_description, read_identity
from plainfilm.dicom.dictionary import Keywords
from plainfilm.dicom.extra_columns import read_extra_columns
from plainfilm.dicom.instance import Description, InstanceIdentity
from plainfilm.dicom.instance_builder import error_without_pixels
from plainfilm.dicom.values import Values
from plainfilm.errors import NotAnImageError
from plainfilm.pickling import dataclass


@dataclass(frozen=True, slots=True)
class Header:
    """The identity and the description of an image object.

    region_terms: the regions of Anatomic Region Sequence, as terms of Body Part Examined.
    extra_columns: the texts of the attributes that the user wants, in the user's order.
    """

    identity: InstanceIdentity
    description: Description
    region_terms: tuple[str, ...] = ()
    extra_columns: tuple[str, ...] = ()

    @property
    def body_parts(self) -> tuple[str, ...]:
        """The terms of all body parts: that of Body Part Examined first."""
        terms = (self.description.body_part, *self.region_terms)
        return tuple(dict.fromkeys(term for term in terms if term))


def build_header(data_set: ParsedDataSet, columns: Keywords) -> Header:
    """Return the header of a data set. Raises NotAnImageError for an object that is not an image."""
    if data_set.pixel_element is None and isinstance(error := error_without_pixels(data_set), NotAnImageError):
        raise error
    values = Values(data_set.dataset, [])
    identity = read_identity(values, data_set)
    return Header(
        identity,
        read_description(values, identity),
        read_region_terms(values),
        read_extra_columns(data_set, columns)[0],
    )
