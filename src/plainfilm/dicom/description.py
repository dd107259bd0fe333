# SPDX-License-Identifier: MIT
"""Read what identifies and describes an instance, and judge whether its pixels may contain text about the patient."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Set
from dataclasses import replace

from plainfilm.dicom.data_set import ParsedDataSet
from plainfilm.dicom.instance import Description, FrameAttributes, InstanceIdentity
from plainfilm.dicom.values import Values
from plainfilm.findings import Finding, FindingCode
from plainfilm.pickling import dataclass

# Defined terms of Modality (PS3.3 C.7.3.1.1.1), and below them the retired ones.
_MODALITY_TERMS = """
ANN AR ASMT AU BDUS BI BMD CFM CR CT CTPROTOCOL DG DMS DOC DX ECG EEG EMG EOG EPS ES FID GM HC HD IO IOL IVOCT IVUS
KER KO LEN LS M3D MG MR NM OAM OCT OP OPM OPT OPTBSV OPTENF OPV OSS OT PA PLAN POS PR PT PX REG RESP RF RG RTDOSE
RTIMAGE RTINTENT RTPLAN RTRAD RTRECORD RTSEGANN RTSTRUCT RWV SEG SM SMR SR SRF STAIN TEXTUREMAP TG US VA XA
XAPROTOCOL XC
AS CD CF CP CS DD DF DM DS EC FA FS LP MA MS OPR ST VF
"""
_MODALITIES = frozenset(_MODALITY_TERMS.split())
_SEXES = frozenset("MFO")  # PS3.3 C.7.1.1
_LATERALITIES = frozenset("LR")  # PS3.3 C.7.3.1
_IMAGE_LATERALITIES = frozenset("LRUB")  # PS3.3 C.8.11.1, C.8.11.7
_INTENTS = frozenset({"FOR PRESENTATION", "FOR PROCESSING"})  # PS3.3 C.8.11.1
_ANSWERS = frozenset({"YES", "NO"})
_CODE_STRING = re.compile("[A-Z0-9 _]{1,16}")  # PS3.5 6.2
_AGE = re.compile("[0-9]{1,3}[DWMY]")
_WORD = re.compile(r"[^\W_]+")
_LEAST_LETTERS_WITHIN, _LEAST_DIGITS_WITHIN = 4, 3

# Modalities whose devices write text into the pixels: ultrasound, hard copies, digitizers, secondary captures.
_ANNOTATING_MODALITIES = frozenset({"US", "IVUS", "HC", "FILMD", "SC"})
# Conversion Type (PS3.3 C.8.6.1): digitized film, digitized video, workstation, scanned document, scanned image.
_ANNOTATING_CONVERSIONS = frozenset({"DF", "DV", "WSD", "SD", "SI"})
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_HARDCOPY = ("1.2.840.10008.5.1.1.29", "1.2.840.10008.5.1.1.30")
_ULTRASOUND = tuple(f"1.2.840.10008.5.1.4.1.1.{last}" for last in ("3", "3.1", "6", "6.1", "6.2"))


def read_identity(values: Values, data_set: ParsedDataSet) -> InstanceIdentity:
    """Return the identifying attributes of a data set. values: those of `data_set`."""
    return InstanceIdentity(
        sop_class_uid=values.text("SOPClassUID") or data_set.media_storage_sop_class,
        sop_instance_uid=values.text("SOPInstanceUID"),
        study_instance_uid=values.text("StudyInstanceUID"),
        series_instance_uid=values.text("SeriesInstanceUID"),
        patient_id=values.text("PatientID"),
        issuer_of_patient_id=values.text("IssuerOfPatientID"),
        patient_name=values.text("PatientName"),
        patient_birth_date=values.text("PatientBirthDate"),
        accession_number=values.text("AccessionNumber"),
    )


def read_description(values: Values, identity: InstanceIdentity) -> Description:
    """Return the attributes that the tables contain unchanged; a code that is not valid is left out with a finding."""
    codes = _Codes(values, _PatientWords.of(identity))
    return Description(
        modality=codes.term("Modality", _MODALITIES),
        body_part=codes.code("BodyPartExamined"),
        view_position=codes.code("ViewPosition"),
        laterality=codes.term("ImageLaterality", _IMAGE_LATERALITIES) or codes.term("Laterality", _LATERALITIES),
        patient_sex=codes.term("PatientSex", _SEXES),
        patient_age=codes.age("PatientAge"),
        manufacturer=values.text("Manufacturer"),
        model=values.text("ManufacturerModelName"),
        presentation_intent=codes.code("PresentationIntentType", _INTENTS),
        burned_in_annotation=codes.code("BurnedInAnnotation", _ANSWERS),
    )


def with_frame_laterality(
    description: Description, frames: tuple[FrameAttributes, ...], findings: list[Finding]
) -> Description:
    """Return the description with the laterality of the frames, if it has none and they all have the same.

    A Frame Laterality that is not valid adds a finding.
    """
    lateralities = {frame.laterality for frame in frames} - {""}
    if not lateralities <= _IMAGE_LATERALITIES:
        findings.append(_not_valid("FrameLaterality"))
    if description.laterality or len(lateralities) != 1 or not lateralities <= _IMAGE_LATERALITIES:
        return description
    return replace(description, laterality=lateralities.pop())


@dataclass(frozen=True, slots=True)
class _PatientWords:
    """The words of the patient's name, ID, birth date and accession number, and these texts."""

    words: frozenset[str]
    texts: tuple[str, ...]

    @classmethod
    def of(cls, identity: InstanceIdentity) -> _PatientWords:
        texts = (identity.patient_name, identity.patient_id, identity.patient_birth_date, identity.accession_number)
        return cls(frozenset(_words("\n".join(texts))), texts)

    def has(self, word: str) -> bool:
        """Whether a word is a word of the patient, contains one of several letters, or is a part of a number."""
        if word in self.words:
            return True
        if any(len(own) >= _LEAST_LETTERS_WITHIN and own in word for own in self.words):
            return True
        has_digits = len(word) >= _LEAST_DIGITS_WITHIN and any(map(str.isdigit, word))
        return has_digits and any(word in "".join(_words(text)) for text in self.texts)


