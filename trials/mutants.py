# SPDX-License-Identifier: MIT
"""1,000 damaged films, given to the command: each has its row, none a wrong picture, none a byte that is not its own.

    python -m trials.mutants [--short]

The seeds are small films in every transfer syntax that can be written here, and the smaller files of
PLAINFILM_TEST_DATA where it is set. The damage is the same each time. Shown are: every mutant is in exactly one table,
with a reason of the closed list, neither `internal_error` nor `worker_died`; a film that was cut, or whose header has
other dimensions, gives its own picture or none, unless a finding says that its data hold more than its header claims;
and with memory that is filled with rubbish before it is used (MALLOC_PERTURB_, glibc) OUT is the same.
Pictures are compared in the look `stored`: no window hides a pixel, and no frame is judged together with a damaged one.
"""

from __future__ import annotations

import random
import re
import struct
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from plainfilm.errors import Reason
from trials.bench import SOME_FAILED, Bench, run_trial
from trials.checking import differences, reasons_in, rows_of, sources_in, tree_of, untruths
from trials.seeds import real_films, seed_films

SEED = 20
MUTANTS, MUTANTS_SHORT = 1000, 150
BUGS = {Reason.INTERNAL_ERROR, Reason.WORKER_DIED}
FROM_THE_HEADER = ("cut", "shortened", "dimension")
Damage = Callable[[bytearray, random.Random], bytes]

# Samples per Pixel, Rows, Columns, Bits Allocated
_DIMENSIONS = (b"\x02\x00", b"\x10\x00", b"\x11\x00", b"\x00\x01")
_PIXEL_DATA = re.compile(rb"\xe0\x7f\x10\x00(?:O[BW]\0\0)?(....)", re.DOTALL)


def cut(content: bytearray, chance: random.Random) -> bytes:
    """Ends somewhere."""
    return bytes(content[: chance.randrange(len(content))])


def shortened(content: bytearray, chance: random.Random) -> bytes:
    """Lacks bytes in its last half, and lengths agree again where they stand right before."""
    found = _PIXEL_DATA.search(content)
    missing = chance.choice((2, 8, 64, 512, 2048))
    if found is None or len(content) - found.end() <= missing:
        return cut(content, chance)
    length = struct.unpack("<I", found[1])[0]
    if length != 0xFFFFFFFF:
        content[found.start(1) : found.end(1)] = struct.pack("<I", max(0, length - missing))
        return bytes(content[:-missing])
    return _shortened_fragment(content, found.end(), missing)


def _shortened_fragment(content: bytearray, start: int, missing: int) -> bytes:
    """The last fragment without its last bytes (PS3.5 A.4)."""
    position = start
    while content[position : position + 4] == b"\xfe\xff\x00\xe0":
        last, length = position, struct.unpack_from("<I", content, position + 4)[0]
        position += 8 + length
    missing = min(missing, length)
    struct.pack_into("<I", content, last + 4, length - missing)
    return bytes(content[: position - missing] + content[position:])


