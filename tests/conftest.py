# SPDX-License-Identifier: MIT
"""Find real radiographs and programs besides Python, and choose the size of property tests.

A test that needs something that is not there is skipped with a reason. Under CI it fails.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, settings
from tests.support.pacs import DICOMWEB_PLUGIN, Pacs, run_dcmqrscp, run_orthanc
from tests.support.s3_server import S3Server, running_s3_server
from tests.support.web_server import WebServer, running_web_server

from plainfilm.sources.store import forget_stores

ROOT = Path(__file__).resolve().parent.parent
# The marks of a test follow from the fixtures that it uses.
MARKS_OF_FIXTURES = {
    "film_folder": ("real_film",),
    "dcmj2pnm": ("component", "slow"),
    "dciodvfy": ("component", "slow"),
    "pngcheck": ("component", "slow"),
    "chromium": ("component", "slow"),
    "s3_server": ("component", "slow"),
    "web_server": ("component", "slow"),
    "dask": ("component", "slow"),
    "gnu_parallel": ("component", "slow"),
    "kubernetes_schemas": ("component",),
    "slurm": ("component", "slow"),
    "torch": ("component", "slow"),
    "jupyter": ("component", "slow"),
    "network_hosts": ("component", "slow"),
    "storescu": ("component", "slow"),
    "pacs_client": ("component",),
    "orthanc": ("component", "slow"),
    "dcmqrscp": ("component", "slow"),
}

# Without compiled modules on the disk, each worker process of each run would compile the whole package again.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# No property depends on the speed of the machine. Under CI the examples are the same each time.
NO_TIME = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("quick", max_examples=30, **NO_TIME)
settings.register_profile("ci", max_examples=200, derandomize=True, database=None, **NO_TIME)
settings.load_profile("ci" if os.environ.get("CI") else "quick")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by the fixtures that it uses."""
    for item in items:
        for fixture in set(getattr(item, "fixturenames", ())) & MARKS_OF_FIXTURES.keys():
            for mark in MARKS_OF_FIXTURES[fixture]:
                item.add_marker(mark)


def skip_or_fail(reason: str) -> None:
    """Skip a test that lacks something. Under CI, fail it: there its absence would hide a defect."""
    if os.environ.get("CI"):
        pytest.fail(f"{reason} (under CI this is a failure)")
    pytest.skip(reason)


def program(name: str, package: str) -> str:
    """The path of a program. Skip the test, or fail it under CI, if the program is not installed."""
    path = shutil.which(name)
    if path is None:
        skip_or_fail(f"{name} is not installed (Debian package {package})")
    assert path is not None
    return path


@pytest.fixture(scope="session")
def film_folder() -> Path:
    """The folder of real radiographs: PLAINFILM_TEST_DATA, or ../shared/data beside the project."""
    folder = Path(os.environ.get("PLAINFILM_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "catalog.csv").is_file():
        skip_or_fail(f"no real radiographs in {folder}: set PLAINFILM_TEST_DATA")
    return folder


@pytest.fixture(scope="session")
def dciodvfy() -> str:
    """The path of dicom3tools' dciodvfy, which validates an object against its IOD."""
    return program("dciodvfy", "dicom3tools")


@pytest.fixture(scope="session")
def pngcheck() -> str:
    """The path of pngcheck, which validates a PNG file against ISO/IEC 15948."""
    return program("pngcheck", "pngcheck")


@pytest.fixture(scope="session")
def dcmj2pnm() -> str:
    """The path of DCMTK's dcmj2pnm, which renders a DICOM image."""
    return program("dcmj2pnm", "dcmtk")


@pytest.fixture(scope="session")
def torch() -> ModuleType:
    """PyTorch."""
    if importlib.util.find_spec("torch") is None:
        skip_or_fail("torch is not installed (extra torch)")
    return importlib.import_module("torch")


@pytest.fixture(scope="session")
def jupyter() -> None:
    """Skips the test if notebooks cannot be run."""
    if importlib.util.find_spec("nbclient") is None or importlib.util.find_spec("ipykernel") is None:
        skip_or_fail("nbclient or ipykernel is not installed (extra components)")


@pytest.fixture(scope="session")
def pacs_client() -> None:
    """The packages of the extra pacs, which reach a PACS."""
    check_pacs_client()


def check_pacs_client() -> None:
    """Skip a test, or fail it under CI, if the packages of the extra pacs are not installed."""
    for module in ("dicomweb_client", "pynetdicom"):
        if importlib.util.find_spec(module) is None:
            skip_or_fail(f"{module} is not installed (extra pacs)")


@pytest.fixture(scope="session")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pacs]:
    """Debian's Orthanc with DICOMweb, which runs with a storage of its own until the last test."""
    check_pacs_client()
    program("Orthanc", "orthanc")
    if not DICOMWEB_PLUGIN.is_file():
        skip_or_fail("Orthanc has no DICOMweb (Debian package orthanc-dicomweb)")
    with run_orthanc(tmp_path_factory.mktemp("orthanc")) as pacs:
        yield pacs


@pytest.fixture(scope="session")
def dcmqrscp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pacs]:
    """DCMTK's dcmqrscp, which runs with a storage of its own until the last test."""
    check_pacs_client()
    program("dcmqrscp", "dcmtk")
    with run_dcmqrscp(tmp_path_factory.mktemp("dcmqrscp")) as pacs:
        yield pacs


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Debian's Chromium, which playwright drives."""
    if importlib.util.find_spec("playwright") is None:
        skip_or_fail("playwright is not installed (extra dev)")
    return program("chromium", "chromium")


