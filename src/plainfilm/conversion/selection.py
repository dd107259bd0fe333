# SPDX-License-Identifier: MIT
"""Decide from the header whether the options select an instance, before any pixel of it is decoded.

An instance that is described, but cannot be rendered, is left out like any other one: the description is read first,
and the attributes of the pixels only where a condition needs them.
"""

from __future__ import annotations

from collections.abc import Callable

from plainfilm.conversion.pseudonyms import NO_PSEUDONYMS, Key, age_in_years, pseudonyms
from plainfilm.dicom.byte_source import ByteSource
from plainfilm.dicom.dictionary import is_number
from plainfilm.dicom.header import Header
from plainfilm.dicom.instance import Instance
from plainfilm.dicom.read import read_header, read_instance
from plainfilm.errors import ConversionError, Reason, Stage
from plainfilm.options.options import Options
from plainfilm.options.selection import DESCRIPTION_COLUMNS, IMAGE_COLUMNS, NUMBER_COLUMNS, Condition


def check_selection(content: ByteSource, options: Options, key: Key | None) -> None:
    """Raise ConversionError (excluded) for an instance that the options leave out.

    key: the key of the keyed hashes, which conditions may name; None leaves the hashes empty.
    Raises also the errors of `read_header`.
    """
    selection = options.selection
    if selection.is_empty:
        return
    header = read_header(content, options.privacy.columns)
    if not selection.modality.allow([header.description.modality]):
        raise _excluded(f"its modality is not one of --modality {selection.modality}")
    if not selection.body_part.allow(header.body_parts or [""]):
        raise _excluded(f"its body part is not one of --body-part {selection.body_part}")
    keywords = options.privacy.columns.words
    of_pixels = [item for item in selection.where.items if _is_image_column(item, keywords)]
    of_header = [item for item in selection.where.items if item not in of_pixels]
    _check(of_header, lambda column: _header_value(column, header, keywords, key))
    if of_pixels and (instance := _instance_or_none(content, options)) is not None:
        _check(of_pixels, lambda column: _image_value(column, instance))


def _check(conditions: list[Condition], value_of: Callable[[str], str]) -> None:
    for condition in conditions:
        is_numeric = condition.column in NUMBER_COLUMNS or is_number(condition.column)
        if not condition.is_met_by(value_of(condition.column), is_number=is_numeric):
            # the value of the condition is not quoted: --columns allows attributes that name the patient
            relation = "the value" if condition.is_negative else "not the value"
            raise _excluded(f"{condition.column} has {relation} of --where")


def _is_image_column(condition: Condition, keywords: tuple[str, ...]) -> bool:
    return condition.column in IMAGE_COLUMNS and condition.column not in keywords


def _header_value(column: str, header: Header, keywords: tuple[str, ...], key: Key | None) -> str:
    """Return the text of a column that does not depend on the pixels."""
    if column in keywords:
        return header.extra_columns[keywords.index(column)]
    if column == "patient_age":
        age = age_in_years(header.description.patient_age)
        return "" if age is None else str(age)
    if column in DESCRIPTION_COLUMNS:
        return str(getattr(header.description, column))
    hashes = NO_PSEUDONYMS if key is None else pseudonyms(header.identity, key)
    return str(getattr(hashes, column))


def _image_value(column: str, instance: Instance) -> str:
    """Return the text of a column of the attributes that describe the pixels."""
    if column == "laterality":
        return instance.description.laterality
    if column == "transfer_syntax":
        return instance.data.transfer_syntax
    return str(getattr(instance.pixel, "number_of_frames" if column == "frames" else column))


def _instance_or_none(content: ByteSource, options: Options) -> Instance | None:
    """Return the instance, or None where it cannot be read: the conversion then reports why."""
    try:
        return read_instance(content, options.limits.max_pixels)
    except ConversionError:
        return None


def _excluded(message: str) -> ConversionError:
    return ConversionError(message, reason=Reason.EXCLUDED, stage=Stage.READ)
