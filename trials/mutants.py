# SPDX-License-Identifier: MIT
"""Convert 1,000 damaged files: each has a row, none gives a wrong picture or pixels of another file.

    python -m trials.mutants [--short]

The originals are small files in every transfer syntax that can be written here, and the smaller files of
PLAINFILM_TEST_DATA if it is set. The damage is the same in every run: bits, bytes and dimensions at random places, the
structure of codestreams, and parts of two files. The checks are: every mutant is in exactly one table, with a reason of
the closed list other than `internal_error` and `worker_died`; a truncated file, or a file with other dimensions in its
header or with other tile-parts, gives the picture of its original or none, unless a finding says that its data hold
more than its header declares; and OUT is the same if new memory is filled with a byte (MALLOC_PERTURB_ of glibc).
Pictures are compared with the look `stored`, in which no window hides a pixel and frames do not depend on one another.
"""

from __future__ import annotations

import random
import re
import struct
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from plainfilm.errors import Reason
from trials.checks import differences, file_hashes, inconsistencies, reasons_in, rows_of, sources_in
from trials.codestream_damages import (
    CODESTREAM_DAMAGES,
    PAIR_DAMAGES,
    PIXEL_DATA,
    codestream_of,
    is_damaged_by,
    with_codestream,
)
from trials.harness import SOME_FAILED, Trial, run_trial
from trials.samples import real_files, sample_files

SEED = 20
MUTANTS, MUTANTS_SHORT = 1000, 150
BUGS = {Reason.INTERNAL_ERROR, Reason.WORKER_DIED}
CHECKED_DAMAGES = ("cut", "shortened", "dimension", "tile_part_changed")
Damage = Callable[[bytearray, random.Random], bytes]

# Samples per Pixel, Rows, Columns, Bits Allocated
_DIMENSIONS = (b"\x02\x00", b"\x10\x00", b"\x11\x00", b"\x00\x01")


def cut(content: bytearray, generator: random.Random) -> bytes:
    """Truncate at a random position."""
    return bytes(content[: generator.randrange(len(content))])


def shortened(content: bytearray, generator: random.Random) -> bytes:
    """Remove bytes at the end of Pixel Data, and correct the length."""
    element = PIXEL_DATA.search(content)
    missing = generator.choice((2, 8, 64, 512, 2048))
    if element is None or len(content) - element.end() <= missing:
        return cut(content, generator)
    length = struct.unpack("<I", element[1])[0]
    if length != 0xFFFFFFFF:
        content[element.start(1) : element.end(1)] = struct.pack("<I", max(0, length - missing))
        return bytes(content[:-missing])
    return _shortened_fragment(content, element.end(), missing)


def _shortened_fragment(content: bytearray, start: int, missing: int) -> bytes:
    """Remove the last bytes of the last fragment (PS3.5 A.4)."""
    position = start
    while content[position : position + 4] == b"\xfe\xff\x00\xe0":
        last, length = position, struct.unpack_from("<I", content, position + 4)[0]
        position += 8 + length
    missing = min(missing, length)
    struct.pack_into("<I", content, last + 4, length - missing)
    return bytes(content[: position - missing] + content[position:])


