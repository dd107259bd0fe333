# SPDX-License-Identifier: MIT
"""Call a task once in a worker process, so that a native decoder cannot damage the process of the caller."""

from __future__ import annotations

from plainfilm.errors import ConversionError, PlainfilmError, RunError, Stage
from plainfilm.options.limits import LimitOptions
from plainfilm.workers.messages import Job, TaskResult, WorkerLost, WorkerSettings
from plainfilm.workers.pool import WorkerPool


def call_in_worker(task: str, payload: object, limits: LimitOptions) -> object:
    """Run a task, `module:function`, on one payload in a new worker process, and return its result.

    payload, result: values that can be pickled. Raises the PlainfilmError that the task returns as its result,
    ConversionError where the worker dies or exceeds a limit, and RunError where no worker can be started.
    """
    with WorkerPool(task, [Job(payload)], WorkerSettings(1, limits.timeout, limits.memory)) as pool:
        for event in pool.events():
            match event:
                case TaskResult(PlainfilmError() as error):
                    raise error
                case TaskResult(value):
                    return value
                case WorkerLost():
                    raise ConversionError(event.message, reason=event.reason, stage=Stage.RUN)
    raise RunError("the worker returned no result")