def dimension(content: bytearray, chance: random.Random) -> bytes:
    """Rows, Columns, Bits Allocated or Samples per Pixel is another number."""
    element = b"\x28\x00" + chance.choice(_DIMENSIONS)
    place = max(content.find(element + b"US\x02\x00"), content.find(element + b"\x02\x00\x00\x00"))
    if place < 0:
        return cut(content, chance)
    (value,) = struct.unpack_from("<H", content, place + 8)
    others = (value - 1, value + 1, value // 2, value * 2, value + 8, 0, 1, 3, 16, 65535)
    changed = chance.choice([other for other in others if 0 <= other <= 65535 and other != value])
    struct.pack_into("<H", content, place + 8, changed)
    return bytes(content)


def flipped(content: bytearray, chance: random.Random) -> bytes:
    """A few bits are others, anywhere."""
    for _ in range(chance.choice((1, 2, 8, 32))):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    return bytes(content)


def flipped_in_pixels(content: bytearray, chance: random.Random) -> bytes:
    """A few bits are others, in the last half."""
    for _ in range(chance.choice((1, 2, 8, 32))):
        content[chance.randrange(len(content) // 2, len(content))] ^= 1 << chance.randrange(8)
    return bytes(content)


def overwritten(content: bytearray, chance: random.Random) -> bytes:
    """A stretch holds zeros, ones or noise."""
    start, size = chance.randrange(len(content)), chance.choice((4, 16, 256))
    filling = chance.choice((b"\0" * size, b"\xff" * size, chance.randbytes(size)))
    content[start : start + size] = filling[: len(content) - start]
    return bytes(content)


def moved(content: bytearray, chance: random.Random) -> bytes:
    """A stretch is missing, or there twice."""
    start, size = chance.randrange(132, len(content)), chance.choice((1, 2, 8, 64, 1024))
    piece = content[start : start + size]
    if chance.random() < 0.5:
        return bytes(content[:start] + content[start + size :])
    return bytes(content[:start] + piece + content[start:])


DAMAGES: tuple[Damage, ...] = (cut, shortened, dimension, dimension, flipped, flipped_in_pixels, overwritten, moved)


def make(bench: Bench) -> tuple[Path, list[str]]:
    """A folder with `whole/SEED.dcm` and `damaged/NUMBER-DAMAGE-SEED.dcm`; the sources of the damaged ones."""
    films, chance = seed_films(), random.Random(SEED)
    synthetic, real = sorted(films), [] if bench.short else list(real_films())
    films |= {f"real{number:03}": path.read_bytes() for number, path in enumerate(real)}
    genuine = [name for name in films if name not in synthetic]
    folder, made = bench.folder / "in", []
    for part in ("whole", "damaged"):
        (folder / part).mkdir(parents=True)
    for name, content in films.items():
        (folder / "whole" / f"{name}.dcm").write_bytes(content)
    for number in range(MUTANTS_SHORT if bench.short else MUTANTS):
        name = chance.choice(genuine if genuine and number % 3 == 0 else synthetic)
        damage = DAMAGES[number % len(DAMAGES)]
        called = f"{number:04}-{damage.__name__}-{name}.dcm"
        (folder / "damaged" / called).write_bytes(damage(bytearray(films[name]), chance))
        made.append(f"damaged/{called}")
    bench.say(f"{len(made)} mutants of {len(synthetic)} synthetic and {len(genuine)} real films, seed {SEED}")
    return folder, made


def look_for_wrong_pictures(bench: Bench, out: Path) -> None:
    """Pictures of cut films, and of headers with other dimensions, against those of the whole films (P9)."""
    outcomes: Counter[str] = Counter()
    for row in rows_of(out)[0]:
        if not row["source"].startswith("damaged/"):
            continue
        _, damage, name = row["source"].removesuffix(".dcm").split("-", 2)
        original = out / "whole" / re.sub(r"^[^/]*/.*?(?=(_f\d+)?\.png$)", name, row["file_name"])
        same = original.exists() and _same_pixels(out / row["file_name"], original)
        declared = "excess_pixel_data" in row["findings"].split(";")
        told = "its own" if same else "others, and a finding says so" if declared else "others"
        outcomes[f"{damage}: pixels are {told}"] += 1
        if damage in FROM_THE_HEADER:
            bench.expect(same or declared, f"{row['source']} gives a wrong picture, findings {row['findings']!r}")
    for outcome, count in sorted(outcomes.items()):
        bench.say(f"  {count} pictures of {outcome}")


def _same_pixels(one: Path, other: Path) -> bool:
    pictures = [cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in (one, other)]
    return bool(np.array_equal(*pictures))


def convert(bench: Bench, folder: Path, name: str, *words: str, filling: str | None = None) -> Path:
    """One run over all of them, into a folder of this name; memory filled with a byte where one is given."""
    out = bench.folder / name
    environment = {} if filling is None else {"MALLOC_PERTURB_": filling}
    ended = bench.convert([folder], out, *words, "--max-pixels", "4000000", "--jobs", "2", environment=environment)
    bench.say(f"{name}: exit code {ended.code} in {ended.seconds:.1f} s")
    bench.expect(ended.code == SOME_FAILED, f"{name}: exit code {ended.code}: {ended.said}")
    return out


def look_at_tables(bench: Bench, out: Path, made: list[str]) -> None:
    """Every mutant has its row, and a reason that is none of a bug (P1)."""
    for untruth in untruths(out):
        bench.expect(False, untruth)
    missing = set(made) - sources_in(out)
    bench.expect(not missing, f"in no table: {sorted(missing)}")
    reasons = reasons_in(out)
    bench.say("  " + ", ".join(f"{reason} {count}" for reason, count in reasons.most_common()))
    bench.expect(not BUGS & set(reasons), "a reason that is a bug")


def trial(bench: Bench) -> None:
    """Convert all, look at what came of each, and convert again with rubbish in fresh memory."""
    folder, made = make(bench)
    viewer = convert(bench, folder, "viewer")
    look_at_tables(bench, viewer, made)
    stored = convert(bench, folder, "stored", "--look", "stored")
    look_at_tables(bench, stored, made)
    look_for_wrong_pictures(bench, stored)
    for filling in ("85", "170"):
        again = convert(bench, folder, f"filled with {filling}", filling=filling)
        other = differences(tree_of(viewer), tree_of(again))
        bench.expect(not other, f"in memory filled with {filling} others are {other}")


if __name__ == "__main__":
    run_trial(__doc__, trial)
