# SPDX-License-Identifier: MIT
"""Test keyed hashes, key files and the search for the patient's name in paths."""

from __future__ import annotations

import hashlib
import hmac
import pickle
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import platformdirs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plainfilm.conversion.pseudonyms import KEY_FILE, Key, age_in_years, load_key, patient_in_path, pseudonyms
from plainfilm.dicom.instance import InstanceIdentity
from plainfilm.errors import OptionsError
from plainfilm.findings import FindingCode

KEY = Key(b"k" * 32)
JOHN = InstanceIdentity(
    sop_instance_uid="1.2.3",
    study_instance_uid="1.2",
    series_instance_uid="1.2.1",
    patient_id="P-0042",
    issuer_of_patient_id="CLINIC",
    patient_name="Doe^John^Q^Dr=\u5c71\u7530^\u592a\u90ce",
    patient_birth_date="19700131",
    accession_number="ACC 7",
)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty configuration directory of the user's."""
    folder = tmp_path / "config/plainfilm"
    monkeypatch.setattr(platformdirs, "user_config_path", lambda _: folder)
    return folder


def test_the_hash_equals_its_documentation() -> None:
    message = b"".join(len(part).to_bytes(8, "big") + part for part in (b"plainfilm", b"study", b"1.2"))
    expected = hmac.new(b"k" * 32, message, hashlib.sha256).hexdigest()[:32]
    assert KEY.pseudonym("study", "1.2") == expected == pseudonyms(JOHN, KEY).study


@given(st.lists(st.text(max_size=3), max_size=3), st.lists(st.text(max_size=3), max_size=3))
def test_different_parts_give_different_hashes(first: list[str], second: list[str]) -> None:
    assert (KEY.pseudonym("k", *first) == KEY.pseudonym("k", *second)) is (first == second)


def test_a_different_kind_or_key_gives_a_different_hash() -> None:
    assert KEY.pseudonym("study", "1.2") != KEY.pseudonym("series", "1.2")
    assert KEY.pseudonym("study", "1.2") != Key(b"l" * 32).pseudonym("study", "1.2")


def test_the_repr_of_a_key_hides_it() -> None:
    assert "kkk" not in repr(KEY)
    assert len(KEY.fingerprint) == 16
    assert KEY.fingerprint != Key(b"l" * 32).fingerprint
    assert pickle.loads(pickle.dumps(KEY)) == KEY


def test_a_patient_is_identified_by_id_and_issuer() -> None:
    first = pseudonyms(JOHN, KEY)
    other_study = replace(JOHN, study_instance_uid="9", patient_name="DOE", patient_id="P-0042 ")
    assert pseudonyms(other_study, KEY).patient == first.patient
    assert pseudonyms(replace(JOHN, issuer_of_patient_id="OTHER"), KEY).patient != first.patient
    assert first.findings == ()


def test_id_and_issuer_are_separate_parts_of_the_hash() -> None:
    one = replace(JOHN, issuer_of_patient_id="A", patient_id="B1")
    other = replace(JOHN, issuer_of_patient_id="AB", patient_id="1")
    assert pseudonyms(one, KEY).patient != pseudonyms(other, KEY).patient


def test_without_an_id_the_study_stands_for_the_patient() -> None:
    found = pseudonyms(replace(JOHN, patient_id=" "), KEY)
    assert [finding.code for finding in found.findings] == [FindingCode.ASSUMED_PATIENT]
    assert found.patient not in ("", found.study)
    assert found.patient == pseudonyms(replace(JOHN, patient_id="", series_instance_uid="8"), KEY).patient
    for issuer in ("", "study"):
        other = replace(JOHN, patient_id="1.2", issuer_of_patient_id=issuer)
        assert found.patient != pseudonyms(other, KEY).patient


def test_an_absent_value_is_not_hashed() -> None:
    found = pseudonyms(InstanceIdentity(), KEY)
    assert (found.patient, found.study, found.series, found.sop_instance, found.findings) == ("", "", "", "", ())


@pytest.mark.parametrize(
    ("age", "years"),
    [
        ("045Y", 45.0),
        ("45Y", 45.0),
        ("000Y", 0.0),
        ("018M", 1.5),
        ("026W", 0.4983),
        ("010D", 0.0274),
        ("089Y", 89.0),
        ("090Y", 90.0),
        ("107Y", 90.0),
        ("999M", 83.25),
        (" 012y ", 12.0),
        ("", None),
        ("62", None),
        ("Y", None),
        ("-12Y", None),
        ("1234Y", None),
        ("012X", None),
        ("adult", None),
    ],
)
def test_an_age_is_given_in_years(age: str, years: float | None) -> None:
    assert age_in_years(age) == years


