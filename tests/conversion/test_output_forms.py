# SPDX-License-Identifier: MIT
"""In every layout, format and table: run.json makes the same bytes again, and `verify` sees each difference."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.cases.build import build_case, to_bytes
from tests.support.output_forms import FORMS, has_labels, words_of_form
from tests.support.outputs import files_of

from plainfilm.cli.main import main

pytestmark = pytest.mark.slow

_IMAGES = (".png", ".tar", ".parquet", ".jpg", ".jpeg", ".tiff", ".tif", ".webp", ".jxl", ".npy")
Converts = Callable[..., Path]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Films of five patients, one that fails, the labels and the key."""
    folder = tmp_path_factory.mktemp("forms")
    (folder / "in").mkdir()
    for number in range(10):
        dataset, _ = build_case(rows=16, columns=12, seed=number, frames=1 + 2 * (number == 3))
        dataset.PatientID = f"P{number % 5}"
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{number}"
        (folder / "in" / f"{number}.dcm").write_bytes(to_bytes(dataset))
    (folder / "in" / "broken.dcm").write_bytes(b"no DICOM file")
    (folder / "labels.csv").write_text("PatientID,side\n" + "".join(f"P{n},{'lr'[n % 2]}\n" for n in range(5)))
    (folder / "key").write_bytes(b"a secret of thirty-two bytes, so.")
    return folder


@pytest.fixture
def convert(folder: Path, tmp_path: Path) -> Converts:
    def run(out: str, *words: str) -> Path:
        common = ["--key-file", str(folder / "key"), "--jobs", "1", "--quiet"]
        assert main(["convert", str(folder / "in"), str(tmp_path / out), *words, *common]) == 1
        return tmp_path / out

    return run


@pytest.fixture
def verified(capsys: pytest.CaptureFixture[str]) -> Callable[[Path], dict[str, list[str]]]:
    """The differences that `plainfilm verify` lists; its exit code says whether there are any."""

    def verify(out: Path) -> dict[str, list[str]]:
        capsys.readouterr()
        code = main(["verify", str(out), "--json"])
        listed = json.loads(capsys.readouterr().out)
        del listed["files"]
        assert code == (1 if any(listed.values()) else 0)
        return {kind: names for kind, names in listed.items() if names}

    return verify


@pytest.mark.parametrize("form", FORMS)
def test_run_json_makes_the_same_bytes_again(convert: Converts, folder: Path, form: str) -> None:
    pytest.importorskip("pyarrow")
    first = convert("first", *words_of_form(form, folder / "labels.csv"))
    assert any(name.endswith(_IMAGES) for name in files_of(first))
    second = convert("second", "--config", str(first / "run.json"))
    contents = [{name: (out / name).read_bytes() for name in files_of(out)} for out in (first, second)]
    runs = [json.loads(content.pop("run.json")) for content in contents]
    assert contents[0] == contents[1]
    assert runs[0]["options"] == runs[1]["options"]
    assert (str(folder) in json.dumps(runs[0])) == has_labels(form)


@pytest.mark.parametrize("form", FORMS)
def test_verify_lists_what_is_missing_changed_and_extra(
    convert: Converts, folder: Path, form: str, verified: Callable[[Path], dict[str, list[str]]]
) -> None:
    pytest.importorskip("pyarrow")
    out = convert("out", *words_of_form(form, folder / "labels.csv"))
    assert verified(out) == {}
    tables = [name for name in files_of(out) if Path(name).stem in ("metadata", "failures")]
    images = [name for name in files_of(out) if name.endswith(_IMAGES) and name not in tables]
    changed, missing = images[0], images[-1]
    content = bytearray((out / changed).read_bytes())
    content[len(content) // 2] ^= 1
    (out / changed).write_bytes(content)
    (out / missing).unlink()
    (out / tables[-1]).write_bytes((out / tables[-1]).read_bytes()[:-1])
    extra = (out / images[0]).with_name(f"extra{Path(images[0]).suffix}").relative_to(out).as_posix()
    (out / extra).write_bytes(content)
    assert verified(out) == {"missing": [missing], "changed": sorted([changed, tables[-1]]), "extra": [extra]}
