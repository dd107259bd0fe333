# SPDX-License-Identifier: MIT
"""Feed images to PyTorch: from the OUT of a run, or from DICOM files that are rendered as they are needed.

    from plainfilm.torch import ImageDataset

    dataset = ImageDataset("pictures", split="train", label="side")
    image, target = dataset[0]     # a tensor (channels, rows, columns), and an index into dataset.classes

PyTorch is an optional dependency, which only this module imports.
"""

from __future__ import annotations

import operator
import os
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeAlias, Unpack

import cv2
import numpy as np
import numpy.typing as npt

from plainfilm.api.arguments import options_of, paths_of, python_errors
from plainfilm.api.item_options import (
    DatasetKeywords,
    FailurePolicy,
    ItemForm,
    ItemOptions,
    IterableKeywords,
    other_keywords,
)
from plainfilm.api.many_images import PathArgument, iterate_slice
from plainfilm.api.training import RecordTargets, TrainingImages, open_images
from plainfilm.conversion.source_slice import SourceSlice
from plainfilm.errors import ConversionError
from plainfilm.options.counting import counted
from plainfilm.options.keywords import IterateKeywords
from plainfilm.records import Failure, Status

try:
    import torch
    from torch.utils.data import Dataset, IterableDataset, get_worker_info
except ImportError as cause:
    raise ImportError(
        "plainfilm.torch needs PyTorch, which cannot be imported: install it with `pip install 'plainfilm[torch]'`"
    ) from cause

__all__ = ["ImageDataset", "IterableImageDataset", "worker_init"]

Array: TypeAlias = npt.NDArray[Any]
Hook: TypeAlias = Callable[[Any], Any] | None

_MOST_WORKERS = 1024


class ImageDataset(Dataset):  # type: ignore[misc]
    """The images of a run, or DICOM files, as a data set with random access (map-style).

    sources: the OUT of a run with `--layout folder`, or DICOM files, folders and archives that allow random access. Of
        a file, one frame is rendered each time it is loaded, in the process that asks for it, as `plainfilm.render`
        does. Files that are not DICOM are left out.
    label: the column whose cell gives the class of an image: with OUT a column of its table, with or without `label_`
        before its name; with DICOM files a column of the file `labels`. Images without a label are left out.
    transform, target_transform: functions of an image, and of a target. The transform gets what `form` says.
    options: those of DatasetKeywords, and for DICOM files those of `plainfilm.render`.

    An item is (image, target), or the image alone if there is neither `label` nor `target_columns`. The image is a
    tensor (channels, rows, columns) of uint8 or uint16, or with `form="array"` an array (rows, columns) or (rows,
    columns, 3). The target is the index of the class; with `target_columns` it is a dict of these cells, to which
    `label` adds the index under the key "label". Missing texts are empty, and missing numbers NaN.

    Attributes: `classes` are the labels in the order of their indexes. They are sorted by code point, over all splits
    of OUT or all rows of `labels`, so that a label has the same index in every split. `without_label` counts the images
    that are left out.

    An image that fails raises a ConversionError with its path. With `failures="skip"` it is left out of its batch, and
    `failed` names it; `dataset[index]` raises the error nevertheless, and so does a batch in which all images fail.

    The data set can be pickled. Names and labels lie in arrays, so that worker processes share them without a copy.
    Raises OptionsError for wrong options and for an OUT that has no image files of its own, and RunError.
    """

    def __init__(
        self,
        sources: PathArgument | Iterable[PathArgument],
        *,
        label: str | None = None,
        transform: Hook = None,
        target_transform: Hook = None,
        **options: Unpack[DatasetKeywords],
    ) -> None:
        with python_errors():
            self._items = ItemOptions.of(label, options)
            self._images: TrainingImages = open_images(sources, self._items, options)
        self.classes: tuple[str, ...] = self._images.classes
        self.without_label: int = self._images.without_label
        self.transform, self.target_transform = transform, target_transform
        is_skipping = self._items.failures is FailurePolicy.SKIP
        # worker processes write to the same memory
        self._has_failed = torch.zeros(len(self._images) if is_skipping else 0, dtype=torch.bool).share_memory_()

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> Any:
        """Return an item. Raises IndexError, and ConversionError for an image that fails."""
        number = self._number(index)
        image = _formed(self._images.load(number), self._items.form)
        image = image if self.transform is None else self.transform(image)
        if self._items.label is None and not self._items.target_columns:
            return image
        target = self._target(number)
        return image, target if self.target_transform is None else self.target_transform(target)

    def __getitems__(self, indexes: Sequence[int]) -> list[Any]:
        """Return the items of a batch; with `failures="skip"` without those that fail. A DataLoader calls this."""
        if self._items.failures is FailurePolicy.RAISE:
            return [self[index] for index in indexes]
        items, errors = [], []
        for index in indexes:
            try:
                items.append(self[index])
            except ConversionError as error:
                self._has_failed[self._number(index)] = True
                errors.append(error)
        if errors and not items:
            raise errors[0]
        return items

    @property
    def targets(self) -> npt.NDArray[np.int64]:
        """The class index of each image, for samplers; empty without `label`."""
        return self._images.codes

    @property
    def failed(self) -> list[str]:
        """The names of the images that were left out of their batches, in any worker process."""
        return [self.name(index) for index in torch.nonzero(self._has_failed).flatten().tolist()]

    def name(self, index: int) -> str:
        """Return the path of an image file of OUT, or of a DICOM file relative to its source. Raises IndexError."""
        return self._images.name(self._number(index))

    def __repr__(self) -> str:
        parts = [
            counted(len(self), "image"),
            *([counted(len(self.classes), "class", "classes")] if self.classes else []),
        ]
        return f"<plainfilm.torch.ImageDataset: {', '.join(parts)}>"

    def _number(self, index: int) -> int:
        """Return the number of an image, counted from 0. Raises IndexError."""
        number = operator.index(index)
        number += len(self) if number < 0 else 0
        if not 0 <= number < len(self):
            raise IndexError(f"there is no item {index}: the data set has {len(self)}")
        return number

    def _target(self, number: int) -> Any:
        code = {} if self._items.label is None else {"label": int(self._images.codes[number])}
        return {**self._images.cells(number), **code} if self._items.target_columns else code["label"]


