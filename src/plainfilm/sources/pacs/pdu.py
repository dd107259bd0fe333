# SPDX-License-Identifier: MIT
"""Receive the PDUs of the DICOM network protocol (PS3.8 9.3) within limits of size and time."""

from __future__ import annotations

import socket
import time

PDU_SECONDS = 60.0
"""The time in which the parts of a PDU must arrive: a peer could otherwise keep a connection with single bytes."""
MOST_PDU_BYTES = 1 << 20
"""The longest PDU that is accepted; a request for an association with all its contexts is longer than data."""
_BLOCK = 128 * 1024


class TooSlowError(OSError):
    """A peer needs too long for a PDU."""


class TooLongError(OSError):
    """A PDU is longer than is accepted."""


def received(connection: socket.socket, size: int, most_seconds: float) -> bytearray:
    """Receive a number of bytes, or fewer where the connection ends. Raises OSError."""
    if size > MOST_PDU_BYTES:
        raise TooLongError("more bytes than allowed")
    content, end = bytearray(), time.monotonic() + most_seconds
    while len(content) < size and (part := connection.recv(min(size - len(content), _BLOCK))):
        content += part
        if time.monotonic() > end and len(content) < size:
            raise TooSlowError("slower than allowed")
    return content
