# SPDX-License-Identifier: MIT
"""The recipes of docs/clusters.md run as they stand, and give what one run gives."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.engine_runs import convert_locally, film, tree_of
from tests.support.slurm import running_slurm, wait_until

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "clusters.md").read_text(encoding="utf-8")
FILMS = 10


def recipe(name: str) -> str:
    """The code block of the page whose comment begins with this name."""
    blocks = re.findall(r"^```[a-z]+\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (block,) = (block for block in blocks if re.search(rf"^(?:#|//) {re.escape(name)}[ :]", block, re.MULTILINE))
    return str(block)


@pytest.fixture
def study(tmp_path: Path, key_file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which a recipe is run: films, one of them damaged, and the key; `plainfilm` is on the PATH."""
    folder, programs = tmp_path / "study", tmp_path / "bin"
    (folder / "films").mkdir(parents=True)
    for number in range(FILMS):
        (folder / "films" / f"{number}.dcm").write_bytes(film(f"1.2.{number}", f"P{number}", number))
    (folder / "films" / "cut.dcm").write_bytes(film("1.2.99", "P", 99)[:-40])
    shutil.copy(key_file, folder / "hash.key")
    programs.mkdir()
    command = programs / "plainfilm"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m plainfilm "$@"\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT / "src"), *sys.path]))
    monkeypatch.chdir(folder)
    return folder


def run_script(name: str, *words: str, environment: dict[str, str] | None = None) -> str:
    """Write the recipe to a file of its name, run it, and return its standard output."""
    Path(name).write_text(recipe(name))
    command = ["sh", name, *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def expect_whole(study: Path) -> None:
    """Compare OUT with that of one run; its exit code 1 for the damaged film was no failure for the recipe."""
    run = convert_locally([study / "films"], study / "whole", {"jobs": 1, "key_file": study / "hash.key"})
    assert (run.exit_code, run.converted, run.failed) == (1, FILMS, 1)
    assert tree_of(study / "out") == tree_of(study / "whole")


@pytest.fixture
def slurm_environment(slurm: str, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a SLURM cluster of this test, whose arrays have indexes below 3."""
    assert slurm
    with running_slurm(tmp_path / "slurm", most_in_array=3) as environment:
        yield environment


def test_slurm_arrays_with_an_offset_convert_all_shards_and_the_merge_follows(
    study: Path, slurm_environment: dict[str, str]
) -> None:
    environment = {**slurm_environment, "PATH": os.environ["PATH"], "PYTHONPATH": os.environ["PYTHONPATH"]}
    Path("shards.sh").write_text(recipe("shards.sh"))
    run_script("submit.sh", "5", "3", environment=environment)

    def states() -> list[str]:
        command = ["squeue", "--noheader", "--states=all", "--array", "--format=%j %T"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        return done.stdout.splitlines()

    over = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL"}
    wait_until(lambda: bool(jobs := states()) and all(job.split()[1] in over for job in jobs), "jobs have not ended")
    assert sorted(states()) == ["merge COMPLETED", *["shards.sh COMPLETED"] * 5]
    expect_whole(study)


def test_gnu_parallel_converts_all_shards(study: Path, gnu_parallel: str) -> None:
    assert gnu_parallel
    run_script("parallel.sh")
    expect_whole(study)


@pytest.mark.slow
def test_a_list_of_hosts_converts_all_shards(study: Path, tmp_path: Path) -> None:
    # a host is this machine: ssh would run the same words in a shell of the other one
    ssh = tmp_path / "bin" / "ssh"
    ssh.write_text('#!/bin/sh\necho "$1" >> hosts\nexec sh -c "$2"\n')
    ssh.chmod(0o755)
    run_script("hosts.sh", "node1", "node2")
    assert sorted((study / "hosts").read_text().split()) == ["node1", "node2"]
    expect_whole(study)


def test_the_job_of_kubernetes_fits_the_schema_of_the_api_and_counts_shards_from_1(kubernetes_schemas: Any) -> None:
    yaml = pytest.importorskip("yaml")
    job = yaml.safe_load(recipe("job.yaml"))
    kubernetes_schemas.validate(job, "1.30", strict=True)
    spec = job["spec"]
    assert spec["completionMode"] == "Indexed"
    (container,) = spec["template"]["spec"]["containers"]
    script = container["args"][0]
    words = []
    for index in range(spec["completions"]):
        # the shell itself computes the number of the shard
        printed = "plainfilm() { printf '%s\\n' \"$@\"; return 1; }\n" + script
        environment = {"PATH": os.environ["PATH"], "JOB_COMPLETION_INDEX": str(index)}
        done = subprocess.run(["sh", "-c", printed], env=environment, capture_output=True, text=True, check=True)
        words.append(done.stdout.split())
    shards = [line[line.index("--shard") + 1] for line in words]
    assert shards == [f"{number}/16" for number in range(1, 17)]


@pytest.mark.parametrize("name", ["shards.sh", "parallel.sh", "job.yaml", "Snakefile", "main.nf"])
def test_every_recipe_treats_exit_code_1_as_done(name: str) -> None:
    assert "$? -eq 1 ]" in recipe(name)


def test_the_recipes_for_workflow_engines_count_from_1() -> None:
    assert "range(1, N + 1)" in recipe("Snakefile")
    assert "Channel.of(1..params.n)" in recipe("main.nf")
