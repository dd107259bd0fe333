# SPDX-License-Identifier: MIT
"""Render a folder of DICOM files with /rendered of an Orthanc server that is started on the loopback interface.

    python orthanc.py IN OUT JOBS

It prints `timed SECONDS`, the time of the rendering without start-up and upload.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

START_SECONDS = 60  # time limit for the start of the server


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _settings(place: Path, port: int) -> dict[str, object]:
    folders = {"StorageDirectory": str(place / "storage"), "IndexDirectory": str(place / "index")}
    closed = {"RemoteAccessAllowed": False, "AuthenticationEnabled": False, "DicomServerEnabled": False}
    return {"HttpPort": port, "StorageCompression": False, "Plugins": [], **folders, **closed}


def _answers(url: str) -> bool:
    try:
        with urlopen(f"{url}/system", timeout=5):
            return True
    except (URLError, OSError):
        return False


def _upload(url: str, path: Path) -> str:
    request = Request(f"{url}/instances", path.read_bytes(), {"Content-Type": "application/dicom"})
    with urlopen(request, timeout=300) as answer:
        return str(json.load(answer)["ID"])


def _render(url: str, instance: str, target: Path) -> None:
    request = Request(f"{url}/instances/{instance}/rendered", headers={"Accept": "image/png"})
    with urlopen(request, timeout=300) as answer:
        target.write_bytes(answer.read())


def main(folder: str, target: str, jobs: str) -> None:
    """Start the server, upload all files, and render them."""
    out, port = Path(target), _free_port()
    out.mkdir(parents=True)
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as name:
        settings = Path(name, "orthanc.json")
        settings.write_text(json.dumps(_settings(Path(name), port)))
        server = subprocess.Popen(["Orthanc", str(settings)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + START_SECONDS
            while not _answers(url):
                if server.poll() is not None or time.monotonic() > deadline:
                    sys.exit("Orthanc does not answer")
                time.sleep(0.1)
            instances = [(_upload(url, path), path.stem) for path in sorted(Path(folder).iterdir())]
            started = time.perf_counter()
            with ThreadPoolExecutor(int(jobs)) as pool:
                list(pool.map(lambda instance: _render(url, instance[0], out / f"{instance[1]}.png"), instances))
            print(f"timed {time.perf_counter() - started}", flush=True)
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
