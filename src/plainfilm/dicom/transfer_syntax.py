# SPDX-License-Identifier: MIT
"""Transfer Syntax UID -> its name (PS3.6 A), for messages and for the list of codecs."""

from __future__ import annotations

# Younger than the dictionary of the oldest pydicom that the project runs with.
_YOUNG = {
    "1.2.840.10008.1.2.4.110": "JPEG XL Lossless",
    "1.2.840.10008.1.2.4.111": "JPEG XL JPEG Recompression",
    "1.2.840.10008.1.2.4.112": "JPEG XL",
    "1.2.840.10008.1.2.8.1": "Deflated Image Frame Compression",
}


def transfer_syntax_name(uid: str) -> str:
    """The name of a transfer syntax, or '' where the UID is not known as one."""
    from pydicom.uid import UID_dictionary

    name, kind = UID_dictionary.get(uid, ("", "", "", "", ""))[:2]
    return name if kind == "Transfer Syntax" else _YOUNG.get(uid, "")
