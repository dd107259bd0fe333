# SPDX-License-Identifier: MIT
"""Compare the images in OUT with the ledger before a run resumes: images that are lost are made again.

An image is lost if its file is missing, is no regular file, or has another size than when it was written. If only the
time of the last change differs, the SHA-256 of the file decides, so that an OUT that was moved or restored is not made
anew. If one image of a source is lost, all rows and images of the source are removed, and the source is converted
again if it is still among the sources of the run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from plainfilm.ledger.ledger import Ledger
from plainfilm.ledger.remaining_work import FileStat
from plainfilm.ledger.stored_files import StoredFile, StoredFiles
from plainfilm.options.counting import counted
from plainfilm.output.directory import open_regular_file
from plainfilm.pickling import dataclass


@dataclass(frozen=True, slots=True)
class LostImages:
    """How many images were lost, and whether OUT held any other."""

    lost: int = 0
    has_others: bool = False

    def notes(self) -> Iterator[str]:
        """Yield a line for the summary if images were lost."""
        if self.lost and self.has_others:
            yield (
                f"{counted(self.lost, 'image in OUT was', 'images in OUT were')} deleted, cut or replaced since an "
                "earlier run: those whose sources are still listed were made again"
            )
        elif self.lost:
            yield (
                f"OUT held none of the {counted(self.lost, 'image')} of its ledger (was the ledger copied here?): "
                "those whose sources are still listed were made again"
            )


def forget_lost_images(
    out: Path, ledger: Ledger, remove: Callable[[Iterable[str]], None], is_stopped: Callable[[], bool]
) -> LostImages:
    """Delete the rows of all sources of which an image is lost, so that the run converts these sources again.

    remove: the function that removes files of which the rows are deleted.

    The ledger is read in pages: memory does not grow with the number of images. A run that is stopped checks no more.
    Raises StorageFullError and RunError.
    """
    lost, has_others = _forget_lost_shards(out, ledger, remove), bool(ledger.shards.all())
    for page in ledger.files.pages():
        sources: dict[str, None] = {}
        for file in page:
            if is_stopped():
                break
            if (file_stat := present_stat(out, ledger.files, file)) is None:
                sources[file.source] = None
            else:
                has_others = True
                if file_stat != file.file_stat:
                    ledger.files.update_stat(file, file_stat)
        lost += sum(_count_lost(out, ledger.files, source) for source in sources)
        remove(ledger.delete_results(sources))
        ledger.commit()
        if is_stopped():
            break
    return LostImages(lost, has_others)


def _forget_lost_shards(out: Path, ledger: Ledger, remove: Callable[[Iterable[str]], None]) -> int:
    """Delete the rows of all sources of which an image is in a lost shard; return the number of images in them."""
    lost_shards = []
    for shard in ledger.shards.all().values():
        file_stat = FileStat.of_output(out / shard.name)
        if file_stat == shard.file_stat:
            continue
        if file_stat.size == shard.file_stat.size and sha256_of_file(out / shard.name) == shard.sha256:
            ledger.shards.update_stat(shard.name, file_stat)
        else:
            lost_shards.append(shard.name)
    ledger.commit()
    return _forget_shards(ledger, lost_shards, remove) if lost_shards else 0


def _forget_shards(ledger: Ledger, names: Sequence[str], remove: Callable[[Iterable[str]], None]) -> int:
    lost = 0
    with ledger.shards.indexed_images():
        for name in names:
            lost += ledger.shards.images_of(name)
            files = ledger.delete_results(ledger.shards.sources_of(name))
            ledger.shards.remove(name)
            ledger.mark_pending([name])
            remove([*files, name])
        ledger.commit()
    return lost


def present_stat(out: Path, files: StoredFiles, file: StoredFile) -> FileStat | None:
    """Return the size and time of a file in OUT that has the bytes which the ledger lists, None if it has not."""
    path = out / file.file_name
    file_stat = FileStat.of_output(path)
    if file_stat.size < 0 or file_stat.size != file.file_stat.size:
        return None
    if file_stat != file.file_stat and sha256_of_file(path) != files.sha256(file):
        return None
    return file_stat


def sha256_of_file(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits, '' where it cannot be read or is no regular file."""
    try:
        with open_regular_file(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _count_lost(out: Path, files: StoredFiles, source: str) -> int:
    return sum(present_stat(out, files, file) is None for file in files.of_source(source))
