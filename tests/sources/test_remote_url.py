# SPDX-License-Identifier: MIT
"""URLs are taken apart, and nothing that is written shows their secrets."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

from plainfilm.errors import OptionsError
from plainfilm.sources.remote_file import RemoteFile, parse_url, public_text
from plainfilm.sources.remote_tree import lexical_path
from plainfilm.sources.scheme import SCHEMES, check_scheme, is_gone

SIGNED = "https://me:s3cr3t@host:8080/a/x%20y.dcm?X-Amz-Signature=s3cr3t&token=s3cr3t#part"


def test_no_text_of_a_url_shows_its_secrets() -> None:
    file = RemoteFile(parse_url(SIGNED), 3, 1)
    for text in (str(file.url), repr(file), os.fspath(file), f"{file.url!r}", public_text(SIGNED), repr(file.name)):
        assert "s3cr3t" not in text
        assert "me:" not in text


def test_a_worker_gets_the_secrets() -> None:
    file = pickle.loads(pickle.dumps(RemoteFile(parse_url(SIGNED))))
    assert file.url.access == SIGNED.removesuffix("#part")


def test_the_name_of_a_file_is_the_base_name_of_the_path() -> None:
    assert parse_url(SIGNED).name == "x y.dcm"
    assert parse_url("s3://b/a/x%20y.dcm").name == "x%20y.dcm"
    assert parse_url("s3://b/a/").name == "a"
    assert parse_url("s3://b").name == "b"
    assert parse_url("http://host/a%2F..%2Fx").name == "a_.._x"


def test_a_signature_does_not_make_another_file_and_any_other_parameter_does() -> None:
    def identity(query: str) -> str:
        return os.fspath(RemoteFile(parse_url(f"https://host/x?{query}")))

    assert identity("X-Amz-Signature=1&X-Amz-Date=2") == identity("X-Amz-Signature=3") == "https://host/x"
    assert identity("sig=1&se=2&id=7") == identity("id=7&sig=3")
    assert identity("id=7") != identity("id=8")


def test_urls_compare_as_paths() -> None:
    film = lexical_path(parse_url("s3://b/a/x"))
    assert film.parent == lexical_path(parse_url("s3://b/a/"))
    assert lexical_path(parse_url("s3://b")) in film.parents
    assert lexical_path(parse_url("gs://b")) not in film.parents


@pytest.mark.parametrize("text", ["s3://", "s3:///x", "http://user:s3cr3t@", "https://user:s3cr3t@/x"])
def test_a_url_without_a_host_is_an_error_that_does_not_quote_it(text: str) -> None:
    with pytest.raises(OptionsError) as caught:
        parse_url(text)
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize("secret", ["s3c/r3t", "s3c?r3t", "s3c#r3t", "s3c/r3t?x@y"])
def test_a_password_that_is_not_escaped_is_an_error_that_does_not_quote_it(secret: str) -> None:
    for url in (f"s3://user:{secret}@bucket/x?y#z", f"https:/us@er:{secret}@bucket/x"):
        with pytest.raises(OptionsError, match="%2F") as caught:
            parse_url(url)
        assert "s3c" not in f"{caught.value}{public_text(url)}"
        assert public_text(url).endswith("://bucket/x")


@pytest.mark.parametrize("host", ["host:8080", "[::1]:8080", "[::1]", "bucket", "arn:aws:s3:eu:1:accesspoint"])
def test_a_path_may_have_an_at_sign(host: str) -> None:
    assert parse_url(f"https://{host}/a@b.dcm").host == host
    assert public_text(f"https://{host}/a@b.dcm") == f"https://{host}/a@b.dcm"


@pytest.mark.parametrize("url", ["ftp://user:s3cr3t@host/x", "s4://b", "file:///x"])
def test_a_scheme_that_is_not_known_is_an_error_that_says_which_are(url: str) -> None:
    with pytest.raises(OptionsError, match=r"s3://|without file://") as caught:
        check_scheme(url, "SOURCE")
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize("name", SCHEMES)
def test_a_package_that_is_not_installed_is_an_error_that_says_what_to_install(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(OptionsError, match=r"pip install 'plainfilm\[") as caught:
        check_scheme(f"{name}://user:s3cr3t@host/x", "SOURCE")
    assert "s3cr3t" not in str(caught.value)


def test_a_path_is_no_url(tmp_path: Path) -> None:
    assert check_scheme(tmp_path, "SOURCE") is None
    assert check_scheme("C:/films", "SOURCE") is None
    assert is_gone(str(tmp_path / "x"))
    assert not is_gone(b"s3://bucket/x")
