# SPDX-License-Identifier: MIT
"""Turn one file or folder name into a safe name: the characters, suffixes and lengths that OUT allows.

`collisions.py` makes the safe names of one folder unique.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

LONGEST = 200
"""Bytes of the longest safe name, without the image's suffix, frame and number."""

DICOM_SUFFIXES = frozenset({"dcm", "dicom", "dic", "ima"})
_GZIP_SUFFIX = ".gz"
MASK_SUFFIX = ".png"
"""The suffix of the images of overlay planes."""
IMAGE_SUFFIXES = frozenset({"png", "jpg", "jpeg", "webp", "tif", "tiff", "jxl", "npy"})
TABLES = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
RESERVED_AT_TOP = (
    "__overlays",
    "README.md",
    "report.html",
    "run.json",
    "failures.csv",
    "failures.jsonl",
    "failures.parquet",
)
"""What a run writes at the top of OUT beside the images, except its private entries."""

_PRIVATE_PREFIX = ".plainfilm"

# Control characters, characters that paths or Windows forbid, line separators, bidirectional overrides, and bytes that
# are not UTF-8.
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"/\\|?*\u2028-\u202e\u2066-\u2069\ud800-\udfff]')
_FORBIDDEN_AT_START = ("=", "+", "-", "@")
_FORBIDDEN_AT_END = (".", " ")
_DEVICE = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])(?= *(?:\.|$))", re.IGNORECASE)
_UID = re.compile(r"[0-9][0-9.]{0,63}")
FRAME_PATTERN = "_(?:f[0-9]{4,}|mip|mean)"
"""What the name of an image of a multi-frame instance has after the name of the instance: a frame or a projection."""
_FRAME = re.compile(rf"(.+){FRAME_PATTERN}", re.DOTALL)


def frame_name(name: str, frame: int, frames: int) -> str:
    """Return the name of a frame (counted from 1): with `_f0001` when the instance has several frames."""
    return f"{name}_f{frame:04d}" if frames > 1 else name


def projection_name(name: str, projection: str) -> str:
    """Return the name of the one image of all frames: with `_mip` or `_mean`."""
    return f"{name}_{projection}"


def uid_name(uid: str) -> str | None:
    """Return the name of an instance by its SOP Instance UID (PS3.5 9.1); None if the text is not a UID."""
    stripped = uid.strip(" \0")
    return stripped if _UID.fullmatch(stripped) else None


def split_suffix(name: str) -> tuple[str, str]:
    """Split a file name into its stem and its DICOM suffix with the dot ('' if it has no DICOM suffix).

    A suffix of gzip files belongs to the DICOM suffix before it: `x.dcm.gz` is `x` and `.dcm.gz`.
    """
    compression = name[-len(_GZIP_SUFFIX) :] if name.lower().endswith(_GZIP_SUFFIX) else ""
    stem, dot, suffix = name.removesuffix(compression).rpartition(".")
    return (stem, dot + suffix + compression) if stem and suffix.lower() in DICOM_SUFFIXES else (name, "")


def sanitize(component: str) -> str:
    """Return a path component that file systems and spreadsheets accept.

    The result is in NFC, has `_` in place of each character that is not allowed, and at most `LONGEST` bytes of UTF-8.
    It does not begin as the private entries of OUT do.
    """
    text = _FORBIDDEN.sub("_", unicodedata.normalize("NFC", component))
    if text.startswith(_FORBIDDEN_AT_START):
        text = "_" + text[1:]
    if not text or text.endswith(_FORBIDDEN_AT_END):
        text = text[:-1] + "_"
    if text.lower().startswith(_PRIVATE_PREFIX):
        text = "_" + text[1:]
    return _shorten(_DEVICE.sub("_", text) if _DEVICE.match(text) else text, component)


def _shorten(text: str, component: str) -> str:
    """Cut a text that is too long, and append a hash of the original component, so that it stays distinct."""
    encoded = text.encode()
    if len(encoded) <= LONGEST:
        return text
    digest = hashlib.sha256(component.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{encoded[: LONGEST - 17].decode(errors='ignore')}-{digest}"


def fold(name: str) -> str:
    """Return the key of a name: names with equal keys can be the same file on some file systems."""
    return name.lower() if name.isascii() else unicodedata.normalize("NFC", name.casefold())


def instance_of(key: str) -> str | None:
    """Return the key of the instance that a key can be a frame of (`x` for `x_f0001`); None if it has no such form."""
    match = _FRAME.fullmatch(key) if "_f" in key or "_m" in key else None
    return match[1] if match else None


def reserved_names(*, at_top: bool) -> tuple[str, ...]:
    """Return the names that a folder of images must not have in a folder of OUT, or at the top of OUT."""
    return TABLES + (RESERVED_AT_TOP if at_top else ())


def file_name_blocked_by(folder: str) -> str:
    """Return the file name whose image would have the path of this folder in OUT ('' if there is none)."""
    stem, _, suffix = folder.rpartition(".")
    return stem if suffix.lower() in IMAGE_SUFFIXES else ""