class IterableImageDataset(IterableDataset):  # type: ignore[misc]
    """DICOM files as a data set that is read in order (iterable), rendered by `plainfilm.iterate` in worker processes.

    A file that crashes or hangs its decoder costs only itself. In a DataLoader with worker processes, each of them
    converts every n-th source, so that no image comes twice; it does so in one process of its own, unless `jobs` asks
    for more. The order is that of the sources within each worker.

    sources: DICOM files, folders, archives, globs or lists, as for `plainfilm.iterate`.
    label: a column of the metadata table such as `laterality`, with `classes`; or a column of the file `labels`, which
        is joined by `file_name`, `stem` or `source`. Images without a label are left out.
    transform, target_transform: as for `ImageDataset`, and so are the items.
    options: those of IterableKeywords: of items, and of `plainfilm.iterate`.

    An image that fails raises a ConversionError. With `failures="skip"` it is left out, and `failed` counts the
    failures of the current pass. Files that are no images are left out in any case.
    """

    def __init__(
        self,
        sources: PathArgument | Iterable[PathArgument],
        *,
        label: str | None = None,
        transform: Hook = None,
        target_transform: Hook = None,
        **options: Unpack[IterableKeywords],
    ) -> None:
        with python_errors():
            self._items = ItemOptions.of(label, options)
            self._options = options_of("IterableImageDataset", other_keywords(options), IterateKeywords)
            self._sources = paths_of(sources)
            self._targets = RecordTargets(self._items, self._options)
            # nothing is started before the first image; options and sources are checked now
            iterate_slice(self._sources, self._options).close()
        self.classes: tuple[str, ...] = self._targets.classes
        self.transform, self.target_transform = transform, target_transform
        # one number for each worker process, in memory that all of them share
        self._failures = torch.zeros(_MOST_WORKERS, dtype=torch.int64).share_memory_()

    def __iter__(self) -> Iterator[Any]:
        """Yield the items of this process. Raises ConversionError and RunError."""
        worker = get_worker_info()
        source_slice, options, position, processes = SourceSlice(), self._options, 0, 1
        if worker is not None:
            processes = worker.num_workers
            source_slice, position = SourceSlice(worker.id, processes), worker.id % _MOST_WORKERS
            options = replace(options, run=replace(options.run, jobs=options.run.jobs or 1))
        self._failures[position] = 0
        # an earlier pass may have had more worker processes
        self._failures[processes:] = 0
        for record, image in iterate_slice(self._sources, options, source_slice):
            if isinstance(record, Failure):
                self._add_failure(record, position)
                continue
            assert image is not None
            if self._targets.is_left_out(record):
                continue
            formed = _formed(image, self._items.form)
            formed = formed if self.transform is None else self.transform(formed)
            if not self._targets.has_target:
                yield formed
                continue
            target = self._targets.of(record)
            yield formed, target if self.target_transform is None else self.target_transform(target)

    @property
    def failed(self) -> int:
        """The number of images that failed in the current or last pass, in all worker processes."""
        return int(self._failures.sum())

    def __repr__(self) -> str:
        return f"<plainfilm.torch.IterableImageDataset: {counted(len(self._sources), 'source')}>"

    def _add_failure(self, failure: Failure, position: int) -> None:
        """Count a failure, or raise it as a ConversionError."""
        if failure.status is Status.SKIPPED:
            return
        if self._items.failures is FailurePolicy.RAISE:
            error = ConversionError(failure.message, reason=failure.reason, stage=failure.stage)
            error.path = failure.source
            raise error
        self._failures[position] += 1


def worker_init(worker_id: int) -> None:  # noqa: ARG001
    """Prepare a worker process, as `DataLoader(..., worker_init_fn=worker_init)`.

    The random numbers of Python and NumPy follow from the generator of the DataLoader, and OpenCV uses one thread.
    """
    seed = torch.initial_seed()
    random.seed(seed)
    np.random.seed(seed % 2**32)
    cv2.setNumThreads(1)


class _OpenCvThreads:
    """Stops the threads of OpenCV while this process forks.

    A forked process inherits the state of these threads and not the threads: it would wait for them for ever if the
    process that forks has used OpenCV, for instance to look at an image before the training.
    """

    def __init__(self) -> None:
        self._number = cv2.getNumThreads()

    def stop(self) -> None:
        """Remember the number of threads, and end all of them."""
        self._number = cv2.getNumThreads()
        cv2.setNumThreads(1)

    def restore(self) -> None:
        """Allow as many threads as before; OpenCV starts them when it needs them."""
        cv2.setNumThreads(self._number)


if hasattr(os, "register_at_fork"):
    _threads = _OpenCvThreads()
    os.register_at_fork(before=_threads.stop, after_in_parent=_threads.restore, after_in_child=_threads.restore)


def _formed(image: Array, form: ItemForm) -> Any:
    """Return an image as the transform gets it."""
    if form is ItemForm.ARRAY:
        return image
    tensor = torch.from_numpy(image)
    return tensor[None] if image.ndim == 2 else tensor.permute(2, 0, 1).contiguous()
