# SPDX-License-Identifier: MIT
"""Whatever a worker does, its neighbours' results are there, the reason is the right one, and no process is left."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from plainfilm.errors import Reason, RunError, StorageFullError
from plainfilm.workers import worker_thread as attendant
from plainfilm.workers.messages import Event, Job, JobDone, MemoryGuard, TaskResult, WorkerLost, WorkerSettings
from plainfilm.workers.pool import JOBS_AHEAD, WorkerPool

HERE = str(Path(__file__).resolve().parents[2])
MIB = 1 << 20
NEIGHBOURS = [{"name": f"neighbour {number}"} for number in range(4)]
posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
linux = pytest.mark.skipif(sys.platform != "linux", reason="as Linux does it")


def supervise(payloads: Iterable[object], task: str = "play", **settings: Any) -> WorkerPool:
    told = WorkerSettings(**{"workers": 2, "timeout": 30.0, "extra_path": (HERE,), **settings})
    return WorkerPool(f"tests.support.faulty_tasks:{task}", (Job(payload) for payload in payloads), told)


def events_of(payloads: Iterable[object], task: str = "play", **settings: Any) -> list[Event]:
    with supervise(payloads, task, **settings) as supervisor:
        return list(supervisor.events())


def results(events: Iterable[Event]) -> list[tuple[str, int]]:
    """Names and frames of the outcomes of `play`, sorted."""
    values: list[Any] = [event.value for event in events if isinstance(event, TaskResult)]
    return sorted((name, frame) for name, frame, _ in values)


def losses(events: Iterable[Event]) -> list[WorkerLost]:
    return [event for event in events if isinstance(event, WorkerLost)]


def processes(events: Iterable[Event]) -> list[int]:
    """The process ids of the outcomes of `play`, in the order of their names."""
    values: list[Any] = [event.value for event in events if isinstance(event, TaskResult)]
    return [process for _, _, process in sorted(values)]


def children() -> list[int]:
    """The processes that this one has started and that live."""
    lists = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    return [int(child) for listed in lists for child in listed.read_text().split() if is_running(int(child))]


def is_running(process: int) -> bool:
    """Whether a process lives: one that nobody has waited for yet does not."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def wait_until(condition: Any, seconds: float = 30.0) -> None:
    """Return when the condition holds; fail when it never does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "this never came to be"
        time.sleep(0.02)


DEATHS = {
    "segfault": "SIGSEGV",
    "abort": "SIGABRT",
    "kill itself": "SIGKILL",
    "leave quietly": "exit code 0",
    "leave with 7": "exit code 7",
    "SystemExit": "exit code 5",
    "scribble": "wrote over its own messages",
}


@posix
@pytest.mark.parametrize("fault", DEATHS)
def test_a_death_costs_its_own_instance_after_a_second_attempt(fault: str) -> None:
    faulty = {"name": "faulty", "fault": fault}
    events = events_of([faulty, *NEIGHBOURS])
    assert results(events) == [(part["name"], 0) for part in NEIGHBOURS]
    (lost,) = losses(events)
    assert (lost.payload, lost.frame, lost.reason, lost.attempts) == (faulty, 0, Reason.WORKER_DIED, 2)
    assert DEATHS[fault] in lost.message
    assert Counter(type(event) for event in events)[JobDone] == 5


@posix
@pytest.mark.parametrize("fault", ["sleep", "spin", "hold the interpreter", "match forever"])
def test_a_hang_costs_one_deadline_and_holds_nobody_up(fault: str) -> None:
    events = events_of([{"name": "faulty", "fault": fault}, *NEIGHBOURS], timeout=1.0)
    assert results(events) == [(part["name"], 0) for part in NEIGHBOURS]
    lost = events[-2]
    assert isinstance(lost, WorkerLost), "the neighbours came first"
    assert (lost.frame, lost.reason, lost.attempts) == (0, Reason.TIMEOUT, 1)
    assert "within 1 s" in lost.message


@linux
def test_too_much_memory_costs_its_own_instance_at_once() -> None:
    events = events_of([{"name": "faulty", "fault": "bloat"}, *NEIGHBOURS], memory=256 * MIB)
    assert results(events) == [(part["name"], 0) for part in NEIGHBOURS]
    (lost,) = losses(events)
    assert (lost.frame, lost.reason, lost.attempts) == (0, Reason.MEMORY_LIMIT, 1)
    assert "256 MiB" in lost.message


@linux
def test_a_worker_that_was_refused_memory_is_replaced() -> None:
    payloads = [{"name": "a"}, {"name": "faulty", "fault": "bloat"}, {"name": "z"}]
    assert len(set(processes(events_of(payloads, workers=1, memory=256 * MIB)))) == 2


@posix
def test_too_much_memory_is_seen_from_outside_where_the_system_sets_no_limit() -> None:
    settings = {"memory": 128 * MIB, "guard": MemoryGuard.RESIDENT_SIZE}
    events = events_of([{"name": "faulty", "fault": "bloat and wait"}, *NEIGHBOURS], **settings)
    assert results(events) == [(part["name"], 0) for part in NEIGHBOURS]
    (lost,) = losses(events)
    assert (lost.frame, lost.reason, lost.attempts) == (0, Reason.MEMORY_LIMIT, 1)


def test_nesting_without_end_is_too_deep() -> None:
    (lost,) = losses(events_of([{"name": "faulty", "fault": "recurse"}]))
    assert (lost.frame, lost.reason, lost.attempts) == (0, Reason.TOO_DEEP, 1)


def test_an_exception_is_an_internal_error_and_keeps_its_worker() -> None:
    payloads = [{"name": "a"}, {"name": "faulty", "fault": "raise"}, {"name": "z"}]
    events = events_of(payloads, workers=1)
    assert results(events) == [("a", 0), ("z", 0)]
    assert len(set(processes(events))) == 1
    (lost,) = losses(events)
    assert (lost.frame, lost.reason, lost.attempts) == (0, Reason.INTERNAL_ERROR, 1)
    assert "ValueError: the patient is called faulty" in lost.traceback
    assert "patient" not in lost.message


def test_what_a_worker_prints_disturbs_nothing() -> None:
    assert results(events_of([{"name": "loud", "fault": "print"}])) == [("loud", 0)]


def test_a_death_that_happens_once_costs_nothing(tmp_path: Path) -> None:
    part = {"name": "unlucky", "fault": "segfault", "once": str(tmp_path / "died"), "at": 1, "frames": 3}
    events = events_of([part], workers=1)
    assert results(events) == [("unlucky", 0), ("unlucky", 1), ("unlucky", 2)]
    assert losses(events) == []
    first, second, third = processes(events)
    assert first != second == third


def test_a_death_that_an_earlier_job_has_caused_costs_nothing() -> None:
    payloads = [{"name": "a", "fault": "die later"}, {"name": "b", "fault": "wait", "seconds": 1.0}]
    events = events_of(payloads, workers=1)
    assert results(events) == [("a", 0), ("b", 0)]
    assert losses(events) == []


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("segfault", Reason.WORKER_DIED), ("sleep", Reason.TIMEOUT), ("raise", Reason.INTERNAL_ERROR)],
)
def test_the_frames_after_a_lost_one_are_there(fault: str, reason: Reason) -> None:
    part = {"name": "film", "fault": fault, "at": 2, "frames": 5}
    events = events_of([part], timeout=1.0)
    assert results(events) == [("film", 0), ("film", 1), ("film", 3), ("film", 4)]
    assert [(lost.frame, lost.reason) for lost in losses(events)] == [(2, reason)]


@pytest.mark.parametrize("fault", ["segfault", "sleep", "raise"])
def test_a_loss_at_a_first_look_costs_its_own_frame(fault: str) -> None:
    part = {"name": "film", "fault": fault, "looking": [0, 2], "frames": 4}
    events = events_of([part], timeout=1.0)
    assert [event.frame if isinstance(event, WorkerLost) else event.value[1] for event in events[:-1]] == [0, 1, 2, 3]
    assert [lost.frame for lost in losses(events)] == [0, 2]


@pytest.mark.parametrize("fault", ["segfault", "sleep", "raise"])
def test_a_loss_before_any_frame_is_the_whole_instance(fault: str) -> None:
    part = {"name": "film", "fault": fault, "at": "reading", "frames": 3}
    events = events_of([part], timeout=1.0)
    (lost,) = losses(events)
    assert (lost.payload, lost.frame) == (part, None)
    assert events[-1] == JobDone(part)


@pytest.mark.parametrize("fault", ["leave quietly", "sleep"])
def test_a_loss_between_two_frames_repeats_and_loses_nothing(fault: str, tmp_path: Path) -> None:
    part = {"name": "film", "fault": fault, "at": "between", "once": str(tmp_path / "done"), "frames": 3}
    events = events_of([part], timeout=1.0)
    assert results(events) == [("film", 0), ("film", 1), ("film", 2)]
    assert losses(events) == []


def test_an_instance_that_was_answered_whole_is_neither_lost_nor_done_again() -> None:
    assert events_of(["film"], "answer_whole") == [TaskResult("the whole job"), JobDone("film")]


def test_an_instance_that_loses_frame_after_frame_is_given_up() -> None:
    part = {"name": "film", "fault": "raise", "at": "each frame", "frames": 1_000}
    assert [lost.frame for lost in losses(events_of([part], give_up_after=3))] == [0, 1, None]


def test_each_frame_has_the_whole_time_limit() -> None:
    part = {"name": "film", "fault": "wait", "at": "each frame", "frames": 4, "seconds": 0.6}
    events = events_of([part], timeout=2.0)
    assert len(results(events)) == 4
    assert losses(events) == []


def test_a_task_that_ends_the_run_ends_it() -> None:
    with pytest.raises(StorageFullError, match="no space is left") as caught:
        events_of(range(100), "run_out_of_disk")
    assert caught.value.reason is Reason.STORAGE_FULL


def test_a_payload_that_cannot_be_sent_is_the_callers_error() -> None:
    with pytest.raises(TypeError, match="pickle"):
        events_of([threading.Lock()])


@pytest.mark.parametrize("task", ["no_such_module:task", "tests.support.faulty_tasks:no_such_task"])
def test_a_task_that_is_not_there_ends_the_run(task: str) -> None:
    supervisor = WorkerPool(task, [Job(None)], WorkerSettings(extra_path=(HERE,)))
    with supervisor, pytest.raises(RunError, match=r"cannot load its task: .*no_such_"):
        list(supervisor.events())


@posix
def test_a_worker_that_dies_at_its_start_is_not_started_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "python"
    broken.write_text(f"#!/bin/sh\necho once >> {tmp_path}/starts\nexit 4\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    monkeypatch.setattr(attendant, "PAUSES_BETWEEN_STARTS", (0.0, 0.0))
    with pytest.raises(RunError, match="left with exit code 4 before it was ready"):
        events_of(NEIGHBOURS, workers=1)
    assert (tmp_path / "starts").read_text().split() == ["once"] * 3


@pytest.mark.parametrize("executable", ["/no/such/python", ""])
def test_a_python_that_is_not_there_ends_the_run(executable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", executable)
    monkeypatch.setattr(attendant, "PAUSES_BETWEEN_STARTS", (0.0, 0.0))
    with pytest.raises(RunError, match="no worker process can be started"):
        events_of(NEIGHBOURS, workers=1)


def test_workers_are_recycled_after_so_many_jobs() -> None:
    events = events_of(({"name": f"{number:02}"} for number in range(7)), workers=1, recycle_after=3)
    assert [len(list(same)) for _, same in itertools.groupby(processes(events))] == [3, 3, 1]


@linux
def test_workers_are_recycled_when_they_have_grown() -> None:
    payloads = [{"name": name, "fault": "keep memory"} for name in "abcd"]
    events = events_of(payloads, workers=1, recycle_growth=100 * MIB)
    assert [len(list(same)) for _, same in itertools.groupby(processes(events))] == [2, 2]


def test_no_jobs_are_no_events() -> None:
    assert events_of([]) == []


@linux
def test_no_more_workers_are_started_than_there_are_jobs() -> None:
    with supervise([{"name": "hand"}], workers=16) as supervisor:
        assert len(list(supervisor.events())) == 2
        assert len(children()) == 1


def test_jobs_are_drawn_lazily_and_by_the_consumer() -> None:
    drawn: list[int] = []

    def without_end() -> Iterator[object]:
        for number in itertools.count():
            drawn.append(threading.get_ident())
            yield {"name": f"{number}"}

    with supervise(without_end()) as supervisor:
        taken = list(itertools.islice(supervisor.events(), 50))
    assert len(taken) == 50
    assert set(drawn) == {threading.get_ident()}
    assert len(drawn) < 50 + (JOBS_AHEAD + attendant.EVENTS_AHEAD) * 2 + 2 * 2 + 2, (
        "what waits for the consumer is bounded"
    )


def test_a_slow_listing_holds_no_result_back(tmp_path: Path) -> None:
    events: list[Event] = []

    def listing() -> Iterator[object]:
        yield {"name": "first", "fault": "wait", "seconds": 0.0, "once": str(tmp_path / "begun")}
        wait_until((tmp_path / "begun").exists)
        time.sleep(0.5)
        yield {"name": "second"}
        assert results(events) == [("first", 0)], "what was there is delivered before the next is drawn"

    with supervise(listing()) as supervisor:
        for event in supervisor.events():
            events.append(event)
    assert results(events) == [("first", 0), ("second", 0)]


def test_an_error_of_the_listing_comes_after_what_was_listed() -> None:
    def listing() -> Iterator[object]:
        yield from NEIGHBOURS
        raise PermissionError("a folder")

    events: list[Event] = []
    with supervise(listing()) as supervisor, pytest.raises(PermissionError, match="a folder"):
        events.extend(supervisor.events())
    assert len(results(events)) == len(NEIGHBOURS)


def test_events_need_the_block() -> None:
    with pytest.raises(RuntimeError, match="with"):
        next(supervise(NEIGHBOURS).events())


def test_stop_lets_what_is_in_flight_finish() -> None:
    payloads = ({"name": f"{number:03}", "fault": "wait", "seconds": 0.5} for number in itertools.count())
    events: list[Event] = []
    with supervise(payloads) as supervisor:
        for event in supervisor.events():
            events.append(event)
            supervisor.stop(20.0)
    assert losses(events) == []
    assert 2 <= len(results(events)) <= 4
    assert Counter(type(event) for event in events)[JobDone] == len(results(events))


def test_stop_kills_what_does_not_finish_and_calls_it_unfinished() -> None:
    events: list[Event] = []
    with supervise([{"name": "slow", "fault": "sleep"}, *NEIGHBOURS], timeout=600.0) as supervisor:
        for event in supervisor.events():
            events.append(event)
            if len(results(events)) == len(NEIGHBOURS):
                supervisor.stop(0.2)
    assert len(results(events)) == len(NEIGHBOURS)
    assert losses(events) == []
    assert {"name": "slow", "fault": "sleep"} not in [event.payload for event in events if isinstance(event, JobDone)]


def test_stop_does_not_blame_a_second_attempt_that_it_kills(tmp_path: Path) -> None:
    part = {"name": "faulty", "fault": "die, then hang", "folder": str(tmp_path)}
    with supervise([part], timeout=600.0) as supervisor:

        def stop_when_it_hangs() -> None:
            wait_until((tmp_path / "hangs").exists)
            supervisor.stop(0.0)

        threading.Thread(target=stop_when_it_hangs).start()
        assert list(supervisor.events()) == []


@posix
def test_stop_works_from_a_signal_handler_while_the_consumer_waits() -> None:
    handler = signal.getsignal(signal.SIGALRM)
    with supervise([{"name": "slow", "fault": "sleep"}], timeout=600.0) as supervisor:
        signal.signal(signal.SIGALRM, lambda *_: supervisor.stop(0.1))
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        try:
            assert list(supervisor.events()) == []
        finally:
            signal.signal(signal.SIGALRM, handler)


@linux
@pytest.mark.parametrize("how", ["abandoned", "error", "interrupt"])
def test_no_process_is_left_however_the_block_is_left(how: str) -> None:
    workers: list[int] = []

    def leave() -> None:
        with supervise([{"name": "slow", "fault": "hold the interpreter"}, *NEIGHBOURS]) as supervisor:
            for _ in supervisor.events():
                workers.extend(children())
                if how == "error":
                    raise ZeroDivisionError
                if how == "interrupt":
                    signal.raise_signal(signal.SIGINT)
                break

    expected = {"error": ZeroDivisionError, "interrupt": KeyboardInterrupt}.get(how)
    if expected is None:
        leave()
    else:
        with pytest.raises(expected):
            leave()
    assert workers
    assert children() == []


SCRIPT = """
import sys
from plainfilm.workers.pool import Job, WorkerPool, WorkerSettings
here, folder = sys.argv[1:]
jobs = [Job((folder, fault)) for fault in ("spin", "hold the interpreter", "sleep")]
settings = WorkerSettings(workers=3, extra_path=(here,))
with WorkerPool("tests.support.faulty_tasks:leave_pid", jobs, settings) as supervisor:
    try:
        list(supervisor.events())
    except KeyboardInterrupt:
        sys.exit(130)