@pytest.mark.parametrize(
    "source",
    [
        "Doe^John^Q^Dr.dcm",
        "Doe_John/x.dcm",
        "john doe/x.dcm",
        "JOHN.DOE/x.dcm",
        "in/\u592a\u90ce \u5c71\u7530/x",
        "P-0042/x.dcm",
        "p_0042.dcm",
        "x/P-0042.png",
        "19700131/x",
        "a/1970-01-31.dcm",
        "31.01.1970/x",
        "01-31-1970/x",
        "acc_7.dcm",
    ],
)
def test_a_path_that_names_the_patient_is_noticed(source: str) -> None:
    assert patient_in_path(JOHN, source)


@pytest.mark.parametrize(
    "source", ["x.dcm", "Doe/x", "Johnson/Doering/x", "P-00420/x", "0042/x", "1970/x", "ACC/7", "hand_John_Doe_1/x"]
)
def test_paths_that_do_not_name_the_patient_are_not_noticed(source: str) -> None:
    assert not patient_in_path(JOHN, source)


@pytest.mark.parametrize("order", list(permutations(["Doe", "John", "Q", "Dr"])))
def test_the_order_of_name_parts_does_not_matter(order: tuple[str, ...]) -> None:
    assert patient_in_path(JOHN, f"a/{'_'.join(order)}/x.dcm")


def test_an_instance_without_identity_is_in_no_path() -> None:
    assert not patient_in_path(InstanceIdentity(), "_/.dcm/x")
    assert not patient_in_path(
        InstanceIdentity(patient_name="^^^", patient_id="-", patient_birth_date="1970"), "1970/_/x"
    )


def test_a_key_is_made_once_and_for_its_user_only(config: Path) -> None:
    first = load_key(None)
    path = config / KEY_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes() == first.secret
    assert len(first.secret) == 32
    assert load_key(None) == first
    assert [found.name for found in config.iterdir()] == [KEY_FILE]


def test_two_users_have_two_keys(config: Path) -> None:
    first = load_key(None)
    (config / KEY_FILE).unlink()
    assert load_key(None) != first


def test_concurrent_runs_create_one_key(config: Path) -> None:
    for _ in range(20):
        (config / KEY_FILE).unlink(missing_ok=True)
        together = threading.Barrier(4)

        def load(barrier: threading.Barrier = together) -> bytes:
            barrier.wait()
            return load_key(None).secret

        with ThreadPoolExecutor(4) as pool:
            secrets = {future.result() for future in [pool.submit(load) for _ in range(4)]}
        assert secrets == {(config / KEY_FILE).read_bytes()}


def test_a_key_is_created_without_hard_links(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    assert load_key(None) == load_key(None)
    assert stat.S_IMODE((config / KEY_FILE).stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"", b"k" * 31, b"k" * 65537])
def test_an_invalid_key_file_is_refused_and_kept(config: Path, tmp_path: Path, content: bytes) -> None:
    config.mkdir(parents=True)
    for path, given_path in ((config / KEY_FILE, None), (tmp_path / "mine", tmp_path / "mine")):
        path.write_bytes(content)
        with pytest.raises(OptionsError):
            load_key(given_path)
        assert path.read_bytes() == content


def test_the_key_file_of_the_user_is_used_unchanged(tmp_path: Path) -> None:
    (tmp_path / "mine").write_bytes(b"\0" * 40 + b"\n")
    assert load_key(tmp_path / "mine").secret == b"\0" * 40 + b"\n"


def test_a_missing_key_file_of_the_user_is_not_created(tmp_path: Path) -> None:
    with pytest.raises(OptionsError):
        load_key(tmp_path / "mine")
    with pytest.raises(OptionsError):
        load_key(tmp_path)
    assert not (tmp_path / "mine").exists()


def test_an_error_explains_what_to_do_if_no_key_can_be_created(config: Path) -> None:
    config.parent.write_bytes(b"a file in place of the folder")
    with pytest.raises(OptionsError, match="--key-file"):
        load_key(None)
