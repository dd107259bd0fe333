# SPDX-License-Identifier: MIT
"""Pack the images of a run into shards: files that hold many images each (`--layout webdataset`, `--layout parquet`).

During a run the images are files in a private folder of OUT. When all of them are there, they are packed in table order
and, with `--split`, by split, so that the shards depend neither on the workers nor on interruptions. A shard gets its
name when it is whole. A later run writes only those shards anew whose samples have changed.

If no shard existed before, each shard is published as soon as it is written, and its images are removed. Otherwise the
samples may be in shards that are about to be replaced, so all new shards are written before the first gets its name:
they are complete under private names when one transaction of the ledger moves all images into them. A process that is
killed while they get their names leaves the rest of the names to the next one (`finish_renames`). So no image is lost,
also where its source is gone.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import PurePosixPath

from plainfilm.conversion.placement import data_set_columns
from plainfilm.conversion.uid_names import base_name
from plainfilm.errors import OutputError, Reason, RunError, Stage
from plainfilm.ledger.ledger import Ledger
from plainfilm.ledger.remaining_work import FileStat
from plainfilm.ledger.sql import REPLACEMENTS
from plainfilm.ledger.stored_shards import PlannedSample, StoredShard
from plainfilm.options.options import Options
from plainfilm.options.output import Layout
from plainfilm.output.directory import open_regular_file
from plainfilm.output.folder import FolderOutput
from plainfilm.output.links import rename_files
from plainfilm.output.shards import Sample, SampleKeys, ShardFormat, WebDatasetFormat
from plainfilm.output.table_schema import Column, cells_of, metadata_columns
from plainfilm.pickling import dataclass
from plainfilm.records import Record


def pack_images(output: FolderOutput, ledger: Ledger, options: Options, is_stopped: Callable[[], bool]) -> None:
    """Pack the images of a complete run, if the layout is one of shards. Raises StorageFullError and RunError."""
    layout = options.output.layout
    if layout is Layout.FOLDER or is_stopped() or _is_merged(ledger):
        return
    columns = metadata_columns(options.privacy.columns.words, data_set_columns(options))
    if layout is Layout.PARQUET:
        from plainfilm.output.parquet_shards import ParquetFormat

        shard_format: ShardFormat = ParquetFormat(columns, output.names.share)
    else:
        shard_format = WebDatasetFormat(columns, output.names.share)
    Packer(output, ledger, shard_format, columns).pack(options.output.samples_per_file, is_stopped)


def _is_merged(ledger: Ledger) -> bool:
    """Whether all images are where `plainfilm merge` has found them: they are not packed anew without need."""
    state = ledger.merge.read()
    return state is not None and state.packed_images == ledger.shards.packed_images() >= 0


@dataclass(frozen=True, slots=True)
class PlannedShard:
    """A shard of the plan: its name, its images, the records that they get, and a hash of its samples."""

    name: str
    samples: tuple[PlannedSample, ...]
    records: tuple[Record, ...]
    digest: str

    def is_written(self, stored: StoredShard | None) -> bool:
        """Whether OUT has this shard already."""
        is_in_place = all(sample.shard == self.name for sample in self.samples)
        return stored is not None and stored.digest == self.digest and is_in_place

    @property
    def unpacked_files(self) -> list[str]:
        """The files of the images that are not in a shard yet."""
        return [sample.record.file_name for sample in self.samples if not sample.shard]


@dataclass(frozen=True, slots=True)
class _StagedShard:
    """A shard that is written and has no name yet; positions: where the image of each sample is."""

    shard: PlannedShard
    temporary_name: str
    sha256: str
    positions: tuple[int, ...]


class Packer:
    """Packs the images of one OUT. Every method raises StorageFullError and RunError.

    columns: those of the rows that the shards hold.
    """

    def __init__(
        self, output: FolderOutput, ledger: Ledger, shard_format: ShardFormat, columns: Sequence[Column]
    ) -> None:
        self._output = output
        self._ledger = ledger
        self._format = shard_format
        self._cells_of = cells_of(columns)

    def pack(self, samples_per_file: int, is_stopped: Callable[[], bool]) -> None:
        """Write the shards that are missing or have changed, and remove those that no longer belong to OUT.

        is_stopped: whether the run has been stopped, which leaves the rest to the next run.
        """
        self._make_plan()
        stored = self._ledger.shards.all()
        names = set[str]()
        staged: list[_StagedShard] = []
        for shard in self._planned_shards(samples_per_file):
            if is_stopped():
                self._output.discard(item.temporary_name for item in staged)
                return
            names.add(shard.name)
            if not shard.is_written(stored.get(shard.name)):
                staged.append(self._stage(shard))
            if not stored:
                self._publish(staged.pop())
        if staged or stored.keys() - names:
            self._replace(staged, sorted(stored.keys() - names))

    def _make_plan(self) -> None:
        """Give each image its number within its split, and its key."""
        keys, numbers = SampleKeys(), Counter[str]()
        self._ledger.shards.begin_plan()
        for page in self._ledger.shards.pages_of_images():
            batch = []
            for row_id, record in page:
                # the name without the private folder and without suffix
                name = str(PurePosixPath(base_name(record.file_name, 1)).with_suffix(""))
                batch.append((record.split, numbers[record.split], keys.key_of(name), row_id))
                numbers[record.split] += 1
            self._ledger.shards.plan(batch)
        self._ledger.commit()

    def _planned_shards(self, samples_per_file: int) -> Iterator[PlannedShard]:
        sizes = self._ledger.shards.sizes_of_splits()
        totals = {split: -(-size // samples_per_file) for split, size in sizes.items()}

        def packed_name(split: str, number: int, key: str, suffix: str) -> str:
            shard = self._format.shard_name(split, number // samples_per_file, totals[split])
            return f"{shard}/{key}{suffix}"

        for split, total in totals.items():
            for index in range(total):
                numbers = range(index * samples_per_file, (index + 1) * samples_per_file)
                samples = self._ledger.shards.planned(split, numbers)
                records = []
                for sample in samples:
                    suffix = PurePosixPath(sample.record.file_name).suffix
                    name = packed_name(split, sample.number, sample.key, suffix)
                    first = "" if sample.first is None else packed_name(*sample.first, suffix)
                    records.append(replace(sample.record, file_name=name, duplicate_of=first))
                name = self._format.shard_name(split, index, total)
                digest = hashlib.sha256("\n".join(repr(self._cells_of(record)) for record in records).encode())
                yield PlannedShard(name, tuple(samples), tuple(records), digest.hexdigest())

    def _stage(self, shard: PlannedShard) -> _StagedShard:
        """Write a shard to staging."""
        positions: list[int] = []
        sha256 = hashlib.sha256()

        def chunks() -> Iterator[bytes]:
            for chunk in self._format.chunks(self._samples(shard), positions):
                sha256.update(chunk)
                yield chunk

        try:
            temporary_name = self._output.stage(chunks())
        except OutputError as error:
            raise _run_error(f"{shard.name} cannot be written: {error.message}") from error
        return _StagedShard(shard, temporary_name, sha256.hexdigest(), tuple(positions))

    def _samples(self, shard: PlannedShard) -> Iterator[Sample]:
        """Yield the samples of a shard. Images that lie in one shard now are read from it in one pass."""
        pairs = zip(shard.samples, shard.records, strict=True)
        for origin, group in groupby(pairs, key=lambda pair: pair[0].shard):
            group_pairs = list(group)
            for (sample, record), image in zip(group_pairs, self._images(origin, group_pairs), strict=True):
                suffix = PurePosixPath(record.file_name).suffix
                yield Sample(sample.key, suffix, image, self._cells_of(record))

    def _images(self, origin: str, pairs: list[tuple[PlannedSample, Record]]) -> Iterator[bytes]:
        """Yield the bytes of images that are in the shard `origin`, or that are unpacked if it is ''."""
        try:
            if origin:
                places = [(sample.position, sample.size) for sample, _ in pairs]
                yield from self._format.read(self._output.out / origin, places)
                return
            for sample, _ in pairs:
                with open_regular_file(self._output.out / sample.record.file_name) as file:
                    yield file.read()
        except OSError as error:
            raise _run_error(f"an image that is to be packed cannot be read ({error.strerror})") from error

    def _publish(self, staged: _StagedShard) -> None:
        """Give a shard its name, move its images into it in the ledger, and remove their files."""
        name = staged.shard.name
        self._ledger.mark_pending([name])
        self._ledger.commit()
        for error in self._output.publish({staged.temporary_name: name}).values():
            raise _run_error(f"{name} cannot be written: {error.message}")
        self._add(staged, name)
        self._ledger.clear_pending([name])
        self._ledger.mark_pending(staged.shard.unpacked_files)
        self._ledger.commit()
        self._remove_files(staged.shard.unpacked_files)

    def _replace(self, staged: Sequence[_StagedShard], obsolete: list[str]) -> None:
        """Replace shards: all get private names, the ledger moves all images in one step, and all get their names."""
        private_names = {item.shard.name: f"{REPLACEMENTS}/{item.shard.name}" for item in staged}
        self._ledger.mark_pending(private_names.values())
        self._ledger.commit()
        errors = self._output.publish({item.temporary_name: private_names[item.shard.name] for item in staged})
        for error in errors.values():
            raise _run_error(f"a shard cannot be written: {error.message}")
        for item in staged:
            self._add(item, private_names[item.shard.name])
        for name in obsolete:
            self._ledger.shards.remove(name)
        files = [name for item in staged for name in item.shard.unpacked_files] + obsolete
        self._ledger.mark_pending(files)
        self._ledger.shards.mark_renames({private: name for name, private in private_names.items()})
        self._ledger.clear_pending(private_names.values())
        self._ledger.commit()
        finish_renames(self._output, self._ledger)
        self._remove_files(files)

    def _add(self, staged: _StagedShard, file_name: str) -> None:
        """Insert a shard, which has this file name now, into the ledger, and move its images into it."""
        shard = staged.shard
        file_stat = FileStat.of_output(self._output.out / file_name)
        images = (
            (sample.row_id, record.file_name, position)
            for sample, record, position in zip(shard.samples, shard.records, staged.positions, strict=True)
        )
        self._ledger.shards.add(StoredShard(shard.name, file_stat, staged.sha256, shard.digest), images)

    def _remove_files(self, names: list[str]) -> None:
        unremoved = self._output.remove(names)
        self._output.remove_empty_folders(names)
        self._ledger.clear_pending(name for name in names if name not in unremoved)
        self._ledger.commit()


def finish_renames(output: FolderOutput, ledger: Ledger) -> None:
    """Give whole shards that have private names their names, as a process that was killed could not.

    Raises StorageFullError and RunError.
    """
    names = ledger.shards.marked_renames()
    if not names:
        return
    try:
        rename_files(output, names)
    except OutputError as error:
        raise _run_error(f"a shard cannot get its name: {error.message}") from error
    ledger.shards.clear_renames()
    ledger.commit()
    output.remove_empty_folders(names)


def _run_error(message: str) -> RunError:
    return RunError(f"{message}: run again", reason=Reason.WRITE_FAILED, stage=Stage.WRITE)
