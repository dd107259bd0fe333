# SPDX-License-Identifier: MIT
"""Replace identifiers by keyed hashes, and detect paths that name the patient."""

from __future__ import annotations

import hmac
import os
import re
import secrets
import struct
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import field
from functools import lru_cache
from pathlib import Path

from plainfilm.dicom.instance import InstanceIdentity
from plainfilm.errors import OptionsError, with_os_error
from plainfilm.findings import Finding, FindingCode
from plainfilm.pickling import dataclass

KEY_BYTES = 32
KEY_FILE = "hash.key"
MAX_AGE = 90.0
"""The age in years that the tables give for every patient above 89."""

_MAX_KEY_BYTES = 65536
_AGE = re.compile(r"([0-9]{1,3})([DWMY])")
_UNITS_PER_YEAR = {"D": 365.25, "W": 365.25 / 7, "M": 12.0, "Y": 1.0}
_SEPARATORS = re.compile(r"[\W_]+")


def _with_length(text: str) -> bytes:
    content = text.encode("utf-8", "surrogatepass")
    return _pack_length(len(content)) + content


_pack_length = struct.Struct(">Q").pack
_START = _with_length("plainfilm")


@dataclass(frozen=True, slots=True)
class Key:
    """The secret key of all keyed hashes of a run."""

    secret: bytes = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """16 hex digits by which keys can be compared; they reveal nothing else about the key."""
        return self.pseudonym("fingerprint")[:16]

    def pseudonym(self, kind: str, *parts: str) -> str:
        """Return 32 hex digits: the first 16 bytes of HMAC-SHA-256 over kind and parts, each preceded by its length."""
        return _keyed_hash(self.secret, kind, *parts)


@lru_cache(256)
def _keyed_hash(secret: bytes, *parts: str) -> str:
    """Return what `Key.pseudonym` does. The images of a series share the hashes of patient, study and series."""
    message = _START + b"".join([_with_length(part) for part in parts])
    return hmac.digest(secret, message, "sha256")[:16].hex()


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """The keyed hashes of an instance; '' where the data set has no identifier."""

    patient: str
    study: str
    series: str
    sop_instance: str
    findings: tuple[Finding, ...] = ()


NO_PSEUDONYMS = Pseudonyms("", "", "", "")
"""The hashes of an instance where there is no key."""