def _words(text: str) -> list[str]:
    """Return the words of a text in capitals, without accents."""
    if text.isascii():
        return _WORD.findall(text.upper())
    decomposed = unicodedata.normalize("NFKD", text.upper())
    return _WORD.findall("".join(character for character in decomposed if not unicodedata.combining(character)))


@dataclass(frozen=True, slots=True)
class _Codes:
    """Reads the codes of the tables. Other text may stand where a code belongs, also the name of the patient."""

    values: Values
    patient: _PatientWords

    def term(self, keyword: str, terms: Set[str]) -> str:
        """Return a code that is one of the terms of the standard, otherwise ''."""
        code = self.values.code(keyword)
        return code if code in terms else self._left_out(keyword, code)

    def code(self, keyword: str, terms: Set[str] = frozenset()) -> str:
        """Return a code of any meaning, '' if it is no valid code string or has a word of the patient.

        terms: codes that are valid whatever the patient is called.
        """
        code = self.values.code(keyword)
        if not code or code in terms:
            return code
        words = code.replace("_", " ").split()
        is_neutral = _CODE_STRING.fullmatch(code) is not None and not any(map(self.patient.has, words))
        return code if is_neutral else self._left_out(keyword, code)

    def age(self, keyword: str) -> str:
        """Return an age (PS3.5 6.2, AS), otherwise ''."""
        age = self.values.code(keyword)
        return age if _AGE.fullmatch(age) is not None else self._left_out(keyword, age)

    def _left_out(self, keyword: str, code: str) -> str:
        """Return '', with a finding unless the code is empty."""
        if code:
            self.values.findings.append(_not_valid(keyword))
        return ""


def _not_valid(keyword: str) -> Finding:
    return Finding(FindingCode.CODE_NOT_VALID, f"{keyword} is no valid code, or names the patient; it is left out")


def annotation_findings(values: Values, identity: InstanceIdentity, description: Description) -> tuple[Finding, ...]:
    """Return a finding if text is burned into the pixels, or likely to be (Burned In Annotation, PS3.3 C.7.6.1.1.2).

    It is likely for the kinds of image that usually have text, unless Burned In Annotation is NO.
    """
    if description.burned_in_annotation == "YES":
        return (Finding(FindingCode.BURNED_IN_ANNOTATION, "Burned In Annotation is YES"),)
    if description.burned_in_annotation == "NO":
        return ()
    # Modality as the file has it: some terms of these devices are not in the standard's list
    modality, conversion = values.code("Modality"), values.code("ConversionType")
    sop_class = identity.sop_class_uid
    indications = {
        f"Modality is {modality}": modality in _ANNOTATING_MODALITIES,
        f"Conversion Type is {conversion}": conversion in _ANNOTATING_CONVERSIONS,
        "a secondary capture": sop_class == _SECONDARY_CAPTURE or sop_class.startswith(f"{_SECONDARY_CAPTURE}."),
        "a hard copy": sop_class in _HARDCOPY,
        "an ultrasound image": sop_class in _ULTRASOUND,
    }
    reasons = ", ".join(indication for indication, applies in indications.items() if applies)
    note = f"{reasons}; Burned In Annotation does not say NO"
    return (Finding(FindingCode.BURNED_IN_LIKELY, note),) if reasons else ()
