# SPDX-License-Identifier: MIT
"""Time the Python functions, and print a table of milliseconds of processor time for each image.

python -m benchmarks.api            synthetic radiographs and a multi-frame image
python -m benchmarks.api FILE...    the given files

`worker` is the rendering as a worker of a run does it, without the encoding of the file. `render` reads, decodes and
renders in the process of the caller, each time anew. `open` reads the file once and renders each frame once. `again`
renders a frame that is decoded already, and its record and explanation come with it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time

import cv2

import plainfilm
from benchmarks.workloads import Workload, write_workload
from plainfilm.conversion.isolated import call_in_worker
from plainfilm.options.limits import LimitOptions
from plainfilm.options.options import Options
from plainfilm.rendering.instance_survey import survey_instance
from plainfilm.rendering.opened_instance import open_instance
from plainfilm.rendering.pipeline import plan_frame, render_frame
from plainfilm.sources.file_reader import open_source
from plainfilm.workers.messages import Job, Report, TaskResult

ROUNDS, MOST_FRAMES = 7, 20
WORKLOADS = (
    Workload("film", "explicit", 1, 3000, 2500),
    Workload("small film", "explicit", 1, 512, 512),
    Workload("film jpeg2000", "jpeg2000", 1, 3000, 2500),
    Workload("cine", "explicit", 1, 512, 512, MOST_FRAMES),
)


def time_in_worker(job: Job, report: Callable[[Report], None]) -> bool:
    """Report the milliseconds of an image in a worker. The payload of the job is a path."""
    path = job.payload
    assert isinstance(path, Path)
    report(TaskResult(_time(lambda: render_like_a_run(path))))
    return False


def render_like_a_run(path: Path) -> int:
    """Render all frames of a file as the task of a run does; return their number."""
    with open_source(path) as content:
        opened = open_instance(content, Options())
        frames = range(opened.instance.pixel.number_of_frames)
        survey = survey_instance(opened, frames)
        for frame in frames:
            render_frame(plan_frame(survey, frame))
    return len(frames)


def render_each(path: Path, frames: int) -> int:
    """Render all frames, each with a call of `render`; return their number."""
    for frame in range(1, frames + 1):
        plainfilm.render(path, frame=frame)
    return frames


def open_once(path: Path) -> int:
    """Render all frames of an open image; return their number."""
    with plainfilm.open(path) as image_file:
        for frame in range(1, image_file.frames + 1):
            image_file.render(frame)
        return image_file.frames


def use_again(image_file: plainfilm.ImageFile) -> int:
    """Render, describe and explain the frame that was used last; return 1."""
    image_file.render()
    image_file.record()
    image_file.explain()
    return 1


def _time(call: Callable[[], int]) -> float:
    """Return the median milliseconds of processor time for an image, after one call that is not timed."""
    call()
    times = []
    for _ in range(ROUNDS):
        started = process_time()
        images = call()
        times.append((process_time() - started) * 1e3 / images)
    return median(times)


def row_of(path: Path, name: str) -> str:
    """Return the row of a file."""
    with plainfilm.open(path) as image_file:
        frames = image_file.frames
        again = _time(lambda: use_again(image_file))
    worker = call_in_worker("benchmarks.api:time_in_worker", path, LimitOptions())
    assert isinstance(worker, float)
    render, opened = _time(lambda: render_each(path, frames)), _time(lambda: open_once(path))
    return f"| {name} | {frames} | {worker:.1f} | {render:.1f} | {render / worker:.2f} | {opened:.1f} | {again:.1f} |"


def _workload_files(place: Path) -> Iterator[tuple[Path, str]]:
    for workload in WORKLOADS:
        write_workload(workload, place / workload.films)
        (path,) = (place / workload.films).iterdir()
        yield path, f"{workload.films}, {workload.columns} x {workload.rows}"


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", metavar="FILE", type=Path)
    arguments = parser.parse_args()
    # a worker has one thread
    cv2.setNumThreads(1)
    print("| file | frames | worker, ms | render, ms | render / worker | open, ms | again, ms |")
    print("|---|---|---|---|---|---|---|")
    with TemporaryDirectory() as place:
        files = ((path.absolute(), path.name) for path in arguments.files) if arguments.files else None
        for path, name in files or _workload_files(Path(place)):
            print(row_of(path, name), flush=True)


if __name__ == "__main__":
    main()
