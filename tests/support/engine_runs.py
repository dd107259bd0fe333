# SPDX-License-Identifier: MIT
"""The engines of the conformance suite: ways to convert the same sources, which must leave the same OUT."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.cases.build import build_case, to_bytes
from tests.support.dask_cluster import DaskCluster
from tests.support.outputs import is_private
from tests.support.s3_server import BUCKET

from plainfilm.conversion.conversion import Conversion
from plainfilm.conversion.merging import Merge, MergeFiles
from plainfilm.conversion.remote_merge import RemoteMerge
from plainfilm.conversion.remote_run import RemoteConversion
from plainfilm.conversion.summary import Run
from plainfilm.options.options import Options
from plainfilm.output.remote_objects import RemoteObjects
from plainfilm.sources.remote_file import parse_url

Engine = Callable[[Sequence[Path], Path, Mapping[str, object]], Run]


def convert_locally(sources: Sequence[Path], out: Path, given: Mapping[str, object]) -> Run:
    """One run in this process, with its own workers."""
    return Conversion(sources, out, Options.of(given)).run()


def convert_share(sources: Sequence[Path], out: Path, given: Mapping[str, object], shard: str) -> Run:
    """One shard."""
    return Conversion(sources, out, Options.of({**given, "shard": shard})).run()


def convert_in_shards(sources: Sequence[Path], out: Path, given: Mapping[str, object]) -> Run:
    """Three shards, the last one first, and a merge."""
    for number in (3, 1, 2):
        convert_share(sources, out, given, f"{number}/3")
    return Merge(out).run()


def convert_in_remote_shards(sources: Sequence[Path], out: Path, given: Mapping[str, object]) -> Run:
    """Three shards into a bucket and a merge there, each on a machine of its own; OUT is then fetched."""
    url = f"s3://{BUCKET}/out"
    for number in (3, 1, 2):
        with on_machine(out.parent / f"machine {number}"):
            convert_remotely(sources, url, {**given, "shard": f"{number}/3"})
    with on_machine(out.parent / "machine of the merge"):
        run = RemoteMerge(url, MergeFiles()).run()
    fetch_out(url, out)
    return run


def fetch_out(url: str, out: Path) -> None:
    """Write the objects of a URL into a folder."""
    objects = RemoteObjects(parse_url(url))
    for name, file in objects.list().items():
        objects.fetch(file, out / name)


def convert_remotely(sources: Sequence[Path], url: str, given: Mapping[str, object]) -> Run:
    """One run, or shard, into a URL."""
    return RemoteConversion(sources, url, Options.of(given)).run()


@contextmanager
def on_machine(state: Path) -> Iterator[None]:
    """Work with a folder for the state of this machine, as another machine would have one."""
    earlier = os.environ.get("XDG_STATE_HOME")
    os.environ["XDG_STATE_HOME"] = str(state)
    try:
        yield
    finally:
        if earlier is None:
            del os.environ["XDG_STATE_HOME"]
        else:
            os.environ["XDG_STATE_HOME"] = earlier


@dataclass(frozen=True, slots=True)
class DaskHosts:
    """A Dask cluster whose workers are on hosts of their own; hidden: a folder of which the workers see nothing."""

    cluster: DaskCluster
    hidden: Path

    def convert(self, sources: Sequence[Path], out: Path, given: Mapping[str, object]) -> Run:
        """Convert into a folder that all hosts share and, with the layout folder, also into a bucket: OUT is equal."""
        of_run = {name: value for name, value in given.items() if name != "shard_members"}
        of_run |= {"engine": "dask", "scheduler": self.cluster.address}
        run = convert_locally(sources, out, of_run)
        if "layout" not in given:
            url, fetched = f"s3://{BUCKET}/out", out.parent / "fetched"
            with on_machine(self.hidden / out.parent.name):
                assert convert_remotely(sources, url, of_run).counts == run.counts
            fetch_out(url, fetched)
            assert tree_of(fetched) == tree_of(out)
        return run


def tree_of(out: Path) -> dict[str, str]:
    """The files of OUT, each with a hash of its bytes, without private files and run.json, which holds times."""
    paths = (path for path in out.rglob("*") if path.is_file())
    names = {path.relative_to(out): path for path in paths if path.relative_to(out).as_posix() != "run.json"}
    return {
        name.as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in names.items()
        if not is_private(name.parts[0])
    }


def folders_of(out: Path) -> set[str]:
    """The folders of OUT."""
    return {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_dir()}


def film(uid: str, patient: str, seed: int, *, has_overlay: bool = False, **parameters: object) -> bytes:
    """A small image of a patient; images with equal seeds have equal pixels."""
    dataset, _ = build_case(rows=8, columns=8, seed=seed, **parameters)
    if has_overlay:
        for element, vr, value in ((0x10, "US", 8), (0x11, "US", 8), (0x50, "SS", [1, 1]), (0x3000, "OW", bytes(8))):
            dataset.add_new(0x60000000 | element, vr, value)
    dataset.PatientID, dataset.AccessionNumber = patient, f"A{seed}"
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = uid
    return to_bytes(dataset)
