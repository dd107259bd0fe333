# SPDX-License-Identifier: MIT
"""Measure plainfilm and its peers on the same files, interleaved, and write docs/benchmarks.md and its chart.

python -m benchmarks.run [--short] [--rounds N] [--peers-python PATH] [--only NAME] [--docs FOLDER]
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks import jobs
from benchmarks.chart import Bar, chart
from benchmarks.films import section
from benchmarks.measure import Measurement, measure
from benchmarks.peers import ONE, PEERS, TWO, Peer, peers_for
from benchmarks.stages import StageTime, stages
from benchmarks.targets import Ratio, targets
from benchmarks.workloads import MissingToolError, Workload, workloads, write_workload

DOCS = Path(__file__).resolve().parent.parent / "docs"
SHORT = ("films explicit", "cine")  # the workloads of --short without --only

Profile = dict[Workload, list[StageTime]]


@dataclass(frozen=True, slots=True)
class Result:
    """The measurements of one program on one workload, one for each round."""

    workload: Workload
    peer: Peer
    rounds: tuple[Measurement, ...]

    @property
    def pictures(self) -> int:
        """The number of images that the program must write."""
        return self.workload.files_of(self.peer.part) * self.workload.frames

    @property
    def problem(self) -> str:
        """Why the times are not valid: a failure, or too few images; '' where they are valid."""
        first_problem = next((measurement.problem for measurement in self.rounds if measurement.problem), "")
        fewest = min(measurement.pictures for measurement in self.rounds)
        return first_problem or (f"{fewest} of {self.pictures} images" if fewest < self.pictures else "")

    @property
    def seconds(self) -> list[float]:
        """Seconds per image, for each round."""
        return [measurement.seconds / self.pictures for measurement in self.rounds]

    def ratio_to(self, base: Result) -> Ratio | None:
        """Return the time relative to `base` in the same round; None where either program failed."""
        if self.problem or base.problem:
            return None
        ratios = [own / other for own, other in zip(self.seconds, base.seconds, strict=False)]
        return Ratio(median(ratios), min(ratios), max(ratios))


def run_workload(workload: Workload, peers: list[Peer], settings: argparse.Namespace, place: Path) -> list[Result]:
    """Measure every program once in each round, so that disturbances of the machine affect all programs.

    A program that failed is not run again.
    """
    source = place / workload.films.replace(" ", "-")
    if not source.exists():  # a workload with fewer files uses the same folder
        write_workload(workload, source)
    measurements: dict[str, list[Measurement]] = {peer.name: [] for peer in peers}
    for _ in range(settings.rounds):
        for peer in peers:
            if any(measurement.problem for measurement in measurements[peer.name]):
                continue
            files = part_of(source, workload.files_of(peer.part))
            command = peer.command(settings.peers_python, files, place / "out", workload.size)
            measurement = measure(command, place / "out", settings.timeout)
            measurements[peer.name].append(measurement)
            print(f"{workload.name}: {peer.name}: {measurement.seconds:.2f} s", file=sys.stderr, flush=True)
    return [Result(workload, peer, tuple(measurements[peer.name])) for peer in peers]


def part_of(source: Path, files: int) -> Path:
    """Return a folder with hard links to the first files of a folder."""
    paths = sorted(source.iterdir())
    if files == len(paths):
        return source
    part = source.with_name(f"{source.name}-{files}")
    part.mkdir(exist_ok=True)
    for path in paths[:files]:
        if not (part / path.name).exists():
            os.link(path, part / path.name)
    return part


def table(results: list[Result]) -> Iterator[str]:
    """Yield the results of one workload as Markdown."""
    workload = results[0].workload
    bases = {result.peer.name: result for result in results if result.peer.name in (ONE, TWO)}
    yield f"## {workload.name[0].upper()}{workload.name[1:]}: {workload.rows} x {workload.columns}\n"
    yield "| program | to 1 job | to 2 jobs | ms per image | spread | images | peak MiB | KiB per image |"
    yield "|---|---|---|---|---|---|---|---|"
    for result in results:
        if result.problem:
            yield f"| {result.peer.name} | failed: {result.problem} | | | | | | |"
            continue
        ratios = (result.ratio_to(bases[name]) for name in (ONE, TWO))
        medians = " | ".join("" if ratio is None else f"{ratio.median:.2f}" for ratio in ratios)
        milliseconds = [1e3 * seconds for seconds in result.seconds]
        spread = f"{min(milliseconds):.1f} to {max(milliseconds):.1f}"
        memory = max(measurement.memory for measurement in result.rounds) / 2**20
        size = result.rounds[0].written / result.rounds[0].pictures / 1024
        counts = f"{result.pictures} | {memory:.0f} | {size:.0f} |"
        yield f"| {result.peer.name} | {medians} | {median(milliseconds):.1f} | {spread} | {counts}"
    yield ""


def document(
    results: list[list[Result]], versions: dict[str, str], profile: Profile, films: list[str], short: bool
) -> str:
    """Return the text of docs/benchmarks.md. films: the sections of `benchmarks.films` and `benchmarks.jobs`."""
    note = "**A short run, which only tests the benchmark: its numbers are not meaningful.**\n\n" if short else ""
    rounds = len(results[0][0].rounds)
    shares = {workload.films: times[-1].milliseconds for workload, times in profile.items()}
    lines = [
        "# Benchmarks\n",
        f"{note}This page is written by `python -m benchmarks.run`. It measures whole commands, with start-up, in",
        f"{rounds} rounds; each round runs all programs. Times are wall times per image, as the median of the",
        "rounds. Ratios are relative to the time of plainfilm in the same round. Slow programs convert only a part of",
        "the files (`images`), so that start-up is up to a tenth of their time. Memory is sampled over the process",
        "tree.",
        "The programs do different work: some stretch, others show the image of a viewer, and only plainfilm writes",
        "tables and checksums, keeps a ledger and waits for the disk. The time of Orthanc is the rendering alone,",
        "without start-up and upload.\n",
        "![Time per image relative to plainfilm](benchmarks.svg)\n",
        f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, Python {platform.python_version()}.\n",
        *targets(_by_workload_and_peer(results), shares.get("films explicit")),
        *(line for workload_results in results for line in table(workload_results)),
        *films,
        "## Stages of one file\n",
        "The stages of the conversion of one file in one process. A floor is the time of a library, or of one pass",
        "over the same bytes, for the same step without anything around it.\n",
        *profile_table(profile),
        "\n## Programs\n",
        "| program | version, or why it was not run | command |",
        "|---|---|---|",
    ]
    for peer in PEERS:
        command = " ".join(peer.command("python", Path("IN"), Path("OUT"), None)).replace("\n", " ").replace("|", "\\|")
        command = command.replace(str(DOCS.parent) + "/", "").replace(sys.executable, "python")
        lines.append(f"| {peer.name} | {versions[peer.name] or 'not installed'} | `{command}` |")
    return "\n".join([*lines, ""])


def _by_workload_and_peer(results: list[list[Result]]) -> dict[str, dict[str, Result]]:
    return {
        workload_results[0].workload.name: {result.peer.name: result for result in workload_results}
        for workload_results in results
    }


def profile_of(place: Path, measured_workloads: list[Workload], short: bool) -> Profile:
    """Measure the stages of one file of each encoding."""
    workload_of = {workload.films: workload for workload in measured_workloads if workload.frames == 1}
    return {
        workload: stages(place / name.replace(" ", "-") / "film00000.dcm", 3 if short else 15)
        for name, workload in workload_of.items()
    }


def profile_table(profile: Profile) -> Iterator[str]:
    """Yield the stages as Markdown, with a column for each encoding."""
    if not profile:
        return
    heads = [f"{workload.syntax} {workload.rows} x {workload.columns}" for workload in profile]
    yield "| | milliseconds | " + " | ".join(heads) + " |"
    yield "|---" * (len(heads) + 2) + "|"
    for row in zip(*profile.values(), strict=True):
        values = " | ".join(f"{time.milliseconds:.2f}" for time in row)
        yield f"| {row[0].kind} | {row[0].step} | {values} |"


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="a few small files, in less than a minute")
    parser.add_argument("--rounds", type=int, help="number of rounds (default: 3; with --short: 1)")
    parser.add_argument("--timeout", type=float, default=1800, help="time limit for one command, in seconds")
    parser.add_argument("--only", default="", metavar="NAME", help="only workloads whose name contains NAME")
    parser.add_argument("--peers-python", default=sys.executable, help="the Python of benchmarks/requirements.txt")
    parser.add_argument("--docs", type=Path, default=DOCS, help="folder for benchmarks.md and benchmarks.svg")
    settings = parser.parse_args()
    settings.rounds = settings.rounds or (1 if settings.short else 3)
    return settings


def main() -> None:
    """Write the workloads, measure all programs, and write the page."""
    settings, results = parse_arguments(), []
    versions = {peer.name: peer.version(settings.peers_python) for peer in PEERS}
    versions |= {peer.name: peer.version(sys.executable) for peer in PEERS if peer.is_plainfilm}
    with tempfile.TemporaryDirectory() as folder:
        for workload in workloads(settings.short):
            if not (settings.only in workload.name if settings.only else not settings.short or workload.name in SHORT):
                continue
            peers = [peer for peer in peers_for(workload.syntax, workload.size) if versions[peer.name]]
            try:
                results.append(run_workload(workload, peers, settings, Path(folder)))
            except MissingToolError as error:
                print(f"{workload.name} is skipped: {error}", flush=True)
                continue
            print("\n".join(table(results[-1])), flush=True)
        profile = profile_of(
            Path(folder), [workload_results[0].workload for workload_results in results], settings.short
        )
    base = next(result for result in results[0] if result.peer.name == TWO)
    ratios = [(result.peer.name, result.ratio_to(base)) for result in results[0]]
    bars = [Bar(name, ratio.median, ratio.smallest, ratio.largest) for name, ratio in ratios if ratio is not None]
    settings.docs.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        arguments = Path(folder), settings.rounds, settings.short, settings.peers_python
        films = [*section(*arguments), *jobs.section(*arguments)]
    page = document(results, versions, profile, films, settings.short)
    (settings.docs / "benchmarks.md").write_text(page, encoding="utf-8")
    title = f"Time per image, {results[0][0].workload.name}, relative to {TWO} (logarithmic)"
    (settings.docs / "benchmarks.svg").write_text(chart(title, bars), encoding="utf-8")


if __name__ == "__main__":
    main()
