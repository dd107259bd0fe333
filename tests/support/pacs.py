# SPDX-License-Identifier: MIT
"""Start a real PACS on loopback: Debian's Orthanc with DICOMweb, or DCMTK's dcmqrscp.

The clients are imported when they are used: most tests run without the extra pacs.
"""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from urllib.request import urlopen

START_SECONDS = 60.0
DICOMWEB_PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
VERIFICATION = "1.2.840.10008.1.1"
_ATTEMPTS = 5


class ServerEndedError(AssertionError):
    """A server has ended instead of answering."""


def _free_port() -> int:
    """A port of loopback that nothing listens at now; another program may take it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(is_ready: object, seconds: float = START_SECONDS) -> None:
    """Wait until a function returns true. Fail where it does not in time."""
    assert callable(is_ready)
    end = time.monotonic() + seconds
    while not is_ready():
        assert time.monotonic() < end, "the condition does not come true"
        time.sleep(0.05)


@dataclass
class Pacs:
    """A server process that can be started, killed and started again with the same storage.

    command: the program and its arguments. title: its AE title. port: of the DICOM network. web_port: of HTTP, 0 for
    none.
    """

    command: list[str]
    title: str
    port: int
    log: Path
    web_port: int = 0
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def network_url(self) -> str:
        """The URL of the PACS in the DICOM network."""
        return f"dicom://{self.title}@127.0.0.1:{self.port}"

    @property
    def web_url(self) -> str:
        """The URL of its DICOMweb service."""
        return f"dicomweb+http://127.0.0.1:{self.web_port}/dicom-web"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log)
        wait_for(self._answers)

    def kill(self) -> None:
        """End the server at once."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def store(self, files: Iterable[Path]) -> None:
        """Send files as they are, with DCMTK's storescu or, where there is HTTP, by it."""
        if self.web_port:
            for path in files:
                with urlopen(f"http://127.0.0.1:{self.web_port}/instances", path.read_bytes()) as answer:
                    assert answer.status == HTTPStatus.OK
            return
        for path in files:
            command = [
                "dcmsend",
                "-q",
                "--decompress-never",
                "-aec",
                self.title,
                "127.0.0.1",
                str(self.port),
                str(path),
            ]
            done = subprocess.run(command, capture_output=True, check=False)
            assert done.returncode == 0, done.stderr

    def _answers(self) -> bool:
        from pynetdicom import AE, build_context

        assert self.process is not None
        if self.process.poll() is not None:
            raise ServerEndedError(self.log.read_text())
        association = AE(ae_title="TEST").associate(
            "127.0.0.1", self.port, contexts=[build_context(VERIFICATION)], ae_title=self.title
        )
        is_ready: bool = association.is_established
        if is_ready:
            association.release()
        return is_ready and (not self.web_port or _answers_http(self.web_port))


def _answers_http(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/dicom-web/studies?limit=1", timeout=5) as answer:
            return bool(answer.status == HTTPStatus.OK)
    except OSError:
        return False


@contextmanager
def _running(make: Callable[[], Pacs]) -> Iterator[Pacs]:
    """Run a server, which `make` gives free ports, anew where it ends because another program has taken one."""
    for attempt in range(1, _ATTEMPTS + 1):
        pacs = make()
        try:
            pacs.start()
            break
        except ServerEndedError:
            if attempt == _ATTEMPTS:
                raise
    try:
        yield pacs
    finally:
        pacs.kill()


def run_orthanc(folder: Path, **settings: object) -> AbstractContextManager[Pacs]:
    """Run Orthanc with its storage in a folder."""
    return _running(lambda: _orthanc(folder, settings))


def run_dcmqrscp(folder: Path) -> AbstractContextManager[Pacs]:
    """Run DCMTK's dcmqrscp with its storage in a folder."""
    return _running(lambda: _dcmqrscp(folder))


def _orthanc(folder: Path, settings: Mapping[str, object]) -> Pacs:
    port, web_port = _free_port(), _free_port()
    configuration = {
        "Name": "test",
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"),
        "Plugins": [str(DICOMWEB_PLUGIN)],
        "DicomAet": "ORTHANC",
        "DicomPort": port,
        "HttpPort": web_port,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomAlwaysAllowFind": True,
        "DicomAlwaysAllowGet": True,
        "DicomCheckCalledAet": True,
        "OverwriteInstances": True,
        **settings,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "orthanc.json").write_text(json.dumps(configuration))
    return Pacs(["Orthanc", str(folder / "orthanc.json")], "ORTHANC", port, folder / "log", web_port)


def _dcmqrscp(folder: Path) -> Pacs:
    port = _free_port()
    storage = folder / "storage"
    storage.mkdir(parents=True, exist_ok=True)
    (folder / "dcmqrscp.cfg").write_text(
        f"NetworkTCPPort = {port}\nMaxPDUSize = 16384\nMaxAssociations = 16\n"
        "HostTable BEGIN\nHostTable END\nVendorTable BEGIN\nVendorTable END\n"
        f"AETable BEGIN\nDCMTK {storage} RW (500, 1024mb) ANY\nAETable END\n"
    )
    command = ["dcmqrscp", "-c", str(folder / "dcmqrscp.cfg")]
    return Pacs(command, "DCMTK", port, folder / "log")
