# SPDX-License-Identifier: MIT
"""The URL of a PACS says what is searched at which level, and a wrong one is explained without its values."""

from __future__ import annotations

import pytest

from plainfilm.errors import OptionsError
from plainfilm.sources.pacs.query import Level, PacsQuery, instance_url, parse_pacs_url, service_url
from plainfilm.sources.pacs.search import Match, matches
from plainfilm.sources.remote_file import parse_url
from plainfilm.sources.remote_tree import lexical_path

SERVICE = "dicomweb+https://host:8042/a/b"


def test_each_key_belongs_to_its_level() -> None:
    url = parse_url(f"{SERVICE}?StudyDate=20240101-20240131&BodyPartExamined=HAND&SOPClassUID=1.2&PatientName=A%5EB*")
    query = parse_pacs_url(url)
    assert query.base == "/a/b"
    assert query.filters == {
        Level.STUDY: {"StudyDate": "20240101-20240131", "PatientName": "A^B*"},
        Level.SERIES: {"BodyPartExamined": "HAND"},
        Level.IMAGE: {"SOPClassUID": "1.2"},
    }


def test_a_modality_narrows_the_studies_too() -> None:
    filters = parse_pacs_url(parse_url(f"{SERVICE}?Modality=DX")).filters
    assert filters[Level.STUDY] == {"ModalitiesInStudy": "DX"}
    assert filters[Level.SERIES] == {"Modality": "DX"}


def test_uids_in_the_path_are_searched_for() -> None:
    query = parse_pacs_url(parse_url(f"{SERVICE}/studies/1.2/series/3.4"))
    assert (query.base, query.uid(Level.STUDY), query.uid(Level.SERIES)) == ("/a/b", "1.2", "3.4")
    assert not query.is_instance


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("Modalty=DX", "did you mean Modality"),
        ("studydate=secret", "studydate"),
        ("limit=none", "limit"),
        ("limit=0", "limit"),
        ("callingaet=a%5Cb", "AE title"),
        ("callingaet=12345678901234567", "AE title"),
        ("%3Cscript%3E=1", "a name"),
    ],
)
def test_a_query_that_cannot_be_used_is_explained_without_its_values(text: str, part: str) -> None:
    with pytest.raises(OptionsError, match=part) as caught:
        parse_pacs_url(parse_url(f"{SERVICE}?{text}"))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("uid", ["..", "1.2%2F3", "1*", "1" * 65])
def test_a_path_with_a_uid_that_is_none_is_refused(uid: str) -> None:
    with pytest.raises(OptionsError, match="UID"):
        parse_pacs_url(parse_url(f"{SERVICE}/studies/{uid}"))


def test_the_searches_of_a_server_are_one_folder() -> None:
    urls = [f"{SERVICE}?StudyDate=20240101", f"{SERVICE}/?Modality=DX", f"{SERVICE}/studies/1.2", SERVICE]
    assert {lexical_path(parse_url(url)) for url in urls} == {lexical_path(parse_url(SERVICE))}


def test_the_url_of_an_instance_has_the_user_and_not_the_query() -> None:
    url = instance_url(parse_url("dicomweb+https://u:p@host/a?PatientID=1"), "/a", ("1", "2", "3"))
    assert url.access == "dicomweb+https://u:p@host/a/studies/1/series/2/instances/3"
    assert service_url(url) == url


def test_results_that_the_query_excludes_are_left_out_whatever_the_server_does() -> None:
    query = parse_pacs_url(parse_url(f"{SERVICE}?Modality=DX"))
    assert query.admits(Level.SERIES, {"Modality": ["DX"]})
    assert query.admits(Level.SERIES, {})
    assert not query.admits(Level.SERIES, {"Modality": ["CT"]})
    assert parse_pacs_url(parse_url(f"{SERVICE}?Modality=D*")).admits(Level.SERIES, {"Modality": ["DX"]})


@pytest.mark.parametrize("count", ["9" * 5000, "-1", "x", 3.5, [[["3"]]], None])
def test_a_count_that_is_none_does_not_end_the_search(count: object) -> None:
    result = {"0020000D": {"Value": ["1.2"]}, "00201208": {"Value": [count]}}
    found = matches(Level.STUDY, PacsQuery(""), lambda position: ([] if position else [result], False))
    assert list(found) == [Match("1.2")]
