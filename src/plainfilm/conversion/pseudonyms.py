# SPDX-License-Identifier: MIT
"""Who an instance is of, and a secret key -> keyed hashes that may leave, and whether the user's path names them."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from plainfilm.dicom.instance import InstanceIdentity
from plainfilm.errors import OptionsError
from plainfilm.findings import Finding, FindingCode

KEY_BYTES = 32
KEY_FILE = "hash.key"
OLDEST = 90.0

_LONGEST_KEY = 65536
_AGE = re.compile(r"([0-9]{1,3})([DWMY])")
_UNITS_A_YEAR = {"D": 365.25, "W": 365.25 / 7, "M": 12.0, "Y": 1.0}
_SEPARATORS = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Key:
    """The secret of every keyed hash of a run."""

    secret: bytes = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """16 hex digits that tell keys apart and nothing else about them."""
        return self.pseudonym("fingerprint")[:16]

    def pseudonym(self, kind: str, *parts: str) -> str:
        """32 hex digits: the first 16 bytes of HMAC-SHA-256 over the kind and the parts, each after its length."""
        texts = [text.encode("utf-8", "surrogatepass") for text in ("plainfilm", kind, *parts)]
        message = b"".join(len(text).to_bytes(8, "big") + text for text in texts)
        return hmac.new(self.secret, message, hashlib.sha256).digest()[:16].hex()


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """The keyed hashes of the tables; '' where the data set has nothing to hash."""

    patient: str
    study: str
    series: str
    sop_instance: str
    findings: tuple[Finding, ...] = ()


def load_key(key_file: Path | None) -> Key:
    """The key in a file (32 to 65,536 bytes, taken as they are), or the user's own, which is made on first use.

    Raises OptionsError for a file that is not there, cannot be read, or is too short or too long to be a key.
    """
    if key_file is not None:
        return _read_key(key_file)
    import platformdirs

    path = platformdirs.user_config_path("plainfilm") / KEY_FILE
    try:
        if not path.exists():
            _make_key(path)
    except OSError as error:
        message = f"the key of the hashes cannot be made in {path.parent} ({error.strerror}): give --key-file"
        raise OptionsError(message) from error
    return _read_key(path)


def pseudonyms(identity: InstanceIdentity, key: Key) -> Pseudonyms:
    """The keyed hashes of an instance.

    A patient is Issuer of Patient ID and Patient ID (PS3.3 C.7.1.1); without an ID the study stands for the patient,
    with a finding. An absent UID gives '', so that instances without one are not taken for each other.
    """
    study = identity.study_instance_uid.strip(" \0")
    patient = ""
    findings: tuple[Finding, ...] = ()
    if patient_id := identity.patient_id.strip(" \0"):
        patient = key.pseudonym("patient", "id", identity.issuer_of_patient_id.strip(" \0"), patient_id)
    elif study:
        patient = key.pseudonym("patient", "study", study)
        findings = (Finding(FindingCode.ASSUMED_PATIENT, "no Patient ID: the study stands for the patient"),)
    return Pseudonyms(
        patient=patient,
        study=_of_uid(key, "study", study),
        series=_of_uid(key, "series", identity.series_instance_uid),
        sop_instance=_of_uid(key, "sop_instance", identity.sop_instance_uid),
        findings=findings,
    )


def age_in_years(patient_age: str) -> float | None:
    """Patient's Age (VR AS, PS3.5 6.2: `045Y`, `018M`, `003W`, `010D`) in years to four digits; above 89 as 90.

    None where it is absent or says no unit.
    """
    found = _AGE.fullmatch(patient_age.strip(" \0").upper())
    if found is None:
        return None
    years = int(found[1]) / _UNITS_A_YEAR[found[2]]
    return OLDEST if years > OLDEST - 1 else round(years, 4)


def patient_in_path(identity: InstanceIdentity, source: str) -> bool:
    """Whether a component of the path is the patient's name, ID or birth date, or the accession number.

    Its suffix, case, separators (`^`, `_`, space ...) and the order of a name's or a date's components do not matter.
    """
    components = {text for part in source.split("/") for text in (part, part.rpartition(".")[0])}
    words = {found for text in components if (found := _words(text))}
    sorted_words = {tuple(sorted(found)) for found in words}
    numbers = [_words(identity.patient_id), _words(identity.accession_number)]
    return (
        any(number in words for number in numbers if number)
        or any(tuple(sorted(name)) in sorted_words for name in _names(identity.patient_name))
        or any("".join(found) in _dates(identity.patient_birth_date) for found in words)
    )


def _of_uid(key: Key, kind: str, uid: str) -> str:
    stripped = uid.strip(" \0")
    return key.pseudonym(kind, stripped) if stripped else ""


def _words(text: str) -> tuple[str, ...]:
    """The words of a text, case folded: what is left when separators do not count."""
    folded = unicodedata.normalize("NFC", text).casefold()
    return tuple(word for word in _SEPARATORS.split(folded) if word)


def _names(patient_name: str) -> Iterator[tuple[str, ...]]:
    """The words of each component group of a name (PS3.5 6.2.1), of all its components and of family and given name."""
    for group in patient_name.split("="):
        for components in (group, "^".join(group.split("^")[:2])):
            if words := _words(components):
                yield words


def _dates(birth_date: str) -> frozenset[str]:
    """The digits of a date (VR DA) in the orders that people write them."""
    digits = "".join(_words(birth_date))
    if not re.fullmatch("[0-9]{8}", digits):
        return frozenset()
    year, month, day = digits[:4], digits[4:6], digits[6:]
    return frozenset({digits, day + month + year, month + day + year})


def _read_key(path: Path) -> Key:
    try:
        with path.open("rb") as file:
            secret = file.read(_LONGEST_KEY + 1)
    except OSError as error:
        raise OptionsError(f"the key file {path} cannot be read: {error.strerror}") from error
    if not KEY_BYTES <= len(secret) <= _LONGEST_KEY:
        raise OptionsError(
            f"the key file {path} must hold {KEY_BYTES} to {_LONGEST_KEY} bytes; restore it or choose another"
        )
    return Key(secret)


def _make_key(path: Path) -> None:
    """Put a new key there, whole from the first moment and never over another. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{KEY_FILE}-{secrets.token_hex(8)}")
    _write_secret(temporary, secrets.token_bytes(KEY_BYTES))
    try:
        with suppress(FileExistsError):  # another process was first: its key is the key
            _place(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _place(temporary: Path, path: Path) -> None:
    """Give the file its name unless there is one. Raises FileExistsError where there is."""
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        _write_secret(path, temporary.read_bytes())


def _write_secret(path: Path, secret: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