def dimension(content: bytearray, generator: random.Random) -> bytes:
    """Change Rows, Columns, Bits Allocated or Samples per Pixel."""
    tag = b"\x28\x00" + generator.choice(_DIMENSIONS)
    place = max(content.find(tag + b"US\x02\x00"), content.find(tag + b"\x02\x00\x00\x00"))
    if place < 0:
        return cut(content, generator)
    (value,) = struct.unpack_from("<H", content, place + 8)
    others = (value - 1, value + 1, value // 2, value * 2, value + 8, 0, 1, 3, 16, 65535)
    changed = generator.choice([other for other in others if 0 <= other <= 65535 and other != value])
    struct.pack_into("<H", content, place + 8, changed)
    return bytes(content)


def flipped(content: bytearray, generator: random.Random) -> bytes:
    """Flip a few bits anywhere."""
    for _ in range(generator.choice((1, 2, 8, 32))):
        content[generator.randrange(len(content))] ^= 1 << generator.randrange(8)
    return bytes(content)


def flipped_in_pixels(content: bytearray, generator: random.Random) -> bytes:
    """Flip a few bits in the second half."""
    for _ in range(generator.choice((1, 2, 8, 32))):
        content[generator.randrange(len(content) // 2, len(content))] ^= 1 << generator.randrange(8)
    return bytes(content)


def overwritten(content: bytearray, generator: random.Random) -> bytes:
    """Overwrite a range with zeros, ones or noise."""
    start, size = generator.randrange(len(content)), generator.choice((4, 16, 256))
    filling = generator.choice((b"\0" * size, b"\xff" * size, generator.randbytes(size)))
    content[start : start + size] = filling[: len(content) - start]
    return bytes(content)


def moved(content: bytearray, generator: random.Random) -> bytes:
    """Remove or repeat a range."""
    start, size = generator.randrange(132, len(content)), generator.choice((1, 2, 8, 64, 1024))
    piece = content[start : start + size]
    if generator.random() < 0.5:
        return bytes(content[:start] + content[start + size :])
    return bytes(content[:start] + piece + content[start:])


DAMAGES: tuple[Damage, ...] = (cut, shortened, dimension, dimension, flipped, flipped_in_pixels, overwritten, moved)


def write_sources(trial: Trial) -> tuple[Path, list[str]]:
    """Write `whole/NAME.dcm` and `damaged/NUMBER-DAMAGE-NAME.dcm`; return the folder and the damaged sources."""
    files, generator = sample_files(), random.Random(SEED)
    synthetic, real = sorted(files), [] if trial.short else list(real_files())
    files |= {f"real{number:03}": path.read_bytes() for number, path in enumerate(real)}
    real_names = [name for name in files if name not in synthetic]
    folder, made = trial.folder / "in", []
    for part in ("whole", "damaged"):
        (folder / part).mkdir(parents=True)
    for name, content in files.items():
        (folder / "whole" / f"{name}.dcm").write_bytes(content)
    for number in range(MUTANTS_SHORT if trial.short else MUTANTS):
        name, damage, content = _mutant(files, real_names if number % 3 == 0 else [], number, generator)
        file_name = f"{number:04}-{damage}-{name}.dcm"
        (folder / "damaged" / file_name).write_bytes(content)
        made.append(f"damaged/{file_name}")
    trial.report(f"{len(made)} mutants of {len(synthetic)} synthetic and {len(real_names)} real files, seed {SEED}")
    return folder, made


def _mutant(
    files: Mapping[str, bytes], real_names: Sequence[str], number: int, generator: random.Random
) -> tuple[str, str, bytes]:
    """Return the name of an original, the name of its damage, and the damaged content."""
    compressed = [name for name in real_names or files if codestream_of(files[name])]
    kind = number % (len(DAMAGES) + len(CODESTREAM_DAMAGES) + len(PAIR_DAMAGES))
    if kind < len(DAMAGES):
        name = generator.choice(list(real_names or files))
        return name, DAMAGES[kind].__name__, DAMAGES[kind](bytearray(files[name]), generator)
    name, other = generator.choice(compressed), generator.choice(compressed)
    kind -= len(DAMAGES)
    if kind < len(CODESTREAM_DAMAGES):
        damage = CODESTREAM_DAMAGES[kind]
        name = generator.choice([name for name in compressed if is_damaged_by(damage, codestream_of(files[name]))])
        changed = damage(codestream_of(files[name]), generator)
        return name, damage.__name__, with_codestream(files[name], changed)
    pair_damage = PAIR_DAMAGES[kind - len(CODESTREAM_DAMAGES)]
    return name, pair_damage.__name__, pair_damage(files[name], files[other], generator)


def check_pictures(trial: Trial, out: Path) -> None:
    """Compare the pictures of truncated files, and of files with other dimensions, with those of the originals (P9)."""
    outcomes: Counter[str] = Counter()
    for row in rows_of(out)[0]:
        if not row["source"].startswith("damaged/"):
            continue
        _, damage, name = row["source"].removesuffix(".dcm").split("-", 2)
        original = out / "whole" / re.sub(r"^[^/]*/.*?(?=(_f\d+)?\.png$)", name, row["file_name"])
        same = original.exists() and _has_same_pixels(out / row["file_name"], original)
        declared = "excess_pixel_data" in row["findings"].split(";")
        comparison = "the same" if same else "different, with a finding" if declared else "different"
        outcomes[f"{damage}: pixels are {comparison}"] += 1
        if damage in CHECKED_DAMAGES:
            trial.expect(same or declared, f"{row['source']} gives a wrong picture, findings {row['findings']!r}")
    for outcome, count in sorted(outcomes.items()):
        trial.report(f"  {count} pictures of {outcome}")


def _has_same_pixels(first: Path, second: Path) -> bool:
    pictures = [cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in (first, second)]
    return bool(np.array_equal(*pictures))


def convert(trial: Trial, folder: Path, name: str, *words: str, filling: str | None = None) -> Path:
    """Convert the folder into a folder of this name. filling: MALLOC_PERTURB_, or None."""
    out = trial.folder / name
    environment = {} if filling is None else {"MALLOC_PERTURB_": filling}
    ended = trial.convert([folder], out, *words, "--max-pixels", "4000000", "--jobs", "2", environment=environment)
    trial.report(f"{name}: exit code {ended.code} in {ended.seconds:.1f} s")
    trial.expect(ended.code == SOME_FAILED, f"{name}: exit code {ended.code}: {ended.stderr}")
    return out


def check_tables(trial: Trial, out: Path, made: list[str]) -> None:
    """Check that every mutant has a row, and no reason that means a bug (P1)."""
    for inconsistency in inconsistencies(out):
        trial.expect(False, inconsistency)
    missing = set(made) - sources_in(out)
    trial.expect(not missing, f"without a row: {sorted(missing)}")
    reasons = reasons_in(out)
    trial.report("  " + ", ".join(f"{reason} {count}" for reason, count in reasons.most_common()))
    trial.expect(not BUGS & set(reasons), "a reason means a bug")


def run(trial: Trial) -> None:
    """Convert all mutants, check the results, and convert them again with filled memory."""
    folder, made = write_sources(trial)
    viewer = convert(trial, folder, "viewer")
    check_tables(trial, viewer, made)
    stored = convert(trial, folder, "stored", "--look", "stored")
    check_tables(trial, stored, made)
    check_pictures(trial, stored)
    for filling in ("85", "170"):
        again = convert(trial, folder, f"filled with {filling}", filling=filling)
        other = differences(file_hashes(viewer), file_hashes(again))
        trial.expect(not other, f"in memory filled with {filling} these files differ: {other}")


if __name__ == "__main__":
    run_trial(__doc__, run)