def load_key(key_file: Path | None) -> Key:
    """Read the key from a file (all of its 32 to 65,536 bytes), or the user's own key, which is created on first use.

    Raises OptionsError for a file that is missing, cannot be read, or is too short or too long.
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
    """Return the keyed hashes of an instance.

    A patient is identified by Issuer of Patient ID and Patient ID (PS3.3 C.7.1.1). Without a Patient ID the study
    stands for the patient, with a finding. An absent UID gives '', so that instances without UID do not appear equal.
    """
    study = identity.study_instance_uid.strip(" \0")
    findings: tuple[Finding, ...] = ()
    if study and not identity.patient_id.strip(" \0"):
        findings = (Finding(FindingCode.ASSUMED_PATIENT, "no Patient ID: the study stands for the patient"),)
    return Pseudonyms(
        patient=patient_pseudonym(identity, key),
        study=_uid_pseudonym(key, "study", study),
        series=_uid_pseudonym(key, "series", identity.series_instance_uid),
        sop_instance=_uid_pseudonym(key, "sop_instance", identity.sop_instance_uid),
        findings=findings,
    )


def patient_pseudonym(identity: InstanceIdentity, key: Key) -> str:
    """Return the keyed hash of the patient of an instance, of its study where it has no Patient ID, '' without both."""
    if patient_id := identity.patient_id.strip(" \0"):
        return patient_hash(key, identity.issuer_of_patient_id, patient_id)
    study = identity.study_instance_uid.strip(" \0")
    return key.pseudonym("patient", "study", study) if study else ""


def patient_hash(key: Key, issuer: str, patient_id: str) -> str:
    """Return the keyed hash of a patient by Issuer of Patient ID and Patient ID."""
    return key.pseudonym("patient", "id", issuer.strip(" \0"), patient_id.strip(" \0"))


def patient_id_hash(key: Key, patient_id: str) -> str:
    """Return the keyed hash of a Patient ID, whoever has issued it; '' for an empty one."""
    stripped = patient_id.strip(" \0")
    return key.pseudonym("patient_id", stripped) if stripped else ""


def source_hash(key: Key, source: str) -> str:
    """Return 32 hex digits that stand for the relative path of a file where the path must not appear."""
    return key.pseudonym("source", source)


def age_in_years(patient_age: str) -> float | None:
    """Convert Patient's Age (VR AS, PS3.5 6.2: `045Y`, `018M`, `003W`, `010D`) to years, with four decimal places.

    Ages above 89 give 90. Returns None where the age is absent or has no unit.
    """
    match = _AGE.fullmatch(patient_age.strip(" \0").upper())
    if match is None:
        return None
    years = int(match[1]) / _UNITS_PER_YEAR[match[2]]
    return MAX_AGE if years > MAX_AGE - 1 else round(years, 4)


def patient_in_path(identity: InstanceIdentity, source: str) -> bool:
    """Whether a component of the path is the patient's name, ID or birth date, or the accession number.

    The suffix, the case, separators (`^`, `_`, space ...) and the order of the parts of a name or a date do not matter.
    """
    components = {text for part in source.split("/") for text in (part, part.rpartition(".")[0])}
    words = {_words(text) for text in components} - {()}
    patient = _texts_of_patient(
        identity.patient_name, identity.patient_id, identity.patient_birth_date, identity.accession_number
    )
    return (
        not words.isdisjoint(patient.numbers)
        or (bool(patient.names) and not patient.names.isdisjoint([tuple(sorted(word)) for word in words]))
        or (bool(patient.dates) and not patient.dates.isdisjoint(map("".join, words)))
    )


@dataclass(frozen=True, slots=True)
class _TextsOfPatient:
    """What may name a patient in a path, as words: IDs, names with their words sorted, and spellings of a date."""

    numbers: frozenset[tuple[str, ...]]
    names: frozenset[tuple[str, ...]]
    dates: frozenset[str]


@lru_cache(16)
def _texts_of_patient(name: str, patient_id: str, birth_date: str, accession_number: str) -> _TextsOfPatient:
    """Return the texts of a patient, whom the images of a series share."""
    numbers = frozenset({_words(patient_id), _words(accession_number)} - {()})
    return _TextsOfPatient(numbers, frozenset([tuple(sorted(words)) for words in _names(name)]), _dates(birth_date))


def _uid_pseudonym(key: Key, kind: str, uid: str) -> str:
    stripped = uid.strip(" \0")
    return key.pseudonym(kind, stripped) if stripped else ""


def _words(text: str) -> tuple[str, ...]:
    """Return the words of a text between its separators, case folded."""
    folded = unicodedata.normalize("NFC", text).casefold()
    return tuple(filter(None, _SEPARATORS.split(folded)))


def _names(patient_name: str) -> Iterator[tuple[str, ...]]:
    """Yield the words of each component group (PS3.5 6.2.1): of all components, and of family and given name."""
    for group in patient_name.split("="):
        for components in (group, "^".join(group.split("^")[:2])):
            if words := _words(components):
                yield words


def _dates(birth_date: str) -> frozenset[str]:
    """Return the digits of a date (VR DA) in the usual orders: year, month, day; day first; month first."""
    digits = "".join(_words(birth_date)) if birth_date else ""
    if not re.fullmatch("[0-9]{8}", digits):
        return frozenset()
    year, month, day = digits[:4], digits[4:6], digits[6:]
    return frozenset({digits, day + month + year, month + day + year})


def _read_key(path: Path) -> Key:
    try:
        with path.open("rb") as file:
            secret = file.read(_MAX_KEY_BYTES + 1)
    except OSError as error:
        message = f"the key file {path} cannot be read: {error.strerror}"
        raise with_os_error(OptionsError(message), error, path) from error
    if not KEY_BYTES <= len(secret) <= _MAX_KEY_BYTES:
        raise OptionsError(
            f"the key file {path} must hold {KEY_BYTES} to {_MAX_KEY_BYTES} bytes; restore it or choose another"
        )
    return Key(secret)


def _make_key(path: Path) -> None:
    """Create a key file in one step, unless there is one. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{KEY_FILE}-{secrets.token_hex(8)}")
    _write_secret(temporary, secrets.token_bytes(KEY_BYTES))
    try:
        with suppress(FileExistsError):  # another process was faster: its key is used
            _link(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _link(temporary: Path, path: Path) -> None:
    """Give the temporary file its final name. Raises FileExistsError where the name is taken."""
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
