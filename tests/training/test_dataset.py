# SPDX-License-Identifier: MIT
"""Test `plainfilm.torch` with PyTorch: items, batches, worker processes, seeds, failures and memory."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from tests.output.test_tables import record
from tests.support.cases.build import build_case, to_bytes
from tests.support.loader_outputs import write_out

import plainfilm

FILMS = 10


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten films, of which the last but one is cut, a film of three frames, and a text."""
    folder = tmp_path_factory.mktemp("in") / "films"
    folder.mkdir()
    for number in range(FILMS):
        dataset, _ = build_case(rows=6, columns=8, seed=number)
        dataset.ImageLaterality = "LR"[number % 2]
        content = to_bytes(dataset)
        (folder / f"{number}.dcm").write_bytes(content[:-10] if number == FILMS - 2 else content)
    (folder / "cine.dcm").write_bytes(to_bytes(build_case(rows=6, columns=8, frames=3)[0]))
    (folder / "notes.txt").write_text("no film")
    rows = "".join(f"{number},{'left' if number % 2 else 'right'}\n" for number in range(FILMS))
    (folder.parent / "labels.csv").write_text(f"stem,side\n{rows}")
    (folder.parent / "key").write_bytes(b"k" * 32)
    return folder


@pytest.fixture(scope="module")
def out(films: Path) -> Path:
    """The OUT of these films, with their sides as labels."""
    labels: dict[str, Any] = {"labels": films.parent / "labels.csv", "label": "side", "label_key": "stem"}
    plainfilm.convert(films, films.parent / "out", key_file=films.parent / "key", jobs=1, no_report=True, **labels)
    return films.parent / "out"


def with_noise(image: Any) -> Any:
    """A random transform, of each of the three generators."""
    import torch

    return image.float() + torch.rand(1) + random.random() + float(np.random.random())


def plus_ten(target: int) -> int:
    return target + 10


def test_an_item_is_a_tensor_of_channels_rows_and_columns_with_its_class(out: Path, torch: ModuleType) -> None:
    from plainfilm.torch import ImageDataset

    dataset = ImageDataset(out, label="side", transform=with_noise, target_transform=plus_ten)
    assert (len(dataset), dataset.classes, dataset.without_label) == (9, ("left", "right"), 3)
    image, target = dataset[0]
    assert (tuple(image.shape), target) == ((1, 6, 8), 11)
    plain = ImageDataset(out)
    assert (plain[0].dtype, tuple(plain[-1].shape)) == (torch.uint8, (1, 6, 8))
    array = ImageDataset(out, form="array")[0]
    np.testing.assert_array_equal(array, plain[0][0].numpy())
    with pytest.raises(IndexError):
        plain[len(plain)]
    assert dataset.targets.tolist() == [1, 0] * 4 + [0]


def test_colour_has_three_channels_and_16_bits_stay(tmp_path: Path, torch: ModuleType) -> None:
    from plainfilm.torch import ImageDataset

    dataset, _ = build_case(rows=4, columns=5)
    (tmp_path / "grey.dcm").write_bytes(to_bytes(dataset))
    assert ImageDataset(tmp_path, bits=16)[0].dtype == torch.uint16
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PlanarConfiguration = 3, "RGB", 0
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation, dataset.PixelData = 7, 0, bytes([200, 100, 50]) * 20
    (tmp_path / "grey.dcm").write_bytes(to_bytes(dataset))
    image = ImageDataset(tmp_path)[0]
    assert (tuple(image.shape), image.flatten(1)[:, 0].tolist()) == ((3, 4, 5), [200, 100, 50])


def test_target_columns_make_a_dict_that_can_be_collated(out: Path, torch: ModuleType) -> None:
    from plainfilm.torch import ImageDataset

    names = ["source", "patient_age", "view_position", "inverted"]
    dataset = ImageDataset(out, label="side", target_columns=names)
    _, targets = next(iter(torch.utils.data.DataLoader(dataset, batch_size=9)))
    assert targets["source"][:2] == ["0.dcm", "1.dcm"]
    assert targets["label"].tolist() == dataset.targets.tolist()
    assert targets["inverted"].dtype == torch.bool


