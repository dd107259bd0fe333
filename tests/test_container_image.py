# SPDX-License-Identifier: MIT
"""The Containerfile agrees with the files that it copies, with pyproject.toml, and with the Job of docs/clusters.md."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONTAINERFILE = (ROOT / "Containerfile").read_text(encoding="utf-8")


def test_every_file_that_the_image_is_built_from_is_sent_to_the_builder() -> None:
    copies = re.findall(r"^COPY (?!--from)(.*) \S+$", CONTAINERFILE, re.MULTILINE)
    names = {name.rstrip("/") for line in copies for name in line.split()}
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert ignore[0] == "*"
    assert names == {line.removeprefix("!") for line in ignore if line.startswith("!")}
    assert all((ROOT / name).exists() for name in names)


def test_the_image_has_extras_that_exist() -> None:
    (extras,) = re.findall(r"^ARG EXTRAS=(.*)$", CONTAINERFILE, re.MULTILINE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(extras.split(",")) <= set(project["optional-dependencies"])


def test_the_user_of_the_image_is_a_number_and_may_write_to_the_volume_of_the_job() -> None:
    # Kubernetes can check that a user is not root only where it is a number
    (user, group) = re.findall(r"^USER ([0-9]+):([0-9]+)$", CONTAINERFILE, re.MULTILINE)[-1]
    assert user == group != "0"
    job = (ROOT / "docs" / "clusters.md").read_text(encoding="utf-8")
    assert f"securityContext: {{runAsNonRoot: true, fsGroup: {group}}}" in job


def test_the_last_stage_copies_the_installation_and_nothing_else() -> None:
    stage = CONTAINERFILE.split("\nFROM ")[-1]
    assert re.findall(r"^COPY (.*)$", stage, re.MULTILINE) == ["--from=build /opt/plainfilm/ /opt/plainfilm/"]
    assert "gcc" not in stage
    assert "pip" not in stage
