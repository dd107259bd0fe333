# SPDX-License-Identifier: MIT
"""A SLURM cluster of one node on this machine: munged, slurmctld and slurmd with their files in one folder."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

DEADLINE_SECONDS = 120
_CONFIGURATION = """\
ClusterName=plainfilm
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
MinJobAge=3600
MaxArraySize={most_in_array}
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP OverSubscribe=FORCE:2
"""


@contextmanager
def running_slurm(folder: Path, most_in_array: int) -> Iterator[dict[str, str]]:
    """Start the cluster, and yield the environment in which its commands reach it. most_in_array: MaxArraySize."""
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True)
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)
    host = socket.gethostname().partition(".")[0]
    controller_port, node_port = free_ports(2)
    configuration = folder / "slurm.conf"
    configuration.write_text(
        _CONFIGURATION.format(
            host=host,
            folder=folder,
            controller_port=controller_port,
            node_port=node_port,
            most_in_array=most_in_array,
        )
    )
    environment = {**os.environ, "SLURM_CONF": str(configuration)}
    munge = [f"--{name}={folder}/munge.{suffix}" for name, suffix in _MUNGE_FILES.items()]
    with ExitStack() as stack:
        for command in (
            ["munged", "--foreground", "--force", *munge],
            ["slurmctld", "-D", "-f", str(configuration)],
            ["slurmd", "-D", "-f", str(configuration), "-N", host],
        ):
            stack.enter_context(_running(command, environment, folder / f"{command[0]}.err"))
            if command[0] == "munged":
                wait_until((folder / "munge.socket").exists, "munged has no socket")
        wait_until(lambda: _state_of_node(environment) == "idle", f"the node is not idle ({folder})")
        yield environment


_MUNGE_FILES = {
    "socket": "socket",
    "key-file": "key",
    "pid-file": "pid",
    "log-file": "log",
    "seed-file": "seed",
}


def free_ports(number: int) -> list[int]:
    """Ports that no process listens on now; SLURM cannot choose them itself."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for item in sockets:
            item.bind(("127.0.0.1", 0))
        return [item.getsockname()[1] for item in sockets]


def wait_until(is_met: Callable[[], bool], problem: str) -> None:
    """Wait for a condition. Raises TimeoutError with the problem."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not is_met():
        if time.monotonic() > deadline:
            raise TimeoutError(problem)
        time.sleep(0.2)


def _state_of_node(environment: dict[str, str]) -> str:
    command = ["sinfo", "--noheader", "--format=%T"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False).stdout.strip()


@contextmanager
def _running(command: list[str], environment: dict[str, str], errors: Path) -> Iterator[None]:
    with open(errors, "wb") as file:
        process = subprocess.Popen(command, env=environment, stdout=file, stderr=file)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