@pytest.fixture(scope="session")
def dask() -> None:
    """Dask, which runs jobs on clusters."""
    if importlib.util.find_spec("distributed") is None:
        skip_or_fail("Dask is not installed (extra dask)")


def check_packages(*packages: str) -> None:
    """Skip the test, or fail it under CI, if a package of the extras `remote` and `components` is not installed."""
    for package in packages:
        if importlib.util.find_spec(package) is None:
            skip_or_fail(f"{package} is not installed (extras remote and components)")


@pytest.fixture(scope="session")
def s3_process() -> Iterator[S3Server]:
    """An S3 server in a process of its own."""
    check_packages("s3fs", "moto")
    with running_s3_server() as server:
        yield server


@pytest.fixture
def s3_server(s3_process: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """An S3 server with an empty bucket, which the clients in this process and its workers find."""
    for name, value in s3_process.environment.items():
        monkeypatch.setenv(name, value)
    # those of earlier tests may have other credentials
    forget_stores()
    s3_process.faults.clear()
    s3_process.constant_fault = ""
    s3_process.empty()
    s3_process.requests.clear()
    return s3_process


@pytest.fixture
def web_server() -> Iterator[WebServer]:
    """A web server without files."""
    check_packages("requests")
    with running_web_server() as server:
        yield server


@pytest.fixture(scope="session")
def storescu() -> str:
    """The path of DCMTK's storescu, which sends instances over the DICOM network."""
    # pynetdicom installs a Python script of the same name
    candidates = [path for folder in os.get_exec_path() if (path := shutil.which("storescu", path=folder))]
    path = next((path for path in candidates if not Path(path).read_bytes().startswith(b"#!")), None)
    if path is None:
        skip_or_fail("storescu is not installed (Debian package dcmtk)")
    assert path is not None
    return path


@pytest.fixture(scope="session")
def slurm() -> str:
    """The path of SLURM's sbatch; slurmctld, slurmd and munged are there too. A test starts a cluster of its own."""
    for name, package in (("munged", "munge"), ("slurmctld", "slurm-wlm"), ("slurmd", "slurm-wlm")):
        if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") is None:
            skip_or_fail(f"{name} is not installed (Debian package {package})")
    return program("sbatch", "slurm-wlm")


@pytest.fixture(scope="session")
def gnu_parallel() -> str:
    """The path of GNU parallel."""
    return program("parallel", "parallel")


@pytest.fixture(scope="session")
def kubernetes_schemas() -> object:
    """The module kubernetes_validate, which has the schemas of the API of Kubernetes."""
    if importlib.util.find_spec("kubernetes_validate") is None:
        skip_or_fail("kubernetes-validate is not installed (extra components)")
    return importlib.import_module("kubernetes_validate")