"""


@pytest.fixture
def script_and_workers(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], list[int]]]:
    """An unguarded script as a process group of its own, and its three workers' process ids."""
    script, folder = tmp_path / "script.py", tmp_path / "workers"
    script.write_text(SCRIPT)
    folder.mkdir()
    with subprocess.Popen([sys.executable, str(script), HERE, str(folder)], start_new_session=True) as run:
        try:
            wait_until(lambda: len(list(folder.iterdir())) == 3)
            yield run, [int(entry.name) for entry in folder.iterdir()]
        finally:
            run.kill()


def test_no_module_is_taken_from_the_users_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pickle.py").write_text("raise SystemExit('a file among those of the user')")
    monkeypatch.chdir(tmp_path)
    assert results(events_of([{"name": "hand"}])) == [("hand", 0)]


@linux
def test_a_killed_parent_takes_its_workers_along(script_and_workers: tuple[subprocess.Popen[bytes], list[int]]) -> None:
    run, workers = script_and_workers
    run.kill()
    run.wait(30)
    wait_until(lambda: not any(is_running(worker) for worker in workers))


@posix
def test_a_parent_that_was_stopped_for_a_while_blames_nobody(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\n"
        "from plainfilm.workers.messages import Job, TaskResult, WorkerSettings\n"
        "from plainfilm.workers.pool import WorkerPool\n"
        "settings = WorkerSettings(timeout=1.5, extra_path=(sys.argv[1],))\n"
        "job = Job({'name': 'hand', 'fault': 'wait', 'seconds': 2.0, 'once': sys.argv[2]})\n"
        "with WorkerPool('tests.support.faulty_tasks:play', [job], settings) as supervisor:\n"
        "    print([type(event).__name__ for event in supervisor.events()])\n"
    )
    begun = tmp_path / "begun"
    command = [sys.executable, str(script), HERE, str(begun)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        wait_until(begun.exists)
        run.send_signal(signal.SIGSTOP)
        time.sleep(1.4)
        run.send_signal(signal.SIGCONT)
        assert run.communicate(timeout=60)[0] == "['TaskResult', 'JobDone']\n"


@linux
def test_ctrl_c_reaches_the_parent_alone_and_leaves_nobody(
    script_and_workers: tuple[subprocess.Popen[bytes], list[int]],
) -> None:
    run, workers = script_and_workers
    assert run.pid not in [os.getpgid(worker) for worker in workers]
    os.killpg(run.pid, signal.SIGINT)
    assert run.wait(30) == 130
    assert not any(is_running(worker) for worker in workers)
