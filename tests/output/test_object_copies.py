# SPDX-License-Identifier: MIT
"""Objects get the names of the files that stand for them, whatever the names were before, also if a step fails."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from plainfilm.errors import RunError
from plainfilm.output.object_copies import copy_objects, plan_copies, remove_lost_placeholders
from plainfilm.output.placeholder import digest_of_name, read_placeholder, write_placeholder

CASES: dict[str, dict[str, str]] = {
    "staged": {"x.png": ".plainfilm-staging/1", "y.png": ".plainfilm-staging/2"},
    "unchanged": {"x.png": "x.png"},
    "chain": {"y.png": "x.png", "x.png": "x-2.png", "z.png": "y.png"},
    "circle": {"x.png": "y.png", "y.png": "x.png"},
    "one object, two names": {"a/x.png": "x.png", "b/x.png": "x.png", "x.png": ".plainfilm-staging/1"},
}


class Store:
    """Objects by their names; `copy` fails after some copies."""

    def __init__(self, names: set[str]) -> None:
        self.objects = {name: f"bytes of {name}" for name in names}
        self.copies_left = 100

    def copy(self, origins: Mapping[str, str]) -> None:
        for name, origin in origins.items():
            if not self.copies_left:
                raise RunError("the store fails")
            self.copies_left -= 1
            self.objects[name] = self.objects[origin]


def settle(folder: Path, names: Mapping[str, str], store: Store) -> None:
    digests = {name: read_placeholder(folder / name) for name in names}
    plan = plan_copies({name: digest for name, digest in digests.items() if digest}, (), store.objects)
    copy_objects(folder, plan, store.copy)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("copies", range(5))
def test_each_file_ends_with_its_own_object_however_often_the_store_fails(
    case: str, copies: int, tmp_path: Path
) -> None:
    names = CASES[case]
    for name, origin in names.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_placeholder(tmp_path / name, origin, 100)
    store = Store(set(names.values()))
    store.copies_left = copies
    try:
        settle(tmp_path, names, store)
    except RunError:
        store.copies_left = 100
        settle(tmp_path, names, store)
    assert {name: store.objects[name] for name in names} == {
        name: f"bytes of {origin}" for name, origin in names.items()
    }
    assert all(read_placeholder(tmp_path / name) == digest_of_name(name) for name in names)


def test_an_object_that_an_ordinary_file_replaces_is_copied_before() -> None:
    plan = plan_copies({"y.png": digest_of_name("x.png")}, {"x.png"}, ["x.png"])
    (private,) = plan.rescues
    assert plan.rescues[private] == "x.png"
    assert plan.renames == {"y.png": private}
    assert private.startswith(".plainfilm-")


def test_a_file_whose_object_is_lost_is_an_error_of_the_run() -> None:
    with pytest.raises(RunError, match="run again"):
        plan_copies({"x.png": digest_of_name("gone")}, (), ["x.png"])


def test_files_are_removed_whose_objects_are_lost_or_replaced(tmp_path: Path) -> None:
    origins = {"own": "own", "lost": "gone", "staged": "s", "replaced": "replaced", "renewed": "s"}
    files = {name: tmp_path / name for name in (*origins, "ordinary")}
    for name, origin in origins.items():
        write_placeholder(files[name], origin, 100)
    files["ordinary"].write_bytes(b"bytes")
    remove_lost_placeholders(files, ["own", "s", "replaced", "renewed"], {"replaced", "renewed", "ordinary"})
    assert {name for name, path in files.items() if path.exists()} == {"own", "staged", "renewed", "ordinary"}
