# SPDX-License-Identifier: MIT
"""Receive images that workers have put into the store of OUT: a run handles files, which stand for the objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from plainfilm.conversion.job import StagedImage
from plainfilm.errors import OptionsError
from plainfilm.options.local_path import scheme_of
from plainfilm.options.options import Options
from plainfilm.options.output import Layout
from plainfilm.output.folder import FolderOutput
from plainfilm.output.store_staging import StoreStaging
from plainfilm.sources.remote_file import RemoteUrl
from plainfilm.workers.messages import Event, TaskResult


def check_images_in_store(out: str, options: Options) -> None:
    """Raise OptionsError if the workers of a cluster cannot put the images of a run into the store of OUT.

    out: the URL of OUT.
    """
    if options.output.layout is not Layout.FOLDER:
        raise OptionsError(
            f"--layout {options.output.layout} contradicts --scheduler with an OUT in a store: this process would have "
            "to fetch all images; give a folder that all workers share as OUT, or --shard without --scheduler"
        )
    if scheme_of(out) == "memory":
        raise OptionsError(
            "--scheduler needs an OUT that the workers can reach: they do not see the memory of memory://"
        )
    presentation = options.presentation.presentation
    if presentation is not None and presentation.path is None:
        raise OptionsError(
            "--presentation auto contradicts --scheduler with an OUT in a store: the workers do not see the index of "
            "the presentation states; give a folder that all workers share as OUT"
        )


def received(events: Iterable[Event], output: FolderOutput, store: RemoteUrl | None) -> Iterator[Event]:
    """Yield events in which each staged image has files in the staging folder of OUT.

    store: the URL of OUT, if the workers have put the images there; None leaves the events as they are.

    Raises StorageFullError and RunError.
    """
    if store is None:
        yield from events
        return
    staging = StoreStaging(store, output.names)
    for event in events:
        if isinstance(event, TaskResult) and isinstance(event.value, StagedImage):
            yield TaskResult(_with_files(event.value, output, staging), event.traceback)
        else:
            yield event


def _with_files(image: StagedImage, output: FolderOutput, staging: StoreStaging) -> StagedImage:
    overlays = tuple(
        replace(overlay, temporary_name=staging.stage_file(output, overlay.temporary_name, overlay.size))
        for overlay in image.overlays
    )
    temporary_name = staging.stage_file(output, image.temporary_name, image.size)
    return replace(image, temporary_name=temporary_name, overlays=overlays)
