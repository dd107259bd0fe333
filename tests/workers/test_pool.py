# SPDX-License-Identifier: MIT
"""A worker that fails costs only its own job: all other results come, the reason is right, and no process remains."""

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
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from tests.support.processes import is_running, running_children, wait_until

from plainfilm.errors import Reason, RunError, StorageFullError
from plainfilm.workers import pool as pool_module
from plainfilm.workers import worker_thread
from plainfilm.workers.forking import can_fork
from plainfilm.workers.messages import Event, Job, JobDone, MemoryGuard, TaskResult, WorkerLost, WorkerSettings
from plainfilm.workers.pool import JOBS_AHEAD, WorkerPool
from plainfilm.workers.spawn import fork_server

pytestmark = pytest.mark.slow

HERE = str(Path(__file__).resolve().parents[2])
MIB = 1 << 20
# The limit of tests whose worker hangs. The other jobs of these tests need milliseconds, and a loaded machine may make
# them wait for a second.
DEADLINE = 3.0
NEIGHBOURS = [{"name": f"neighbour {number}"} for number in range(4)]
posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
linux = pytest.mark.skipif(sys.platform != "linux", reason="as Linux does it")
forked = pytest.mark.skipif(not can_fork(), reason="this system forks no workers")


@pytest.fixture(autouse=True, params=["started", pytest.param("forked", marks=forked)])
def _way_to_start(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers are started each by itself, or forked from a fork server, also where a pool has only one worker."""
    if request.param == "started":
        monkeypatch.setattr(pool_module, "fork_server", lambda _workers, _task, _extra_path: None)
    else:
        monkeypatch.setattr(
            pool_module, "fork_server", lambda workers, task, path: fork_server(max(workers, 2), task, path)
        )


def make_pool(payloads: Iterable[object], task: str = "run_script", **settings: Any) -> WorkerPool:
    worker_settings = WorkerSettings(**{"workers": 2, "timeout": 30.0, "extra_path": (HERE,), **settings})
    return WorkerPool(f"tests.support.faulty_tasks:{task}", (Job(payload) for payload in payloads), worker_settings)


def events_of(payloads: Iterable[object], task: str = "run_script", **settings: Any) -> list[Event]:
    with make_pool(payloads, task, **settings) as pool:
        return list(pool.events())


def results(events: Iterable[Event]) -> list[tuple[str, int]]:
    """Return the names and frames of the results of `run_script`, sorted."""
    values: list[Any] = [event.value for event in events if isinstance(event, TaskResult)]
    return sorted((name, frame) for name, frame, _ in values)


def losses(events: Iterable[Event]) -> list[WorkerLost]:
    return [event for event in events if isinstance(event, WorkerLost)]


def processes(events: Iterable[Event]) -> list[int]:
    """Return the process ids of the results of `run_script`, in the order of their names."""
    values: list[Any] = [event.value for event in events if isinstance(event, TaskResult)]
    return [process for _, _, process in sorted(values)]


DEATHS = {
    "segfault": "SIGSEGV",
    "abort": "SIGABRT",
    "kill itself": "SIGKILL",
    "exit with 0": "exit code 0",
    "exit with 7": "exit code 7",
    "SystemExit": "exit code 5",
    "write garbage": "wrote something else between its messages",
}


@posix
@pytest.mark.parametrize("fault", DEATHS)
def test_a_death_fails_its_own_instance_after_a_second_attempt(fault: str) -> None:
    faulty = {"name": "faulty", "fault": fault}
    events = events_of([faulty, *NEIGHBOURS])
    assert results(events) == [(script["name"], 0) for script in NEIGHBOURS]
    (lost,) = losses(events)
    assert (lost.payload, lost.frame, lost.reason, lost.attempts) == (faulty, 0, Reason.WORKER_DIED, 2)
    assert DEATHS[fault] in lost.message
    assert Counter(type(event) for event in events)[JobDone] == 5


def test_the_rest_of_a_job_after_an_exception_loses_and_repeats_no_job_that_was_sent_ahead() -> None:
    scripts: list[dict[str, Any]] = [{"name": f"{number:02}"} for number in range(30)]
    scripts[15] |= {"frames": 4, "fault": "raise", "at": 1}
    events = events_of(scripts, workers=1)
    expected = [(str(script["name"]), frame) for script in scripts for frame in range(script.get("frames", 1))]
    expected.remove(("15", 1))
    assert results(events) == expected
    assert [lost.frame for lost in losses(events)] == [1]
    done = [event.payload for event in events if isinstance(event, JobDone)]
    assert done == scripts


@posix
def test_a_death_loses_and_repeats_no_job_that_was_sent_ahead() -> None:
    before, after = ([{"name": f"{part} {number}"} for number in range(6)] for part in ("before", "after"))
    events = events_of([*before, {"name": "faulty", "fault": "segfault"}, *after], workers=1)
    assert results(events) == [(script["name"], 0) for script in [*after, *before]]
    (lost,) = losses(events)
    assert (lost.reason, lost.attempts) == (Reason.WORKER_DIED, 2)


@posix
@pytest.mark.parametrize("fault", ["sleep", "spin", "hold the interpreter", "match forever"])
def test_a_hang_costs_its_own_instance_after_one_deadline(fault: str) -> None:
    events = events_of([{"name": "faulty", "fault": fault}, *NEIGHBOURS], timeout=DEADLINE)
    assert results(events) == [(script["name"], 0) for script in NEIGHBOURS]
    lost = events[-2]
    assert isinstance(lost, WorkerLost), "the neighbours came first"
    assert (lost.frame, lost.reason, lost.attempts) == (0, Reason.TIMEOUT, 1)
    assert "within 3 s" in lost.message


@linux
def test_too_much_memory_fails_its_own_instance_at_once() -> None:
    events = events_of([{"name": "faulty", "fault": "bloat"}, *NEIGHBOURS], memory=256 * MIB)
    assert results(events) == [(script["name"], 0) for script in NEIGHBOURS]
    (lost,) = losses(events)
    assert (lost.frame, lost.reason, lost.attempts) == (0, Reason.MEMORY_LIMIT, 1)
    assert "256 MiB" in lost.message


@linux
def test_a_worker_that_was_refused_memory_is_replaced() -> None:
    payloads = [{"name": "a"}, {"name": "b"}, {"name": "faulty", "fault": "bloat"}, {"name": "y"}, {"name": "z"}]
    first, second, third, fourth = processes(events_of(payloads, workers=1, memory=256 * MIB))
    assert first == second != third == fourth


@posix
def test_the_parent_enforces_the_memory_limit_if_the_system_does_not() -> None:
    settings = {"memory": 128 * MIB, "memory_guard": MemoryGuard.RESIDENT_SIZE}
    events = events_of([{"name": "faulty", "fault": "bloat and wait"}, *NEIGHBOURS], **settings)
    assert results(events) == [(script["name"], 0) for script in NEIGHBOURS]
    (lost,) = losses(events)
    assert (lost.frame, lost.reason, lost.attempts) == (0, Reason.MEMORY_LIMIT, 1)


def test_infinite_recursion_is_too_deep() -> None:
    (lost,) = losses(events_of([{"name": "faulty", "fault": "recurse"}]))
    assert (lost.frame, lost.reason, lost.attempts) == (0, Reason.TOO_DEEP, 1)


def test_an_exception_is_an_internal_error_and_keeps_its_worker() -> None:
    # after a slow job no other one is sent ahead
    slow = {"name": "a", "fault": "wait", "seconds": 2 * worker_thread.FAST_JOB_SECONDS}
    events = events_of([slow, {"name": "faulty", "fault": "raise"}, {"name": "z"}], workers=1)
    assert results(events) == [("a", 0), ("z", 0)]
    assert len(set(processes(events))) == 1
    (lost,) = losses(events)
    assert (lost.frame, lost.reason, lost.attempts) == (0, Reason.INTERNAL_ERROR, 1)
    assert "ValueError: the patient is called faulty" in lost.traceback
    assert "patient" not in lost.message


def test_the_output_of_a_worker_disturbs_no_message() -> None:
    assert results(events_of([{"name": "loud", "fault": "print"}])) == [("loud", 0)]


def test_a_death_that_happens_once_loses_nothing(tmp_path: Path) -> None:
    script = {"name": "unlucky", "fault": "segfault", "once": str(tmp_path / "died"), "at": 1, "frames": 3}
    events = events_of([script], workers=1)
    assert results(events) == [("unlucky", 0), ("unlucky", 1), ("unlucky", 2)]
    assert losses(events) == []
    first, second, third = processes(events)
    assert first != second == third


def test_a_death_caused_by_an_earlier_job_loses_nothing() -> None:
    payloads = [{"name": "a", "fault": "die later"}, {"name": "b", "fault": "wait", "seconds": 1.0}]
    events = events_of(payloads, workers=1)
    assert results(events) == [("a", 0), ("b", 0)]
    assert losses(events) == []


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("segfault", Reason.WORKER_DIED), ("sleep", Reason.TIMEOUT), ("raise", Reason.INTERNAL_ERROR)],
)
def test_the_frames_after_a_lost_frame_have_results(fault: str, reason: Reason) -> None:
    script = {"name": "film", "fault": fault, "at": 2, "frames": 5}
    events = events_of([script], timeout=DEADLINE)
    assert results(events) == [("film", 0), ("film", 1), ("film", 3), ("film", 4)]
    assert [(lost.frame, lost.reason) for lost in losses(events)] == [(2, reason)]


@pytest.mark.parametrize("fault", ["segfault", "sleep", "raise"])
def test_a_loss_in_the_survey_costs_its_own_frame(fault: str) -> None:
    script = {"name": "film", "fault": fault, "survey_faults": [0, 2], "frames": 4}
    events = events_of([script], timeout=DEADLINE)
    assert [event.frame if isinstance(event, WorkerLost) else event.value[1] for event in events[:-1]] == [0, 1, 2, 3]
    assert [lost.frame for lost in losses(events)] == [0, 2]


@pytest.mark.parametrize("fault", ["segfault", "sleep", "raise"])
def test_a_loss_before_any_frame_is_the_whole_instance(fault: str) -> None:
    script = {"name": "film", "fault": fault, "at": "reading", "frames": 3}
    events = events_of([script], timeout=DEADLINE)
    (lost,) = losses(events)
    assert (lost.payload, lost.frame) == (script, None)
    assert events[-1] == JobDone(script)


@pytest.mark.parametrize("fault", ["exit with 0", "sleep"])
def test_a_loss_between_two_frames_repeats_and_loses_nothing(fault: str, tmp_path: Path) -> None:
    script = {"name": "film", "fault": fault, "at": "between", "once": str(tmp_path / "done"), "frames": 3}
    events = events_of([script], timeout=DEADLINE)
    assert results(events) == [("film", 0), ("film", 1), ("film", 2)]
    assert losses(events) == []


def test_an_instance_with_a_result_of_the_whole_job_is_neither_lost_nor_done_again() -> None:
    assert events_of(["film"], "report_whole_job") == [TaskResult("the whole job"), JobDone("film")]


def test_an_instance_that_loses_many_frames_in_a_row_ends() -> None:
    script = {"name": "film", "fault": "raise", "at": "each frame", "frames": 1_000}
    assert [lost.frame for lost in losses(events_of([script], give_up_after=3))] == [0, 1, None]


def test_each_frame_has_the_whole_time_limit() -> None:
    script = {"name": "film", "fault": "wait", "at": "each frame", "frames": 5, "seconds": 0.8}
    events = events_of([script], timeout=DEADLINE)
    assert len(results(events)) == 5
    assert losses(events) == []


def test_a_task_that_ends_the_run_ends_it() -> None:
    with pytest.raises(StorageFullError, match="no space is left") as caught:
        events_of(range(100), "run_out_of_disk")
    assert caught.value.reason is Reason.STORAGE_FULL


def test_a_payload_that_cannot_be_sent_is_the_callers_error() -> None:
    with pytest.raises(TypeError, match="pickle"):
        events_of([threading.Lock()])


@pytest.mark.parametrize("task", ["no_such_module:task", "tests.support.faulty_tasks:no_such_task"])
def test_a_task_that_does_not_exist_ends_the_run(task: str) -> None:
    pool = WorkerPool(task, [Job(None)], WorkerSettings(extra_path=(HERE,)))
    with pool, pytest.raises(RunError, match=r"cannot load its task: .*no_such_"):
        list(pool.events())


@posix
def test_a_worker_that_dies_at_its_start_is_not_restarted_forever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    broken = tmp_path / "python"
    broken.write_text(f"#!/bin/sh\necho once >> {tmp_path}/starts\nexit 4\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    monkeypatch.setattr(worker_thread, "PAUSES_BETWEEN_STARTS", (0.0, 0.0))
    with pytest.raises(RunError, match="ended with exit code 4 before it was ready"):
        events_of(NEIGHBOURS, workers=1)
    starts = 4 if "forked" in request.node.name else 3  # the fork server is started once
    assert (tmp_path / "starts").read_text().split() == ["once"] * starts


@pytest.mark.parametrize("executable", ["/no/such/python", ""])
def test_a_python_that_does_not_exist_ends_the_run(executable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", executable)
    monkeypatch.setattr(worker_thread, "PAUSES_BETWEEN_STARTS", (0.0, 0.0))
    with pytest.raises(RunError, match="no worker process can be started"):
        events_of(NEIGHBOURS, workers=1)


def test_workers_are_recycled_after_so_many_jobs() -> None:
    events = events_of(({"name": f"{number:02}"} for number in range(7)), workers=1, recycle_after=3)
    assert [len(list(same)) for _, same in itertools.groupby(processes(events))] == [3, 3, 1]


@linux
def test_workers_are_recycled_when_they_have_grown() -> None:
    payloads = [{"name": name, "fault": "leak memory"} for name in "abcd"]
    events = events_of(payloads, workers=1, recycle_growth=100 * MIB)
    assert [len(list(same)) for _, same in itertools.groupby(processes(events))] == [2, 2]


def test_no_jobs_give_no_events() -> None:
    assert events_of([]) == []


@linux
def test_no_more_workers_are_started_than_there_are_jobs() -> None:
    before = running_children()
    with make_pool([{"name": "hand"}], workers=16) as pool:
        assert len(list(pool.events())) == 2
        assert len(running_children() - before) == 1


def test_jobs_are_drawn_lazily_and_by_the_consumer() -> None:
    drawn: list[int] = []

    def without_end() -> Iterator[object]:
        for number in itertools.count():
            drawn.append(threading.get_ident())
            yield {"name": f"{number}"}

    with make_pool(without_end()) as pool:
        events = list(itertools.islice(pool.events(), 50))
    assert len(events) == 50
    assert set(drawn) == {threading.get_ident()}
    assert len(drawn) < 50 + (JOBS_AHEAD + worker_thread.BATCHES_AHEAD) * 2 + 2 * 2 + 2, (
        "what waits for the consumer is bounded"
    )


def test_a_slow_listing_delays_no_result(tmp_path: Path) -> None:
    events: list[Event] = []

    def listing() -> Iterator[object]:
        yield {"name": "first", "fault": "wait", "seconds": 0.0, "once": str(tmp_path / "begun")}
        wait_until((tmp_path / "begun").exists)
        time.sleep(0.5)
        yield {"name": "second"}
        assert results(events) == [("first", 0)], "what was there is delivered before the next is drawn"

    with make_pool(listing()) as pool:
        for event in pool.events():
            events.append(event)
    assert results(events) == [("first", 0), ("second", 0)]


def test_an_error_of_the_listing_comes_after_what_was_listed() -> None:
    def listing() -> Iterator[object]:
        yield from NEIGHBOURS
        raise PermissionError("a folder")

    events: list[Event] = []
    with make_pool(listing()) as pool, pytest.raises(PermissionError, match="a folder"):
        events.extend(pool.events())
    assert len(results(events)) == len(NEIGHBOURS)


def test_events_are_available_only_within_the_block() -> None:
    with pytest.raises(RuntimeError, match="with"):
        next(make_pool(NEIGHBOURS).events())


def test_stop_lets_the_jobs_in_flight_finish(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    slow = {"name": "slow", "fault": "wait", "seconds": 1.0, "once": str(begun)}
    more = ({"name": f"{number:03}"} for number in itertools.count())
    events: list[Event] = []
    with make_pool(itertools.chain([slow], more)) as pool:
        for event in pool.events():
            events.append(event)
            if begun.exists():
                pool.stop(60.0)
    assert losses(events) == []
    assert ("slow", 0) in results(events)
    assert Counter(type(event) for event in events)[JobDone] == len(results(events))


def test_stop_kills_the_jobs_that_do_not_finish_in_time() -> None:
    events: list[Event] = []
    with make_pool([{"name": "slow", "fault": "sleep"}, *NEIGHBOURS], timeout=600.0) as pool:
        for event in pool.events():
            events.append(event)
            if len(results(events)) == len(NEIGHBOURS):
                pool.stop(0.2)
    assert len(results(events)) == len(NEIGHBOURS)
    assert losses(events) == []
    assert {"name": "slow", "fault": "sleep"} not in [event.payload for event in events if isinstance(event, JobDone)]


def test_stop_does_not_count_a_killed_second_attempt_as_a_failure(tmp_path: Path) -> None:
    script = {"name": "faulty", "fault": "die, then hang", "folder": str(tmp_path)}
    with make_pool([script], timeout=600.0) as pool:

        def stop_when_it_hangs() -> None:
            wait_until((tmp_path / "hangs").exists)
            pool.stop(0.0)

        threading.Thread(target=stop_when_it_hangs).start()
        assert list(pool.events()) == []


@posix
def test_stop_works_from_a_signal_handler_while_the_consumer_waits() -> None:
    handler = signal.getsignal(signal.SIGALRM)
    with make_pool([{"name": "slow", "fault": "sleep"}], timeout=600.0) as pool:
        signal.signal(signal.SIGALRM, lambda *_: pool.stop(0.1))
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        try:
            assert list(pool.events()) == []
        finally:
            signal.signal(signal.SIGALRM, handler)


@linux
@pytest.mark.parametrize("how", ["abandoned", "error", "interrupt"])
def test_no_process_remains_however_the_block_ends(how: str) -> None:
    before = running_children()
    workers: set[int] = set()
    # A process in the background inherits that SIGINT is ignored.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)

    def leave() -> None:
        with make_pool([{"name": "slow", "fault": "hold the interpreter"}, *NEIGHBOURS]) as pool:
            for _ in pool.events():
                workers.update(running_children() - before)
                if how == "error":
                    raise ZeroDivisionError
                if how == "interrupt":
                    signal.raise_signal(signal.SIGINT)
                break

    expected = {"error": ZeroDivisionError, "interrupt": KeyboardInterrupt}.get(how)
    try:
        with nullcontext() if expected is None else pytest.raises(expected):
            leave()
    finally:
        signal.signal(signal.SIGINT, handler)
    assert workers
    assert running_children() <= before


SCRIPT = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a process in the background inherits that it is ignored
from plainfilm.workers.pool import Job, WorkerPool, WorkerSettings
here, folder = sys.argv[1:]
jobs = [Job((folder, fault)) for fault in ("spin", "hold the interpreter", "sleep")]
settings = WorkerSettings(workers=3, extra_path=(here,))
with WorkerPool("tests.support.faulty_tasks:write_pid", jobs, settings) as pool:
    try:
        list(pool.events())
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


def test_no_module_is_imported_from_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pickle.py").write_text("raise SystemExit('a file among those of the user')")
    monkeypatch.chdir(tmp_path)
    assert results(events_of([{"name": "hand"}])) == [("hand", 0)]


@linux
def test_workers_end_when_their_parent_is_killed(script_and_workers: tuple[subprocess.Popen[bytes], list[int]]) -> None:
    run, workers = script_and_workers
    run.kill()
    run.wait(60)
    wait_until(lambda: not any(is_running(worker) for worker in workers))


@posix
def test_a_parent_that_was_suspended_causes_no_timeout(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\n"
        "from plainfilm.workers.messages import Job, TaskResult, WorkerSettings\n"
        "from plainfilm.workers.pool import WorkerPool\n"
        "settings = WorkerSettings(timeout=4, extra_path=(sys.argv[1],))\n"
        "job = Job({'name': 'hand', 'fault': 'wait', 'seconds': 5.0, 'once': sys.argv[2]})\n"
        "with WorkerPool('tests.support.faulty_tasks:run_script', [job], settings) as pool:\n"
        "    print([type(event).__name__ for event in pool.events()])\n"
    )
    begun = tmp_path / "begun"
    command = [sys.executable, str(script), HERE, str(begun)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        wait_until(begun.exists)
        run.send_signal(signal.SIGSTOP)
        time.sleep(3.0)
        run.send_signal(signal.SIGCONT)
        assert run.communicate(timeout=60)[0] == "['TaskResult', 'JobDone']\n"


@linux
def test_ctrl_c_reaches_the_parent_only_and_no_process_remains(
    script_and_workers: tuple[subprocess.Popen[bytes], list[int]],
) -> None:
    run, workers = script_and_workers
    assert run.pid not in [os.getpgid(worker) for worker in workers]
    os.killpg(run.pid, signal.SIGINT)
    assert run.wait(60) == 130
    assert not any(is_running(worker) for worker in workers)


def test_a_task_may_ask_for_a_new_process_before_the_next_job() -> None:
    scripts = [{"name": f"{number}", "needs_new_process": number % 2 == 1} for number in range(6)]
    events = events_of(scripts, workers=1)
    processes = [event.value[2] for event in events if isinstance(event, TaskResult)]
    assert processes[0] == processes[1] != processes[2] == processes[3] != processes[4] == processes[5]
    assert len(set(processes)) == 3
