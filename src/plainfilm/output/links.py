# SPDX-License-Identifier: MIT
"""Give files of OUT further names by hard links: no byte is copied, and each file is whole under both names."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from itertools import groupby

from plainfilm.errors import OutputError
from plainfilm.output.directory import open_directory
from plainfilm.output.folder import FolderOutput, components_of, folder_of
from plainfilm.output.storage import translate_os_errors

_HAS_LINKS = os.link in os.supports_dir_fd and os.link in os.supports_follow_symlinks


def link_files(output: FolderOutput, names: Mapping[str, str]) -> set[str]:
    """Link files to new names, and flush the folders; return the old names of the files that have got no link.

    names: the name of each file, relative to OUT -> its new name. A file has no link where the file system or the
    system has none, where the new name is taken, and where it is no regular file. Raises StorageFullError and RunError.
    """
    if not (_HAS_LINKS and output.by_descriptor):
        return set(names)
    unlinked = set(names)
    by_folder = sorted(names.items(), key=lambda item: folder_of(item[1]))
    for folder, group in groupby(by_folder, key=lambda item: folder_of(item[1])):
        with suppress(OutputError):
            unlinked -= _link_in_folder(output, folder, dict(group))
    return unlinked


def _link_in_folder(output: FolderOutput, folder: str, names: Mapping[str, str]) -> set[str]:
    """Link files to names in one folder; return the old names of those that are linked."""
    linked = set()
    folders = components_of(f"{folder}/x")[:-1] if folder else []
    with translate_os_errors(), open_directory(output.out, folders) as target:
        for old, new in names.items():
            *old_folders, old_name = components_of(old)
            # the next step copies what cannot be linked, and reports what cannot be copied
            with suppress(OSError), open_directory(output.out, old_folders) as origin:
                target.link_from(origin, old_name, components_of(new)[-1])
                linked.add(old)
        if output.sync:
            target.sync()
    if output.sync:
        output.sync_parents(folders)
    return linked