@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_workers_give_the_same_batches_for_the_same_generator(out: Path, torch: ModuleType, context: str) -> None:
    from plainfilm.torch import ImageDataset, worker_init

    dataset = ImageDataset(out, label="side", transform=with_noise)
    # OpenCV has threads of its own when the workers are forked
    dataset[0]
    passes = []
    for seed in (1, 1, 2):
        loader = torch.utils.data.DataLoader(
            dataset,
            batch_size=4,
            shuffle=True,
            num_workers=2,
            generator=torch.Generator().manual_seed(seed),
            worker_init_fn=worker_init,
            multiprocessing_context=context,
        )
        passes.append(list(loader))
    assert sorted(torch.cat([labels for _, labels in passes[0]]).tolist()) == sorted(dataset.targets.tolist())
    for (first, labels), (second, others) in zip(passes[0], passes[1], strict=True):
        assert torch.equal(first, second)
        assert torch.equal(labels, others)
    assert not all(torch.equal(first, other) for (first, _), (other, _) in zip(passes[0], passes[2], strict=True))


@pytest.mark.parametrize("workers", [0, 2])
def test_films_that_fail_raise_or_are_skipped_and_named(films: Path, torch: ModuleType, workers: int) -> None:
    from plainfilm.torch import ImageDataset

    strict = ImageDataset(films)
    with pytest.raises(plainfilm.ConversionError, match=r"8\.dcm: "):
        list(torch.utils.data.DataLoader(strict, batch_size=4, num_workers=workers))
    assert strict.failed == []
    lenient = ImageDataset(films, failures="skip")
    assert len(lenient) == FILMS + 1
    for _ in range(2):
        batches = list(torch.utils.data.DataLoader(lenient, batch_size=4, num_workers=workers))
        assert [len(batch) for batch in batches] == [4, 4, 2]
        assert lenient.failed == ["8.dcm"]
    with pytest.raises(plainfilm.ConversionError):
        lenient[8]
    with pytest.raises(plainfilm.ConversionError):
        list(torch.utils.data.DataLoader(torch.utils.data.Subset(lenient, [8])))


def test_a_file_that_is_gone_is_an_error_in_a_worker_too(films: Path, tmp_path: Path, torch: ModuleType) -> None:
    from plainfilm.torch import ImageDataset

    (tmp_path / "0.dcm").write_bytes((films / "0.dcm").read_bytes())
    dataset = ImageDataset(tmp_path)
    (tmp_path / "0.dcm").unlink()
    with pytest.raises(FileNotFoundError, match=r"0\.dcm"):
        list(torch.utils.data.DataLoader(dataset, num_workers=1))


@pytest.mark.parametrize(("workers", "context"), [(0, None), (2, "fork"), (3, "spawn")])
def test_an_iterable_data_set_gives_each_film_once(
    films: Path, torch: ModuleType, workers: int, context: str | None
) -> None:
    from plainfilm.torch import IterableImageDataset

    dataset = IterableImageDataset(films, failures="skip", target_columns=["source", "frame"], size=4)
    loader = torch.utils.data.DataLoader(
        dataset, batch_size=3, num_workers=workers, multiprocessing_context=context, persistent_workers=workers > 0
    )
    for _ in range(2):
        targets = [target for _, target in loader]
        names = [name for target in targets for name in target["source"]]
        expected = [f"{number}.dcm" for number in range(FILMS) if number != FILMS - 2] + ["cine.dcm"] * 3
        assert sorted(names) == sorted(expected)
        assert sorted(torch.cat([target["frame"] for target in targets]).tolist()) == [1] * 10 + [2, 3]
        assert dataset.failed == 1
    if workers == 0:
        assert names == expected


@pytest.mark.usefixtures("torch")
def test_failures_of_a_pass_with_more_processes_are_forgotten(films: Path) -> None:
    from plainfilm.torch import IterableImageDataset

    dataset = IterableImageDataset(films / "8.dcm", failures="skip")
    # what the second process of an earlier pass has counted
    dataset._failures[1] = 5
    assert list(dataset) == []
    assert dataset.failed == 1


