# SPDX-License-Identifier: MIT
"""What a listener accepts: its address, its AE title, its peers, its limits and its certificate."""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
from pathlib import Path

from plainfilm.errors import OptionsError
from plainfilm.pickling import dataclass

LOOPBACK = "127.0.0.1"
_AE_TITLE = re.compile(r"[\x21-\x5b\x5d-\x7e](?:[\x20-\x5b\x5d-\x7e]{0,14}[\x21-\x5b\x5d-\x7e])?")


@dataclass(frozen=True, slots=True)
class Peer:
    """A sender that may associate: its AE title, and its address or host name."""

    ae_title: str
    host: str

    def has_address(self, address: str) -> bool:
        """Whether this is an address of the peer. A name is looked up each time: its address may change."""
        try:
            found = {entry[4][0] for entry in socket.getaddrinfo(self.host, None)}
        except OSError:
            return False
        return _plain_address(address) in {_plain_address(str(each)) for each in found}


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """The certificate of the listener and its key, as PEM files.

    authority: the certificates that sign those of the senders; None where senders need no certificate.
    """

    certificate: Path
    key: Path
    authority: Path | None = None

    def context(self) -> ssl.SSLContext:
        """The context of connections. Raises OptionsError for a file that cannot be used."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        try:
            context.load_cert_chain(self.certificate, self.key)
            if self.authority is not None:
                context.load_verify_locations(self.authority)
                context.verify_mode = ssl.CERT_REQUIRED
        except (OSError, ssl.SSLError) as error:
            raise OptionsError(
                f"the files of --tls-cert, --tls-key and --tls-ca cannot be used ({type(error).__name__}: "
                f"{error.strerror}): give a certificate and its key as PEM files"
            ) from error
        return context


@dataclass(frozen=True, slots=True)
class ListenerSettings:
    """What a listener accepts.

    port: 0 for one that the system chooses. peers: the senders that may associate; empty for every sender of this
    machine. most_bytes: the largest size of an instance.
    """

    host: str = LOOPBACK
    port: int = 11112
    ae_title: str = "PLAINFILM"
    peers: tuple[Peer, ...] = ()
    associations: int = 10
    most_bytes: int = 2 << 30
    tls: TlsSettings | None = None

    def __post_init__(self) -> None:
        if not self.peers and not is_loopback(self.host):
            raise OptionsError(
                f"--host {self.host} can be reached from other machines, and DICOM knows no passwords: name the "
                "senders with --allow-peer AET@HOST"
            )


def parse_ae_title(text: str) -> str:
    """An AE title: 1 to 16 characters of ASCII without a backslash. Raises OptionsError."""
    if not _AE_TITLE.fullmatch(text.strip(" ")):
        raise OptionsError(f"{text!r} is no AE title: give 1 to 16 characters of ASCII without a backslash")
    return text.strip(" ")


def parse_peer(text: str) -> Peer:
    """A peer from `AET@HOST`. Raises OptionsError."""
    title, separator, host = text.rpartition("@")
    if not separator or not host or not _AE_TITLE.fullmatch(title.strip(" ")):
        raise OptionsError(f"--allow-peer {text!r}: give the AE title and the host of a sender, such as CR1@10.0.0.7")
    return Peer(parse_ae_title(title), host)


def parse_port(text: str) -> int:
    """A TCP port; 0 for one that the system chooses. Raises OptionsError."""
    if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) > 65_535:
        raise OptionsError(f"--port {text!r} is no port from 0 to 65535")
    return int(text)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address or a host name."""
    try:
        entries = socket.getaddrinfo(host, None)
    except OSError:
        return False
    return all(ipaddress.ip_address(str(entry[4][0]).partition("%")[0]).is_loopback for entry in entries)


def _plain_address(address: str) -> str:
    """An address as its shortest text; an IPv4 address that is written as one of IPv6, as IPv4."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(parsed, "ipv4_mapped", None)
    return str(mapped or parsed)
