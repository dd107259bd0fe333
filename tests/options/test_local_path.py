# SPDX-License-Identifier: MIT
"""A URL is refused where a path is wanted, and no message about an option shows the password of a URL."""

from __future__ import annotations

from pathlib import Path

import pytest

from plainfilm.errors import OptionsError
from plainfilm.options.field import Option
from plainfilm.options.local_path import local_path, without_user_info
from plainfilm.options.options import Options

URL = "https://ann:s3cr3t@host/x.csv"
PATHS = {"presentation", "labels", "exclude", "redact_from", "key_file", "log"}


def refusal_of(option: Option, url: str = URL) -> str:
    """All text of the error with which an option refuses the URL; '' where it takes it."""
    try:
        option.parse(url)
    except OptionsError as error:
        return f"{error}{error.__cause__}{error.__context__}"
    return ""


@pytest.mark.parametrize("option", list(Options.declared()), ids=lambda option: option.name)
def test_an_option_shows_no_password(option: Option) -> None:
    refusal = refusal_of(option)
    assert "s3cr3t" not in refusal
    assert refusal or option.name not in PATHS
    assert "cr3t" not in refusal_of(option, "https://ann:s3 cr3t@host/x")
    assert "cr3t" not in refusal_of(option, "https://ann:s3'cr3t@host/x")


@pytest.mark.parametrize("url", [URL, Path(URL), "s3://bucket/key", "file:///films/key"])
def test_a_url_is_no_local_path(url: object) -> None:
    with pytest.raises(OptionsError, match=r"not a URL with (https|s3|file)://"):
        local_path(url)


@pytest.mark.parametrize("path", ["key", "a/b:c/d", "./s3:/key", "c:/films/key"])
def test_other_texts_are_local_paths(path: str) -> None:
    assert local_path(path) == Path(path)


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("not 'https://ann:pass@word@host/x'", "not 'https://host/x'"),
        ("not S3:/ann@host and http://b:c@d", "not S3:/host and http://d"),
        ("https://host/x: give user:password@ in the URL", "https://host/x: give user:password@ in the URL"),
        ("the form dicom://AET@host:port", "the form dicom://AET@host:port"),
    ],
)
def test_a_message_loses_user_names_and_passwords(message: str, shown: str) -> None:
    assert without_user_info(message) == shown
