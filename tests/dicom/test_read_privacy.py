# SPDX-License-Identifier: MIT
"""Messages, findings, tracebacks, warnings and log records never contain values of the data set."""

from __future__ import annotations

import io
import logging
import random
import threading
import traceback
import warnings
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from tests.support.dicom_files import (
    MAX_PIXELS,
    encode_dataset,
    encode_element,
    encode_file,
    encode_file_meta,
    image_dataset,
    lut_item,
    sequence_item,
)

from plainfilm.dicom.read import instance_from_dataset, read_instance
from plainfilm.dicom.transfer_syntax import EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE
from plainfilm.errors import ConversionError, Reason
from plainfilm.findings import codes_of

pytestmark = pytest.mark.filterwarnings("ignore:Invalid value for VR:UserWarning:pydicom")
TEXT, NUMBER = "QZQZQZQZ", "77557755"


def planted() -> Dataset:
    """An image in which every text is TEXT and every date and number of the patient is NUMBER."""
    dataset = image_dataset(
        StudyDate=NUMBER,
        StudyTime="775577",
        AccessionNumber=TEXT,
        Manufacturer=TEXT,
        InstitutionName=TEXT,
        ReferringPhysicianName=TEXT,
        StationName=TEXT,
        StudyDescription=TEXT,
        SeriesDescription=TEXT,
        OperatorsName=TEXT,
        PatientName=f"{TEXT}^{TEXT}",
        PatientID=TEXT + NUMBER,
        PatientBirthDate=NUMBER,
        PatientAddress=TEXT,
        PatientComments=TEXT * 8,
        BodyPartExamined=TEXT,
        DeviceSerialNumber=TEXT,
        ProtocolName=TEXT,
        ImageComments=TEXT * 4,
        RequestingPhysician=TEXT,
        RequestedProcedureDescription=TEXT * 4,
        WindowCenter=[1, 2],
        WindowWidth=[3, 4],
        WindowCenterWidthExplanation=[TEXT, TEXT],
        ShutterShape="CIRCULAR",
        RescaleType=TEXT,
        CommentsOnThePerformedProcedureStep=TEXT,
        OtherPatientIDsSequence=[sequence_item(PatientID=TEXT, IssuerOfPatientID=TEXT)],
        VOILUTSequence=[lut_item(0, 255, explanation=TEXT)],
    )
    for group in (0x0009, 0x0029):
        dataset.private_block(group, TEXT, create=True).add_new(1, "LO", TEXT)
    return dataset


def says_something(said: str) -> bool:
    return "QZQ" in said or "ZQZ" in said or "7755" in said or "5577" in said


def all_that_is_said(content: bytes, max_pixels: int = 500_000_000) -> str:
    """The message and traceback of a refusal, or all findings of an instance."""
    try:
        instance = read_instance(content, max_pixels)
    except ConversionError as error:
        return f"{error} {error!r} {''.join(traceback.format_exception(error))}"
    return f"{instance.findings} {[frame.findings for frame in instance.frames]}"


