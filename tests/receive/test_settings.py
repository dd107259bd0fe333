# SPDX-License-Identifier: MIT
"""A listener that other machines can reach needs the names of its senders."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.command_line import CommandLine

from plainfilm.errors import OptionsError
from plainfilm.receive.settings import (
    ListenerSettings,
    Peer,
    TlsSettings,
    is_loopback,
    parse_ae_title,
    parse_peer,
    parse_port,
)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7"])
def test_listening_beyond_this_machine_needs_the_names_of_the_senders(host: str) -> None:
    with pytest.raises(OptionsError, match="--allow-peer AET@HOST"):
        ListenerSettings(host)
    assert ListenerSettings(host, peers=(Peer("CR1", "192.0.2.8"),)).host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.1.2.3"])
def test_this_machine_may_always_send(host: str) -> None:
    assert is_loopback(host)
    assert ListenerSettings(host).peers == ()


def test_a_peer_is_an_ae_title_and_an_address() -> None:
    peer = parse_peer("CR 1@127.0.0.1")
    assert peer == Peer("CR 1", "127.0.0.1")
    assert peer.has_address("127.0.0.1")
    assert peer.has_address("::ffff:127.0.0.1")
    assert not peer.has_address("127.0.0.2")
    assert not Peer("CR1", "no.such.host.invalid").has_address("127.0.0.1")


@pytest.mark.parametrize("text", ["CR1", "@host", "CR1@", "SEVENTEEN_LETTERS@host", "a\\b@host", "ü@host"])
def test_another_text_is_no_peer(text: str) -> None:
    with pytest.raises(OptionsError, match="AE title"):
        parse_peer(text)


@pytest.mark.parametrize("text", ["", " ", "A" * 17, "A\\B", "A\n"])
def test_another_text_is_no_ae_title(text: str) -> None:
    with pytest.raises(OptionsError, match="1 to 16 characters"):
        parse_ae_title(text)


@pytest.mark.parametrize("text", ["x", "-1", "65536", "1e3", ""])
def test_another_text_is_no_port(text: str) -> None:
    with pytest.raises(OptionsError, match="--port"):
        parse_port(text)


def test_a_certificate_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OptionsError, match="--tls-cert"):
        TlsSettings(tmp_path / "none", tmp_path / "none").context()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--host", "0.0.0.0"], "--allow-peer"),
        (["--tls-cert", "cert.pem"], "--tls-key"),
        (["--max-associations", "0"], "from 1 to 100"),
        (["--max-object", "1"], "16MiB"),
        (["--overwrite"], "--overwrite is no option of plainfilm receive"),
        (["--ae-title", "A" * 17], "AE title"),
    ],
)
def test_a_wrong_command_line_exits_with_2(words: list[str], message: str, tmp_path: Path) -> None:
    done = CommandLine(tmp_path).run("receive", tmp_path / "out", *words)
    assert done.returncode == 2
    assert message in done.stderr
    assert not (tmp_path / "out").exists()
