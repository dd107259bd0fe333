# SPDX-License-Identifier: MIT
"""Parse the URL of a PACS: what is searched, at which level of the DICOM information model (PS3.4 C.6.2)."""

from __future__ import annotations

import difflib
import re
from dataclasses import field
from enum import Enum
from urllib.parse import parse_qsl

from plainfilm.errors import OptionsError, Reason, SourceError
from plainfilm.pickling import dataclass
from plainfilm.sources.remote_file import RemoteUrl

# Digits and points only (PS3.5 9.1), but de-identified images also have hexadecimal UIDs. Wild cards are not admitted.
UID = re.compile(r"(?!\.+\Z)[0-9A-Za-z._-]{1,64}")
_PLACE = re.compile(r"(.*?)/studies/([^/]+)(?:/series/([^/]+)(?:/instances/([^/]+))?)?/?", re.DOTALL)


class Level(Enum):
    """A level of the information model: of each study its series, of each series its instances."""

    STUDY = "STUDY"
    SERIES = "SERIES"
    IMAGE = "IMAGE"


UID_KEYWORDS = {Level.STUDY: "StudyInstanceUID", Level.SERIES: "SeriesInstanceUID", Level.IMAGE: "SOPInstanceUID"}

_KEYWORDS = {
    Level.STUDY: """
        StudyInstanceUID StudyDate StudyTime AccessionNumber IssuerOfAccessionNumberSequence StudyID StudyDescription
        ModalitiesInStudy SOPClassesInStudy AnatomicRegionsInStudyCodeSequence InstanceAvailability
        ReferringPhysicianName NameOfPhysiciansReadingStudy AdmittingDiagnosesDescription
        PatientName PatientID IssuerOfPatientID PatientBirthDate PatientBirthTime PatientSex PatientAge PatientSize
        PatientWeight PatientComments OtherPatientIDs OtherPatientNames EthnicGroup Occupation
    """,
    Level.SERIES: """
        SeriesInstanceUID Modality SeriesNumber SeriesDescription SeriesDate SeriesTime BodyPartExamined Laterality
        ProtocolName PatientPosition Manufacturer ManufacturerModelName StationName InstitutionName
        InstitutionalDepartmentName InstitutionAddress OperatorsName PerformingPhysicianName
        PerformedProcedureStepStartDate PerformedProcedureStepStartTime PerformedProcedureStepID
        PerformedProcedureStepDescription
    """,
    Level.IMAGE: """
        SOPInstanceUID SOPClassUID InstanceNumber ContentDate ContentTime AcquisitionDate AcquisitionTime ImageType
        ViewPosition ImageLaterality PresentationIntentType NumberOfFrames Rows Columns BitsAllocated
        PhotometricInterpretation
    """,
}
_LEVELS = {keyword: level for level, keywords in _KEYWORDS.items() for keyword in keywords.split()}
_NOUNS = {Level.STUDY: "study", Level.SERIES: "series", Level.IMAGE: "SOP Instance"}
_LIMIT, _FUZZY, CALLING_TITLE = "limit", "fuzzymatching", "callingaet"


@dataclass(frozen=True, slots=True)
class PacsQuery:
    """What the URL of a PACS asks for.

    base: the path of the service, without `/` at its end. filters: of each level, the keywords and the values to match.
    limit: the largest number of studies. is_fuzzy: whether the server may match names by their sound.
    calling_title: the AE title with which plainfilm presents itself. is_instance: whether the URL is that of one
        instance.
    """

    base: str
    filters: dict[Level, dict[str, str]] = field(default_factory=dict)
    limit: int | None = None
    is_fuzzy: bool = False
    calling_title: str = "PLAINFILM"
    is_instance: bool = False

    def uid(self, level: Level) -> str | None:
        """Return the UID of the one study, series or instance that is asked for; None for any."""
        value = self.filters.get(level, {}).get(UID_KEYWORDS[level], "")
        return value if UID.fullmatch(value) else None

    @property
    def is_of_whole_studies(self) -> bool:
        """Whether all instances of a study are asked for."""
        return not self.filters.get(Level.SERIES) and not self.filters.get(Level.IMAGE)

    def admits(self, level: Level, values: dict[str, list[str]]) -> bool:
        """Whether a result matches the UIDs and codes of the query: a server may ignore a key that it does not know.

        values: of the keywords that the result has, the values.
        """
        for keyword in (UID_KEYWORDS[level], "Modality", "SOPClassUID"):
            wanted = self.filters.get(level, {}).get(keyword)
            # of a code, wild cards and lists of values are left to the server
            if wanted and values.get(keyword) and re.fullmatch(r"[\w.]+", wanted) and wanted not in values[keyword]:
                return False
        return True


