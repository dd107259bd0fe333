# SPDX-License-Identifier: MIT
"""`plainfilm receive` converts what arrives, and loses nothing that it has acknowledged."""

from __future__ import annotations

import csv
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from pydicom import dcmread
from tests.support.command_line import CommandLine
from tests.support.outputs import images_of, rows_of
from tests.support.processes import wait_until
from tests.support.senders import associate, instance, received_uids, receiving, store
from tests.support.sweeps import sweep

from plainfilm.receive.listener import OUT_OF_RESOURCES, SUCCESS
from plainfilm.receive.spool import RECEIVED

pytestmark = pytest.mark.usefixtures("pacs_client")


class Sender:
    """Sends 200 instances, in one association after another, and remembers which were acknowledged."""

    def __init__(self) -> None:
        self.acknowledged: set[int] = set()
        self._numbers = iter(range(200))
        self._thread = threading.Thread()

    def start(self, port: int) -> None:
        """Begin to send, and return when some more instances were acknowledged."""
        wanted = len(self.acknowledged) + 5
        self._thread = threading.Thread(target=self._send, args=(port,))
        self._thread.start()
        wait_until(lambda: len(self.acknowledged) > wanted or not self._thread.is_alive())

    def wait(self) -> None:
        """Wait until the association has ended."""
        self._thread.join(120)
        assert not self._thread.is_alive()

    def _send(self, port: int) -> None:
        association = associate(port)
        for number in self._numbers:
            if not association.is_established or store(association, instance(number, rows=16, columns=16)) != SUCCESS:
                return
            self.acknowledged.add(number)
        association.release()


SYNTAXES = {
    "Explicit VR Little Endian": "-xe",
    "Implicit VR Little Endian": "-xi",
    "JPEG Baseline (Process 1)": "-xy",
    "JPEG Lossless, Non-Hierarchical, First-Order Prediction (Process 14 [Selection Value 1])": "-xs",
    "JPEG 2000 Image Compression (Lossless Only)": "-xv",
    "JPEG-LS Lossy (Near-Lossless) Image Compression": "-xu",
}
"""Transfer syntaxes by their names in the catalogue, with the option by which storescu proposes them."""


def radiographs_by_option(film_folder: Path) -> dict[str, Path]:
    """A real radiograph for each option of storescu."""
    with (film_folder / "catalog.csv").open(newline="") as file:
        listed = [row for row in csv.DictReader(file) if row["decode"].startswith("ok")]
    return {
        SYNTAXES[row["TransferSyntax"]]: film_folder / row["file"]
        for row in listed
        if row["Modality"] in ("CR", "DX", "MG") and row["TransferSyntax"] in SYNTAXES
    }


def rows(out: Path) -> int:
    return len(rows_of(out)) if (out / "metadata.csv").exists() else 0


def test_what_dcmtk_sends_is_converted_as_it_arrives(storescu: str, film_folder: Path, tmp_path: Path) -> None:
    films = radiographs_by_option(film_folder)
    assert len(films) == len(SYNTAXES)
    for number in range(3):
        instance(number).save_as(tmp_path / f"{number}.dcm")
    out = tmp_path / "out"
    with receiving(out, "--names", "uid") as receiver:
        command = [storescu, "-aec", "PLAINFILM", "127.0.0.1", str(receiver.port)]
        for option, film in films.items():
            subprocess.run([*command, "-R", option, film], check=True, timeout=300)
            received = {header_of(path) for path in (out / RECEIVED).rglob("*.dcm")}
            assert header_of(film) in received, "it was sent as it is"
        subprocess.run([*command, *(tmp_path / f"{number}.dcm" for number in range(3))], check=True, timeout=300)
        wait_until(lambda: rows(out) == len(films) + 3, 300)
        said = receiver.end()
        assert receiver.process.returncode == 0
    assert {f"1.2.826.0.1.{number}.png" for number in range(3)} <= set(images_of(out))
    assert "images, 0 failed" in said
    assert "Traceback" not in said


def header_of(film: Path) -> tuple[str, str]:
    header = dcmread(film, stop_before_pixels=True)
    return str(header.SOPInstanceUID), str(header.file_meta.TransferSyntaxUID)


@pytest.mark.parametrize("seed", sweep(range(3), 1))
def test_every_acknowledged_instance_is_there_after_kill_9(seed: int, tmp_path: Path) -> None:
    out, chance, sender = tmp_path / "out", random.Random(seed), Sender()
    for _ in range(3):
        with receiving(out) as receiver:
            sender.start(receiver.port)
            time.sleep(chance.uniform(0, 1))
            receiver.process.kill()
            receiver.process.wait()
            sender.wait()
    expected = {f"1.2.826.0.1.{number}" for number in sender.acknowledged}
    assert len(expected) > 15
    assert expected <= received_uids(out)
    with receiving(out) as receiver:
        wait_until(lambda: rows(out) == len(received_uids(out)), 120)
        receiver.end()
    assert len(images_of(out)) == len(received_uids(out))


def test_the_folder_of_received_instances_is_a_source_of_convert(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with receiving(out) as receiver:
        association = associate(receiver.port)
        assert store(association, instance(1)) == SUCCESS
        receiver.process.kill()
        receiver.process.wait()
        association.abort()
    done = CommandLine(tmp_path / "home").run("convert", out / RECEIVED, out)
    assert done.returncode == 0
    assert rows(out) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="a limit that Linux keeps")
def test_a_full_disk_is_said_to_the_sender_and_smaller_instances_are_still_received(tmp_path: Path) -> None:
    import resource

    def ration() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    out = tmp_path / "out"
    with receiving(out, preexec_fn=ration) as receiver:
        association = associate(receiver.port)
        # the disk is full while the first arrives, and at the end of the second
        assert store(association, instance(1, rows=1500, columns=1500)) == OUT_OF_RESOURCES
        assert store(association, instance(3, rows=400, columns=400)) == OUT_OF_RESOURCES
        assert store(association, instance(2, rows=16, columns=16)) == SUCCESS
        association.release()
        said = receiver.end()
    assert "could not be kept" in said
    assert received_uids(out) == {"1.2.826.0.1.2"}


def test_a_second_listener_for_out_ends_with_3(tmp_path: Path) -> None:
    with receiving(tmp_path / "out"):
        done = CommandLine(tmp_path / "home").run("receive", tmp_path / "out", "--port", "0")
    assert done.returncode == 3
    assert "another `plainfilm receive`" in done.stderr


def test_a_missing_package_is_named_with_the_command_to_install_it(tmp_path: Path) -> None:
    script = "import sys; sys.modules['pynetdicom'] = None; from plainfilm.cli.main import main; sys.exit(main())"
    command = [sys.executable, "-c", script, "receive", str(tmp_path / "out"), "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert "pip install 'plainfilm[pacs]'" in done.stderr
    assert not (tmp_path / "out").exists()
