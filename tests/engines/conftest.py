# SPDX-License-Identifier: MIT
"""Sources for the conformance suite of the engines, and hosts of their own for the workers of a cluster.

What shards could disagree about is in the sources.
"""

from __future__ import annotations

import os
import subprocess
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.support.dask_cluster import NetworkHosts, hidden_from_worker, running_cluster
from tests.support.engine_runs import DaskHosts, film
from tests.support.s3_server import S3Server, running_proxy


@pytest.fixture
def sources(tmp_path: Path) -> Sequence[Path]:
    """Two folders of one base name, and an archive: copies, equal UIDs, names that collide, and damaged files."""
    first, second = tmp_path / "one" / "films", tmp_path / "two" / "films"
    for folder in (first / "a", first / "b", second):
        folder.mkdir(parents=True)
    for number in range(8):
        (first / "a" / f"{number}.dcm").write_bytes(film(f"1.2.{number}", f"P{number}", number))
    (first / "a" / "x.dcm").write_bytes(film("1.2.100", "P1", 100))
    (first / "a" / "x").write_bytes(film("1.2.101", "P2", 101))
    (first / "b" / "copy.dcm").write_bytes(film("1.2.0", "P0", 0))
    (first / "b" / "same uid.dcm").write_bytes(film("1.2.1", "P7", 200))
    # patients P3 and P4 share an image
    (first / "b" / "shared.dcm").write_bytes(film("1.2.201", "P4", 3))
    (first / "b" / "frames.dcm").write_bytes(film("1.2.202", "P5", 202, frames=3, content="gradient"))
    (first / "b" / "cut.dcm").write_bytes(film("1.2.203", "P5", 203)[:-40])
    (first / "overlay.dcm").write_bytes(film("1.2.204", "P6", 204, has_overlay=True))
    (first / "notes.txt").write_text("no film")
    for number in range(3):
        (second / f"{number}.dcm").write_bytes(film(f"1.3.{number}", f"Q{number}", 300 + number))
    with zipfile.ZipFile(tmp_path / "disk.zip", "w") as archive:
        for number in range(4):
            archive.writestr(f"m/{number}.dcm", film(f"1.4.{number}", f"R{number}", 400 + number))
    return first, second, tmp_path / "disk.zip"


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """The key of all runs of a test."""
    path = tmp_path / "key"
    path.write_bytes(b"a secret of thirty-two bytes, so.")
    return path


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """A label file by PatientID, without a row for R3."""
    path = tmp_path / "labels.csv"
    patients = [*(f"P{number}" for number in range(8)), "Q0", "Q1", "Q2", "R0", "R1", "R2"]
    rows = "".join(f"{patient},{'sick' if number % 3 else 'well'}\n" for number, patient in enumerate(patients))
    path.write_text(f"PatientID,state\n{rows}")
    return path


@pytest.fixture(scope="session")
def network_hosts() -> Iterator[NetworkHosts]:
    """Two network namespaces. Their addresses depend on the process: several may run these tests."""
    number = os.getpid()
    network, bridge = f"10.{193 + number % 50}.{number // 50 % 250}", f"pf{number}"
    names = tuple(f"{bridge}{letter}" for letter in "ab")
    commands = [
        f"ip link add {bridge} type bridge",
        f"ip addr add {network}.1/24 dev {bridge}",
        f"ip link set {bridge} up",
    ]
    for position, name in enumerate(names, 2):
        link = f"{name}v"
        commands += [
            f"ip netns add {name}",
            f"ip link add {link} type veth peer name eth0 netns {name}",
            f"ip link set {link} master {bridge} up",
            f"ip -n {name} addr add {network}.{position}/24 dev eth0",
            f"ip -n {name} link set eth0 up",
            f"ip -n {name} link set lo up",
        ]
    try:
        for command in commands:
            subprocess.run(command.split(), check=True, capture_output=True)
        yield NetworkHosts(names, f"{network}.1")
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
        subprocess.run(["ip", "link", "del", bridge], check=False, capture_output=True)


@pytest.fixture(scope="session")
def dask_hosts(
    dask: None,  # noqa: ARG001
    network_hosts: NetworkHosts,
    s3_process: S3Server,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[DaskHosts]:
    """A Dask cluster with a worker on each of two hosts, which have homes of their own and reach the bucket."""
    folder = tmp_path_factory.mktemp("dask")
    hidden = folder / "hidden"
    hidden.mkdir()
    with ExitStack() as stack:
        proxy = stack.enter_context(running_proxy(s3_process.server_port, network_hosts.address))
        cluster = stack.enter_context(running_cluster(folder / "cluster", network_hosts.address))
        cluster.prefix = hidden_from_worker(hidden)
        cluster.environment = {"HOME": str(folder / "home"), "XDG_STATE_HOME": "", **proxy.environment}
        for name in network_hosts.names:
            cluster.add_worker("--nanny", prefix=["ip", "netns", "exec", name])
        yield DaskHosts(cluster, hidden)