@pytest.mark.slow
@pytest.mark.parametrize("syntax", [EXPLICIT_LITTLE, EXPLICIT_BIG, IMPLICIT_LITTLE])
def test_errors_and_findings_of_a_damaged_file_contain_no_patient_data(
    syntax: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    content = encode_file(planted(), syntax)
    caplog.set_level(logging.DEBUG)
    caplog.clear()
    assert says_something(content.decode("latin-1"))
    chance = random.Random(syntax)
    said = set()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for _ in range(1200):
            damaged = bytearray(content)
            for _ in range(chance.randrange(1, 4)):
                position = chance.randrange(128, len(content))
                damaged[position] = chance.choice([0, 0xFF, 0x40, 0x5C, chance.randrange(256)])
            said.add(all_that_is_said(bytes(damaged[: chance.choice([len(content), chance.randrange(len(content))])])))
    assert len(said) > 20
    assert [each for each in said if says_something(each)] == []
    assert [str(each.message) for each in warned] == []
    assert not says_something(caplog.text)
    assert not says_something("".join(capfd.readouterr()))


@pytest.mark.slow
def test_values_in_the_wrong_attribute_are_not_quoted(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    base = image_dataset(ShutterShape="CIRCULAR", WindowCenter=1, WindowWidth=2)
    keywords = [
        *("Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated", "BitsStored", "HighBit"),
        *("PixelRepresentation", "PlanarConfiguration", "NumberOfFrames", "LargestImagePixelValue", "SOPClassUID"),
        *("ShutterShape", "WindowCenter", "WindowWidth", "VOILUTFunction", "VOILUTSequence", "ModalityLUTSequence"),
        *("RescaleSlope", "PixelPaddingValue", "PixelSpacing", "PixelAspectRatio", "PresentationLUTShape"),
        *("SpecificCharacterSet", "Modality", "CenterOfCircularShutter", "RedPaletteColorLookupTableDescriptor"),
        *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence", "PresentationIntentType"),
    ]
    said = [
        all_that_is_said(encode_file(base, odd={keyword: (vr, value)}))
        for keyword in keywords
        for vr in ("LO", "PN", "UN", "OB", "US", "DS", "IS", "CS", "UI", "SQ", "FD", "AT", "XX", "DA")
        for value in (b"QZQZ^QZQZ,", b"QZQZ,A\\QZQZ ", b"MONOCHROME2 QZQZ QZQZ ")
    ]
    assert [each for each in said if says_something(each)] == []
    assert not says_something(caplog.text)


@pytest.mark.parametrize("value", [b"QZQZ", b"1.2.840.10008.1.2.1 QZQZ", b"QZ\\1.2", b"\xff\xfe"])
def test_a_transfer_syntax_that_is_not_a_uid_counts_as_absent(value: bytes) -> None:
    meta = encode_file_meta(None) + encode_element(0x00020010, "UI", value)
    content = bytes(128) + b"DICM" + meta + encode_dataset(image_dataset())
    instance = read_instance(content, MAX_PIXELS)
    assert codes_of(instance.findings) == "assumed_transfer_syntax"
    assert not says_something(str(instance.findings))
    assert instance.data.transfer_syntax == EXPLICIT_LITTLE


class Unreadable(Dataset):
    """A Dataset that raises an error with patient data when it is searched."""

    def __contains__(self, name: Any) -> bool:
        raise ValueError(f"{name} of {TEXT}")


def test_the_message_of_a_pydicom_error_is_not_passed_on() -> None:
    with pytest.raises(ConversionError) as refused:
        instance_from_dataset(Unreadable(), 1)
    assert (refused.value.reason, str(refused.value)) == (
        Reason.CORRUPT_HEADER,
        "the header cannot be parsed (ValueError)",
    )
    assert not says_something("".join(traceback.format_exception(refused.value)))


def test_log_messages_and_warnings_of_others_are_not_suppressed(caplog: pytest.LogCaptureFixture) -> None:
    """The Dataset logs and warns as another library in another thread would while the reader uses it."""

    class Speaking(Dataset):
        def __contains__(self, name: Any) -> bool:
            warnings.warn("of others", UserWarning, stacklevel=1)
            other = threading.Thread(target=logging.getLogger("pydicom").warning, args=("of another thread",))
            other.start()
            other.join()
            logging.getLogger("pydicom").warning("of this thread")
            return super().__contains__(name)

    with pytest.warns(UserWarning, match="of others"):
        instance_from_dataset(Speaking(image_dataset()), MAX_PIXELS)
    assert "of another thread" in caplog.text
    assert "of this thread" not in caplog.text


def test_pydicom_warnings_outside_the_reader_are_not_suppressed(caplog: pytest.LogCaptureFixture) -> None:
    content = encode_file(image_dataset(), odd={"NumberOfFrames": ("IS", b"1A")})
    filters = list(warnings.filters)
    read_instance(content, MAX_PIXELS)
    assert (caplog.text, warnings.filters) == ("", filters)
    with pytest.warns(UserWarning, match="1A"):
        _ = dcmread(io.BytesIO(content)).NumberOfFrames
    assert "1A" in caplog.text
