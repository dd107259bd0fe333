# SPDX-License-Identifier: MIT
"""The forms of OUT for which trials check the promises: layouts, splits, formats and tables."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Form:
    """A form of OUT. words: the options of the command. table: the format of its tables.

    has_shards: whether images are in tar or Parquet files. has_split_folders: whether each split has a folder.
    """

    name: str
    words: tuple[str, ...]
    table: str = "csv"
    has_shards: bool = False
    has_split_folders: bool = False


_SPLIT = ("--split", "train=0.5,test=0.5")
_SHARDS = ("--samples-per-file", "16")
FOLDER = Form("folder", ())
OTHER_FORMS = (
    Form("JPEG in splits", (*_SPLIT, "--format", "jpeg", "--table", "jsonl"), "jsonl", has_split_folders=True),
    Form("tar files", ("--layout", "webdataset", *_SHARDS), has_shards=True),
    Form("Parquet, splits", ("--layout", "parquet", *_SHARDS, *_SPLIT, "--table", "parquet"), "parquet", True),
)
