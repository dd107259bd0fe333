# SPDX-License-Identifier: MIT
"""Measure the report of a large run: the time and memory to write it, and the time in which its page opens and scrolls.

python -m benchmarks.report [--images 100000] [--browser /usr/bin/chromium]
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.browser import start_browser, wait_until
from tests.support.reports import SyntheticRows

from plainfilm.output.folder import FolderOutput
from plainfilm.report.report import write_report
from plainfilm.report.report_files import REPORT

SCROLLS = 20


def main() -> None:
    """Write a report and open it; print a line for each measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--browser", default="/usr/bin/chromium")
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        out = Path(folder)
        start, cpu_start = time.perf_counter(), time.process_time()
        write_report(FolderOutput(out), SyntheticRows(arguments.images))
        seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu_start
        print(f"write the report of {arguments.images:,} images: {seconds:.1f} s, {cpu_seconds:.1f} s of the processor")
        print(f"peak memory of the process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
        files = [path for path in out.iterdir() if path.is_file()]
        size = sum(path.stat().st_size for path in files)
        print(f"{len(files)} files, {size / 1e6:.0f} MB, {size / arguments.images:.0f} bytes an image")
        measure_page(out / REPORT, arguments.browser)


def measure_page(report: Path, browser_path: str) -> None:
    """Print how long the page takes to open, and to show the thumbnails after each of 20 jumps through the wall."""
    with start_browser(browser_path) as browser:
        page = browser.new_page(viewport={"width": 1300, "height": 900})
        start = time.perf_counter()
        page.goto(report.as_uri())
        page.wait_for_selector(".tile img[src]")
        print(f"open the page, until the first thumbnails: {time.perf_counter() - start:.2f} s")
        page.locator("#wall-title").scroll_into_view_if_needed()
        waits = []
        for number in range(1, SCROLLS + 1):
            start = time.perf_counter()
            page.evaluate(f"viewport.scrollTop = viewport.scrollHeight * {number} / {SCROLLS + 1}")
            wait_until(page, "[...document.querySelectorAll('.tile img')].every((image) => image.src)")
            waits.append(time.perf_counter() - start)
        print(f"jump and see all thumbnails: {sorted(waits)[SCROLLS // 2]:.3f} s (median), {max(waits):.3f} s (worst)")
        print(f"frames a second while scrolling: {page.evaluate(_FRAME_RATE):.0f}")
        for column in ("mean", "file_name"):
            start = time.perf_counter()
            page.select_option("#filter-sort", column)
            page.wait_for_timeout(150)
            wait_until(page, "[...document.querySelectorAll('.tile img')].every((image) => image.src)")
            print(f"sort by {column} and see all thumbnails: {time.perf_counter() - start:.2f} s")


_FRAME_RATE = """() => new Promise((resolve) => {
  const start = performance.now(); let frames = 0;
  const next = () => {
    viewport.scrollTop += 40; frames += 1;
    const seconds = (performance.now() - start) / 1000;
    if (seconds < 2) requestAnimationFrame(next); else resolve(frames / seconds);
  };
  viewport.scrollTop = 0; next();
})"""


if __name__ == "__main__":
    main()
