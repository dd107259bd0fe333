# SPDX-License-Identifier: MIT
"""Listen, and convert what arrives: one run after another over the folder of received instances.

A run resumes the earlier ones, so it converts only what is new. An instance that was acknowledged is in the folder,
whatever happens to this process; the next `plainfilm receive`, or `plainfilm convert` of the folder, converts it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from plainfilm.conversion.conversion import Conversion
from plainfilm.conversion.summary import Run
from plainfilm.errors import OutputLockedError, StorageFullError
from plainfilm.options.options import Options
from plainfilm.output.ownership import check_ownership, make_folder
from plainfilm.receive.listener import Listener
from plainfilm.receive.settings import ListenerSettings
from plainfilm.receive.spool import Spool
from plainfilm.workers.pool import GRACE_SECONDS

QUIET_SECONDS = 1.0
"""A run begins when no instance has arrived for so long, or for as long as the last run took."""
MOST_WAIT_SECONDS = 20.0
"""A run begins after so long in any case."""
RETRY_SECONDS = 30.0
"""The pause after a run that found no space, or another run in OUT."""


class Receiver:
    """Receive into OUT and convert, until `stop`.

    report: gets the lines that people should read. Runs give their summary to `show_run`.
    """

    def __init__(
        self,
        out: Path,
        options: Options,
        settings: ListenerSettings,
        report: Callable[[str], None],
        show_run: Callable[[Run], None],
    ) -> None:
        self._out = out
        self._options = options
        self._settings = settings
        self._report = report
        self._show_run = show_run
        self._stopped = threading.Event()
        self._conversion: Conversion | None = None
        self._last_seconds = 0.0

    def stop(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Accept nothing more, and give the images that are being converted some seconds to end."""
        self._stopped.set()
        if self._conversion is not None:
            self._conversion.stop(grace_seconds)

    def run(self) -> None:
        """Listen and convert. Raises RunError where OUT, the options or the address cannot be used."""
        spool = Spool(self._out, self._settings.most_bytes)
        listener = Listener(spool, self._settings, self._report)
        # OUT is made when nothing else is in the way
        with ExitStack() as stack:
            stack.enter_context(listener.bound())
            make_folder(self._out)
            check_ownership(self._out)
            stack.enter_context(spool.opened())
            stack.enter_context(listener.accepting())
            host, port = listener.address
            self._report(f"listening on {host} port {port} as {self._settings.ae_title}")
            if spool.has_instances():
                spool.arrived.set()
            while self._has_arrivals(spool):
                spool.arrived.clear()
                self._convert(spool)

    def _has_arrivals(self, spool: Spool) -> bool:
        """Wait for instances and then for a pause between them; return False when the receiver is stopped."""
        while not spool.arrived.wait(0.2):
            if self._stopped.is_set():
                return False
        begun = time.monotonic()
        kept, pause = -1, max(QUIET_SECONDS, self._last_seconds)
        while kept != spool.kept and time.monotonic() - begun < max(MOST_WAIT_SECONDS, pause):
            kept = spool.kept
            if self._stopped.wait(pause):
                return False
        return not self._stopped.is_set()

    def _convert(self, spool: Spool) -> None:
        self._conversion = Conversion([spool.received], self._out, self._options)
        if self._stopped.is_set():
            return
        try:
            run = self._conversion.run()
            self._last_seconds = run.seconds
            self._show_run(run)
        except (StorageFullError, OutputLockedError) as error:
            self._report(f"{error.message} (tried again in {RETRY_SECONDS:g} s; instances are still received)")
            spool.arrived.set()
            self._stopped.wait(RETRY_SECONDS)
        finally:
            self._conversion = None