def parse_pacs_url(url: RemoteUrl) -> PacsQuery:
    """Return what a URL asks for. Raises OptionsError, which quotes no value, for a query that cannot be used."""
    base, uids = split_place(url.path)
    filters: dict[Level, dict[str, str]] = {level: {} for level in Level}
    others = dict[str, str]()
    for name, value in parse_qsl(url.query, keep_blank_values=True):
        if (level := _LEVELS.get(name)) is not None:
            if value:
                filters[level][name] = value
        elif name in (_LIMIT, _FUZZY, CALLING_TITLE):
            others[name] = value
        else:
            raise OptionsError(_unknown(name))
    for level, uid in uids.items():
        if not UID.fullmatch(uid):
            raise OptionsError("the URL has a UID that is none: digits, letters and points, at most 64")
        filters[level][UID_KEYWORDS[level]] = uid
    if "Modality" in filters[Level.SERIES]:
        # so that not every study has to be searched
        filters[Level.STUDY].setdefault("ModalitiesInStudy", filters[Level.SERIES]["Modality"])
    return PacsQuery(
        base,
        filters,
        _limit(others.get(_LIMIT)),
        others.get(_FUZZY, "").lower() == "true",
        _title(others.get(CALLING_TITLE, "PLAINFILM")),
        Level.IMAGE in uids,
    )


def split_place(path: str) -> tuple[str, dict[Level, str]]:
    """Split the path of a URL into that of the service and the UIDs that follow it."""
    match = _PLACE.fullmatch(path)
    if match is None:
        return path.rstrip("/"), {}
    levels = zip(Level, match.groups()[1:], strict=True)
    return match[1], {level: uid for level, uid in levels if uid is not None}


def invalid_uid_error(level: Level) -> SourceError:
    """Return the error of a result of a search that cannot be asked for."""
    return SourceError(f"the PACS gives a {_NOUNS[level]} whose UID is none", reason=Reason.UNSUPPORTED_VALUE)


def empty_study_error() -> SourceError:
    """Return the error of a study of which the PACS lists no instance although none was left out."""
    return SourceError("the PACS lists no instance of this study", reason=Reason.UNREADABLE)


def service_url(url: RemoteUrl) -> RemoteUrl:
    """Return the URL of the service that a search asks; the URL of a single instance stays as it is."""
    base, uids = split_place(url.path)
    return url if Level.IMAGE in uids else url.with_path(base)


def instance_url(url: RemoteUrl, base: str, uids: tuple[str, str, str]) -> RemoteUrl:
    """Return the URL of an instance, in the form of PS3.18 10.4, from that of a search."""
    study, series, instance = uids
    path = f"{base}/studies/{study}/series/{series}/instances/{instance}"
    return RemoteUrl(url.scheme, url.host, path, url.user_info)


def _unknown(name: str) -> str:
    known = (*_LEVELS, _LIMIT, _FUZZY, CALLING_TITLE)
    similar = difflib.get_close_matches(name, known, 1)
    quoted = repr(name[:64]) if name.isascii() and name.isalnum() else "a name"
    advice = f"did you mean {similar[0]}?" if similar else "see the section PACS of docs/sources.md"
    return f"the query of the URL has {quoted}, which cannot be searched for: {advice}"


def _limit(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdecimal() or int(text) == 0:
        raise OptionsError("limit in the query of the URL is not a number of studies")
    return int(text)


def _title(text: str) -> str:
    if not text.strip() or len(text) > 16 or not text.isascii() or not text.isprintable() or "\\" in text:
        raise OptionsError(f"{CALLING_TITLE} in the query of the URL is not an AE title of at most 16 characters")
    return text.strip()
