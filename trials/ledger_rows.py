# SPDX-License-Identifier: MIT
"""Work with the ledger of a very large OUT, and measure how time and memory depend on the number of rows.

    python -m trials.ledger_rows [--short]
    PLAINFILM_TRIAL_ROWS=10000000 PLAINFILM_TRIAL_PREVIEWS=8 python -m trials.ledger_rows

Two processes fill the ledgers of eight shards with rows of images that do not exist, in the order of a listing and in
batches as runs do: 100,000 and 1,000,000 rows (short: 2,000 and 20,000). The variables give another largest number of
rows, and say that only one of so many images has a preview, which saves space on the disk. Each further step runs in a
process of its own: join the shards and remove their ledgers, write the tables, open the ledger, ask it about every
source as a resumed run does, write the report, and remove a patient. The trial prints the seconds and the largest
memory of each step. It fails where a step takes more memory for ten times the rows.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from types import MappingProxyType

from plainfilm.conversion.removal import Removal
from plainfilm.conversion.run_parts import write_metadata_tables
from plainfilm.conversion.share_ledgers import remove_private_files
from plainfilm.ledger.fingerprint import RunFingerprint
from plainfilm.ledger.finished_ledger import open_finished_ledger
from plainfilm.ledger.ledger import Ledger, open_ledger
from plainfilm.ledger.merge_state import MergeState
from plainfilm.ledger.merged_ledger import open_merged_ledger
from plainfilm.ledger.remaining_work import FileStat
from plainfilm.ledger.stored_patients import SourcePatient
from plainfilm.ledger.stored_previews import StoredPreview
from plainfilm.options.options import Options
from plainfilm.options.share import Share
from plainfilm.output.folder import FolderOutput
from plainfilm.pickling import replaced
from plainfilm.records import Record, Status
from plainfilm.report.ledger_rows import LedgerRows
from plainfilm.report.preview import Preview
from plainfilm.report.report import write_report
from plainfilm.sources.reference import Reference
from trials.harness import Trial, run_trial

SHARES, FILLERS = 8, 2
_NOTHING: MappingProxyType[str, str] = MappingProxyType({})
# a removal writes everything but the report anew
FINGERPRINT = RunFingerprint(_NOTHING, _NOTHING, "0" * 16, _NOTHING, MappingProxyType({"no_report": True}))
STAT = FileStat(9_000_000, 1)
# the join has a cache of 64 MiB
MOST_GROWTH_KIB = 80 * 1024
_BATCH, _PER_PATIENT, _PER_FOLDER = 500, 4, 10_000
_PER_PREVIEW = int(os.environ.get("PLAINFILM_TRIAL_PREVIEWS", 1))
SAMPLE = Record(
    *("", "", "", "", "", "", None, 1, Status.OK, ""),
    *(3000, 2500, 8, "viewer", "window:0", 2048.0, 4096.0, "LINEAR", 0.0, 4095.0, False),
    *("jpeg2000", "1.2.840.10008.1.2.4.90", "DX", "CHEST", "PA", "", "F", 63.0, "ACME", "Plate 9", "MONOCHROME2"),
    *(12, 3000, 2500, 0.143, 0.143, (1.0, 0.0, 0.0, 0.0, 1.0, 0.0), "FOR PRESENTATION", "NO"),
    *(0.0, 0.0125, 0.0031, 0.5, 6.5, False, "", ""),
)
_PREVIEW = Preview(bytes(range(256)) * 2).to_bytes()


def digest(kind: str, number: int) -> str:
    """32 hex digits that follow from a word and a number."""
    return hashlib.blake2b(b"%s %d" % (kind.encode(), number), digest_size=16).hexdigest()


def source_of(number: int) -> str:
    """The relative path of a source."""
    return f"archive/{number // _PER_FOLDER:04}/patient {number // _PER_PATIENT:08}/{number:09}.dcm"


def record_of(number: int) -> Record:
    """The row of an image; one of a hundred has the pixels of another one."""
    name = source_of(number)
    return replaced(
        SAMPLE,
        file_name=name.removesuffix("dcm") + "png",
        source=name,
        sop_instance=digest("instance", number),
        patient=patient_of(number),
        study=digest("study", number // 2),
        series=f"{number // 2:032x}",
        mean=(number % 997) / 1000,
        entropy=(number % 797) / 100,
        sha256="0123456789abcdef" * 4,
        stored_hash=digest("pixels", number - 1 if number % 100 == 0 else number),
    )


def patient_of(number: int) -> str:
    """The hash of the patient of an image."""
    return digest("patient", number // _PER_PATIENT)


def fill(out: Path, rows: int) -> None:
    """Fill the ledgers of the shards in two processes."""
    processes = [start(lambda index=index: fill_shards(out, rows, index)) for index in range(FILLERS)]
    for process in processes:
        _, status = os.waitpid(process, 0)
        assert status == 0


def fill_shards(out: Path, rows: int, filler: int) -> None:
    """Fill the ledgers of each second shard, source by source, as runs do."""
    for index in range(filler, SHARES, FILLERS):
        path = FolderOutput(out).path_of_share(Share(index + 1, SHARES))
        with open_ledger(path, FINGERPRINT) as ledger:
            for numbers in batches(iter(range(index, rows, SHARES))):
                fill_batch(ledger, numbers)


def fill_batch(ledger: Ledger, numbers: Sequence[int]) -> None:
    """Register the sources of some images, and commit their rows as a run commits its results."""
    records = [record_of(number) for number in numbers]
    names = [record.file_name for record in records]
    for record in records:
        ledger.register_source(reference_of(record.source), STAT)
    ledger.mark_pending(names)
    ledger.commit()
    ledger.add_images(records, dict.fromkeys(names, FileStat(1000, 1)))
    ledger.previews.add(StoredPreview(record.source, 1, _PREVIEW) for record in records[::_PER_PREVIEW])
    ledger.patients.add(SourcePatient(record.source, record.patient, record.patient) for record in records)
    ledger.mark_done(record.source for record in records)
    ledger.clear_pending(names)
    ledger.commit()


def batches(numbers: Iterator[int]) -> Iterator[list[int]]:
    """Yield the numbers in lists."""
    while batch := list(islice(numbers, _BATCH)):
        yield batch


def reference_of(source: str) -> Reference:
    """The reference of a source, as a listing gives it."""
    return Reference(Path("/nowhere", source), source, source.removesuffix(".dcm"))


def join(out: Path, _rows: int) -> None:
    """Join the ledgers of the shards, and remove them."""
    output = FolderOutput(out)
    state = MergeState(SHARES, tuple(range(1, SHARES + 1)), {})
    shares = [Share(number, SHARES) for number in state.numbers]
    with open_merged_ledger(output.ledger_path, FINGERPRINT) as ledger:
        state = ledger.begin(state, FINGERPRINT, {})
        state = ledger.join([output.path_of_share(share) for share in shares], state, lambda: False)
        remove_private_files(out, shares)
        ledger.merge.write(replace(state, is_joined=True))
        ledger.commit()


def open_again(out: Path, rows: int) -> None:
    """Open the ledger as a run does that resumes."""
    with open_ledger(FolderOutput(out).ledger_path, FINGERPRINT) as ledger:
        assert ledger.counts[Status.OK] == rows


def resume(out: Path, rows: int) -> None:
    """Ask about every source."""
    with open_ledger(FolderOutput(out).ledger_path, FINGERPRINT) as ledger:
        for number in range(rows):
            assert ledger.register_source(reference_of(source_of(number)), STAT) is None


def tables(out: Path, _rows: int) -> None:
    """Write both tables, with the indexes that they need."""
    with open_finished_ledger(FolderOutput(out).ledger_path) as ledger:
        write_metadata_tables(FolderOutput(out), ledger, Options())


def report(out: Path, _rows: int) -> None:
    """Write the report."""
    with open_finished_ledger(FolderOutput(out).ledger_path) as ledger:
        write_report(FolderOutput(out), LedgerRows(ledger))


def remove(out: Path, rows: int) -> None:
    """Remove a patient, which writes the tables and the ledger anew."""
    removed = Removal(out).run([patient_of(rows // 2)])
    assert removed.images == _PER_PATIENT


STEPS: dict[str, Callable[[Path, int], None]] = {
    "fill": fill,
    "join": join,
    "tables": tables,
    "open": open_again,
    "resume": resume,
    "report": report,
    "remove": remove,
}


def start(step: Callable[[], object]) -> int:
    """Start a process that runs a step and ends with 0 if the step succeeds; return its id."""
    process = os.fork()
    if process == 0:
        code = 1
        try:
            step()
            code = 0
        finally:
            sys.stdout.flush()
            os._exit(code)
    return process


def measure(trial: Trial, name: str, out: Path, rows: int) -> int:
    """Run a step in a process of its own, report its time, and return its largest memory in KiB."""
    started, process = time.monotonic(), start(lambda: STEPS[name](out, rows))
    _, status, usage = os.wait4(process, 0)
    seconds = time.monotonic() - started
    trial.expect(status == 0, f"the step {name} of {rows} rows failed")
    used = usage.ru_utime + usage.ru_stime
    memory = usage.ru_maxrss
    per_row = f"{1e6 * seconds / rows:8.1f} us a row"
    trial.report(f"{rows:9,} rows: {name:7} {seconds:8.2f} s ({used:8.2f} of CPU), {per_row}, {memory // 1024:4} MiB")
    return memory


def run(trial: Trial) -> None:
    """Measure every step with some rows and with ten times as many."""
    most = int(os.environ.get("PLAINFILM_TRIAL_ROWS", 20_000 if trial.short else 1_000_000))
    memories: list[dict[str, int]] = []
    for rows in (most // 10, most):
        out = trial.folder / f"out{rows}"
        out.mkdir()
        memories.append({name: measure(trial, name, out, rows) for name in STEPS})
        size = sum(path.stat().st_size for path in out.glob(".plainfilm"))
        trial.report(f"{rows:9,} rows: the ledger has {size / rows:.0f} bytes a row")
    few, many = memories
    for name in STEPS:
        growth = many[name] - few[name]
        trial.expect(growth < MOST_GROWTH_KIB, f"{name} takes {growth // 1024} MiB more for ten times the rows")


if __name__ == "__main__":
    run_trial(__doc__, run)
