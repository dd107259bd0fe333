# SPDX-License-Identifier: MIT
"""Determine the transfer syntax of Pixel Data if the declared one is absent or wrong (PS3.5 A); name it (PS3.6 A)."""

from __future__ import annotations

from plainfilm.dicom.byte_source import ValueField
from plainfilm.dicom.codestream_header import CodestreamHeader, read_codestream_header
from plainfilm.dicom.encoding import ITEM_BYTES, Encoding
from plainfilm.findings import Finding, FindingCode
from plainfilm.pickling import dataclass

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"
DEFLATED = "1.2.840.10008.1.2.1.99"
ENCAPSULATED = "1.2.840.10008.1.2.1.98"
NATIVE = frozenset((IMPLICIT_LITTLE, EXPLICIT_LITTLE, EXPLICIT_BIG, DEFLATED))

# The data dictionary of the oldest supported pydicom does not have these transfer syntaxes.
_NEWER_NAMES = {
    "1.2.840.10008.1.2.4.110": "JPEG XL Lossless",
    "1.2.840.10008.1.2.4.111": "JPEG XL JPEG Recompression",
    "1.2.840.10008.1.2.4.112": "JPEG XL",
    "1.2.840.10008.1.2.8.1": "Deflated Image Frame Compression",
}
# Private transfer syntaxes of native data, which the data dictionary does not have: those of GE and Philips.
_GE_BIG_ENDIAN_WORDS = "1.2.840.113619.5.2"
_PRIVATE_NATIVE = frozenset((_GE_BIG_ENDIAN_WORDS, "1.3.46.670589.33.1.4.1", "1.2.840.10008.1.20"))
# Transfer syntaxes whose fragments may begin with any bytes, so also with the two that mark a JPEG XL codestream.
_UNMARKED = frozenset((ENCAPSULATED, "1.2.840.10008.1.2.8.1"))
_BARE_JPEG_XL = b"\xff\x0a"
_MAX_CODESTREAM_HEADER = 65536


@dataclass(frozen=True, slots=True)
class ResolvedTransferSyntax:
    """The transfer syntax that Pixel Data are read with. `findings` has one finding if it is not the declared one.

    codestream: what the first codestream of encapsulated data says of itself. has_big_endian_words: whether the pixel
    cells are in big endian, whatever the encoding of the elements. needs_native_length: whether nothing but the length
    of Pixel Data can show that the data are native. has_items: whether encapsulated data are in items.
    """

    uid: str
    encapsulated: bool
    findings: tuple[Finding, ...]
    codestream: CodestreamHeader | None = None
    has_big_endian_words: bool = False
    needs_native_length: bool = False
    has_items: bool = True


def transfer_syntax_name(uid: str) -> str:
    """Return the name of a transfer syntax, or '' if the UID is not one of a known transfer syntax."""
    from pydicom.uid import UID_dictionary

    name, kind = UID_dictionary.get(uid, ("", "", "", "", ""))[:2]
    return name if kind == "Transfer Syntax" else _NEWER_NAMES.get(uid, "")


def native_transfer_syntax(encoding: Encoding) -> str:
    """Return the native transfer syntax in which a data set of this encoding is written."""
    if encoding.big_endian:  # implicit big endian, of ACR-NEMA, has no UID
        return EXPLICIT_BIG
    return IMPLICIT_LITTLE if encoding.implicit else EXPLICIT_LITTLE


def resolve_transfer_syntax(
    declared: str, value: ValueField, has_undefined_length: bool, encoding: Encoding
) -> ResolvedTransferSyntax:
    """Return the declared transfer syntax if the pixel element can have it, else the one that the bytes show.

    declared: Transfer Syntax UID, '' if the file has none. value: the value of the pixel element.
    """
    if has_undefined_length or (declared not in NATIVE and value[:4] == ITEM_BYTES):
        return _resolve_encapsulated(declared, value)
    native = native_transfer_syntax(encoding)
    if declared in (DEFLATED, native):
        return ResolvedTransferSyntax(declared, False, ())
    is_known = transfer_syntax_name(declared) != ""
    if is_known and declared not in NATIVE and declared not in _PRIVATE_NATIVE:  # the decoder takes them for native
        return ResolvedTransferSyntax(declared, False, ())
    return ResolvedTransferSyntax(
        uid=native,
        encapsulated=False,
        findings=(_assumed(declared, native),),
        has_big_endian_words=declared == _GE_BIG_ENDIAN_WORDS,
        needs_native_length=bool(declared) and not is_known and declared not in _PRIVATE_NATIVE,
    )


def resolve_bare_codestream(declared: str, value: ValueField) -> ResolvedTransferSyntax | None:
    """Return the transfer syntax of a codestream that is Pixel Data without items; None if there is no codestream.

    Data that are declared as native are taken for a codestream only if its first bytes are unmistakable.
    """
    start = bytes(value[:_MAX_CODESTREAM_HEADER])
    codestream = read_codestream_header(start)
    is_native = declared == "" or declared in NATIVE or declared in _PRIVATE_NATIVE
    is_weak = codestream is not None and (codestream.segments is not None or start.startswith(_BARE_JPEG_XL))
    if codestream is None or declared in _UNMARKED or (is_native and is_weak):
        return None
    findings = [Finding(FindingCode.ITEMS_MISSING, "PixelData is one codestream that is not in items; it is decoded")]
    uid = declared if declared in codestream.syntaxes else codestream.syntaxes[0]
    if uid != declared:
        findings.append(_assumed(declared, uid))
    return ResolvedTransferSyntax(uid, True, tuple(findings), codestream, has_items=False)


def _resolve_encapsulated(declared: str, value: ValueField) -> ResolvedTransferSyntax:
    """Return the declared transfer syntax unless the codestream says that it is another one."""
    codestream = _first_codestream_header(value, declared)
    syntaxes = () if codestream is None else codestream.syntaxes
    is_usable = declared != "" and declared not in NATIVE
    is_known = transfer_syntax_name(declared) != "" and declared not in _PRIVATE_NATIVE
    is_contradicted = codestream is not None and declared not in syntaxes
    if is_usable and is_known and codestream is not None and codestream.segments is not None:
        is_contradicted = False  # the header of an RLE frame is too short to contradict another transfer syntax
    if is_usable and not is_contradicted:
        return ResolvedTransferSyntax(declared, True, (), codestream if declared in syntaxes else None)
    uid = syntaxes[0] if syntaxes else ENCAPSULATED
    return ResolvedTransferSyntax(uid, True, (_assumed(declared, uid),), codestream)


def _assumed(declared: str, uid: str) -> Finding:
    """Return the finding that names the declared transfer syntax and the one that is used."""
    statement = f"TransferSyntaxUID is {declared}" if declared else "TransferSyntaxUID is missing or invalid"
    return Finding(FindingCode.ASSUMED_TRANSFER_SYNTAX, f"{statement}; taken for {uid}")


def _first_codestream_header(value: ValueField, declared: str) -> CodestreamHeader | None:
    """Return the header of the first fragment with a codestream; a Basic Offset Table may precede it (PS3.5 A.4)."""
    second_item = 8 + int.from_bytes(value[4:8], "little")
    for start in (8, second_item + 8):
        codestream = bytes(value[start : start + _MAX_CODESTREAM_HEADER])
        header = read_codestream_header(codestream)
        if header is not None and not (declared in _UNMARKED and codestream.startswith(_BARE_JPEG_XL)):
            return header
    return None
