# SPDX-License-Identifier: MIT
"""Send instances over the DICOM network, and run the listener that receives them."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom import dcmread
from pydicom.dataset import Dataset
from tests.support.cases.build import build_case, to_bytes
from tests.support.processes import wait_until

VERIFICATION = "1.2.840.10008.1.1"


def instance(number: int, **changes: Any) -> Dataset:
    """A radiograph as a data set with file meta; its SOP Instance UID ends in its number."""
    dataset: Dataset = dcmread(io.BytesIO(to_bytes(build_case(seed=number, **changes)[0])))
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"1.2.826.0.1.{number}"
    return dataset


def associate(port: int, *, calling: str = "SENDER", called: str = "PLAINFILM", **settings: Any) -> Any:
    """An association with a listener of this machine, established or not, for images and for C-ECHO."""
    from pynetdicom import AE

    entity, example = AE(calling), instance(0)
    entity.add_requested_context(example.SOPClassUID, example.file_meta.TransferSyntaxUID)
    entity.add_requested_context(VERIFICATION)
    return entity.associate("127.0.0.1", port, ae_title=called, **settings)


def store(association: Any, dataset: Dataset) -> int | None:
    """The status of a C-STORE; None where no response came."""
    try:
        response = association.send_c_store(dataset)
    except RuntimeError:
        # the association has ended
        return None
    return int(response.Status) if "Status" in response else None


@dataclass(frozen=True, slots=True)
class Receiving:
    """A process of `plainfilm receive`, the port that it listens on, and the file with its standard error."""

    process: subprocess.Popen[bytes]
    port: int
    messages: Path

    def end(self) -> str:
        """Stop the process, and return what it has written."""
        self.process.terminate()
        self.process.wait(120)
        return self.messages.read_text()


@contextmanager
def receiving(out: Path, *words: str, **settings: Any) -> Iterator[Receiving]:
    """Run `plainfilm receive` until the end of the block; `settings` go to `subprocess.Popen`."""
    messages = out.with_name(f"{out.name}.messages")
    command = [sys.executable, "-m", "plainfilm", "receive", str(out), "--port", "0", "--jobs", "1", *words]
    with open(messages, "wb") as stream, subprocess.Popen(command, stderr=stream, **settings) as process:
        try:
            wait_until(lambda: b"listening on" in messages.read_bytes() or process.poll() is not None)
            line = next(line for line in messages.read_text().splitlines() if "listening on" in line)
            yield Receiving(process, int(line.split(" port ")[1].split()[0]), messages)
        finally:
            process.kill()


def received_uids(out: Path) -> set[str]:
    """The SOP Instance UIDs of the instances that a listener has kept in OUT."""
    paths = (out / ".plainfilm-received").glob("*/*.dcm")
    return {str(dcmread(path, stop_before_pixels=True).SOPInstanceUID) for path in paths}