def test_an_iterable_data_set_has_labels_and_raises_failures(films: Path, torch: ModuleType) -> None:
    from plainfilm.torch import IterableImageDataset

    options: dict[str, Any] = {"failures": "skip", "jobs": 1}
    by_header = IterableImageDataset(films, label="laterality", classes=["R", "L"], **options)
    labels: dict[str, Any] = {"labels": films.parent / "labels.csv", "label_key": "stem"}
    by_file = IterableImageDataset(films, label="side", **labels, **options)
    assert by_file.classes == ("left", "right")
    sides = [number % 2 for number in range(FILMS) if number != FILMS - 2]
    assert [target for _, target in by_header] == [1 - side for side in sides]
    assert [target for _, target in by_file] == [1 - side for side in sides]
    with pytest.raises(plainfilm.ConversionError, match=r"8\.dcm"):
        list(torch.utils.data.DataLoader(IterableImageDataset(films), num_workers=1))
    for keywords, message in (
        ({"label": "laterality"}, "give classes"),
        ({"label": "side", "labels": labels["labels"], "label_key": "PatientID"}, "label_key is file_name, stem or"),
        ({"target_columns": ["size"]}, "no column 'size'"),
        ({"names": "uid"}, "names"),
    ):
        with pytest.raises(plainfilm.OptionsError, match=message):
            IterableImageDataset(films, **keywords)  # type: ignore[arg-type]


def plainfilm_workers() -> set[int]:
    """The process ids of the workers of plainfilm, of any parent."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if b"plainfilm.workers" in entry.read_bytes():
                found.add(int(entry.parent.name))
        except OSError:
            continue
    return found


def children_of(pid: int) -> set[int]:
    done = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return set(map(int, done.stdout.split()))


# PyTorch raises the error of a worker in a signal handler, wherever the main thread is: not in the process of the tests
KILL_SCRIPT = """
import sys
from torch.utils.data import DataLoader
from plainfilm.torch import IterableImageDataset

batches = iter(DataLoader(IterableImageDataset(sys.argv[1]), num_workers=1))
next(batches)
print("ready", flush=True)
sys.stdin.readline()
list(batches)
"""


@pytest.mark.usefixtures("torch")
def test_the_processes_of_a_worker_that_is_killed_end_too(tmp_path: Path) -> None:
    content = to_bytes(build_case(rows=6, columns=8, frames=3)[0])
    for number in range(50):
        (tmp_path / f"{number}.dcm").write_bytes(content)
    command = [sys.executable, "-c", KILL_SCRIPT, str(tmp_path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        (worker,) = (child for child in children_of(process.pid) if children_of(child) & plainfilm_workers())
        helpers = children_of(worker) & plainfilm_workers()
        os.kill(worker, signal.SIGKILL)
        _, errors = process.communicate("\n")
    # PyTorch says that a worker was killed, or that the connection to it was reset
    assert process.returncode == 1
    assert "Error" in errors
    deadline = time.monotonic() + 60
    while helpers & plainfilm_workers() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not helpers & plainfilm_workers()


MEMORY_SCRIPT = """
import gc, os, pickle, sys
from plainfilm.torch import ImageDataset

def private_kilobytes():
    lines = open("/proc/self/smaps_rollup").read().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty"))

def grown(read):
    reader, writer = os.pipe()
    # the garbage collector writes to the objects of all modules
    gc.disable()
    if os.fork() == 0:
        read(range(2))
        before = private_kilobytes()
        read(range(len(dataset)))
        os.write(writer, str(private_kilobytes() - before).encode())
        os._exit(0)
    os.wait()
    return int(os.read(reader, 100))

dataset = ImageDataset(sys.argv[1], label="body_part")
names = [dataset.name(index) for index in range(len(dataset))]
def of_data_set(indexes):
    for index in indexes:
        dataset.name(index), dataset.targets[index]
def of_list(indexes):
    for index in indexes:
        str(names[index])
print(len(dataset), len(pickle.dumps(dataset)) // len(dataset), grown(of_data_set), grown(of_list))
"""


def test_workers_share_the_names_of_100_000_images(tmp_path: Path, torch: ModuleType) -> None:  # noqa: ARG001
    out = tmp_path / "out"
    rows = [record(f"{number:06}.dcm", file_name=f"{'a' * 200}/{number:06}.png") for number in range(2)]
    write_out(out, rows)
    header, first, _ = (out / "metadata.csv").read_text().splitlines()
    with (out / "metadata.csv").open("w") as table:
        table.write(header + "\n")
        for number in range(100_000):
            table.write(first.replace("000000", f"{number:06}") + "\n")
    done = subprocess.run(
        [sys.executable, "-c", MEMORY_SCRIPT, str(out)], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    images, bytes_of_image, of_data_set, of_list = map(int, done.stdout.split())
    assert images == 100_000
    # the name of 211 bytes, where it ends, and its class
    assert bytes_of_image < 240
    # the list shows what reading the names costs where their reference counts are in the same pages
    assert of_list > 15_000
    assert of_data_set < of_list / 2
