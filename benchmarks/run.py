# SPDX-License-Identifier: MIT
"""plainfilm and its peers on the same films, in one run, interleaved -> docs/benchmarks.md and its chart.

python -m benchmarks.run [--short] [--rounds N] [--peers-python PATH] [--only WORK] [--docs FOLDER]
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

from benchmarks.chart import chart
from benchmarks.films import MissingToolError, Workload, make, workloads
from benchmarks.measure import Measured, measure
from benchmarks.peers import ONE, PEERS, TWO, Peer, peers_for
from benchmarks.stages import Row, stages
from benchmarks.targets import Ratio, targets

DOCS = Path(__file__).resolve().parent.parent / "docs"
SHORT = ("films explicit", "cine")  # what --short runs where --only names nothing


Profile = dict[Workload, list[Row]]


@dataclass(frozen=True, slots=True)
class Result:
    """All rounds of one peer on one work."""

    work: Workload
    peer: Peer
    rounds: tuple[Measured, ...]

    @property
    def pictures(self) -> int:
        """How many pictures it has to make."""
        return self.work.files_of(self.peer.part) * self.work.frames

    @property
    def problem(self) -> str:
        """Why these times count for nothing: a failure, or fewer pictures than there are."""
        first = next((one.problem for one in self.rounds if one.problem), "")
        fewest = min(one.pictures for one in self.rounds)
        return first or (f"{fewest} of {self.pictures} pictures" if fewest < self.pictures else "")

    @property
    def seconds(self) -> list[float]:
        """Seconds a picture, of each round."""
        return [one.seconds / self.pictures for one in self.rounds]

    def ratio_to(self, base: Result) -> Ratio | None:
        """Its time over that of another in the same round: median, smallest, largest; None where either failed."""
        if self.problem or base.problem:
            return None
        found = [own / other for own, other in zip(self.seconds, base.seconds, strict=False)]
        return median(found), min(found), max(found)


def run_workload(work: Workload, peers: list[Peer], settings: argparse.Namespace, place: Path) -> list[Result]:
    """Every peer in turn, round after round, so that what disturbs the machine disturbs all. A failed one drops out."""
    source = place / work.films.replace(" ", "-")
    if not source.exists():  # those of a work with fewer films are among them
        make(work, source)
    taken: dict[str, list[Measured]] = {peer.name: [] for peer in peers}
    for _ in range(settings.rounds):
        for peer in peers:
            if not any(one.problem for one in taken[peer.name]):
                films = part_of(source, work.files_of(peer.part))
                command = peer.command(settings.peers_python, films, place / "out", work.size)
                taken[peer.name].append(measure(command, place / "out", settings.timeout))
                print(f"{work.name}: {peer.name}: {taken[peer.name][-1].seconds:.2f} s", file=sys.stderr, flush=True)
    return [Result(work, peer, tuple(taken[peer.name])) for peer in peers]


def part_of(source: Path, files: int) -> Path:
    """The folder of the first films, made of links to the same bytes."""
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
    """One work's results as Markdown."""
    work = results[0].work
    bases = {result.peer.name: result for result in results if result.peer.name in (ONE, TWO)}
    yield f"## {work.name[0].upper()}{work.name[1:]}: {work.rows} x {work.columns}\n"
    yield "| program | to 1 job | to 2 jobs | ms a picture | spread | pictures | peak MiB | KiB a picture |"
    yield "|---|---|---|---|---|---|---|---|"
    for result in results:
        if result.problem:
            yield f"| {result.peer.name} | did not do it: {result.problem} | | | | | | |"
            continue
        ratios = (result.ratio_to(bases[name]) for name in (ONE, TWO))
        middles = " | ".join("" if ratio is None else f"{ratio[0]:.2f}" for ratio in ratios)
        seconds = [1e3 * one for one in result.seconds]
        spread = f"{min(seconds):.1f} to {max(seconds):.1f}"
        memory = max(one.memory for one in result.rounds) / 2**20
        size = result.rounds[0].written / result.rounds[0].pictures / 1024
        counts = f"{result.pictures} | {memory:.0f} | {size:.0f} |"
        yield f"| {result.peer.name} | {middles} | {median(seconds):.1f} | {spread} | {counts}"
    yield ""


def document(results: list[list[Result]], versions: dict[str, str], profile: Profile, short: bool) -> str:
    """The page of docs/."""
    note = "**A short run: it shows that the harness workloads; its figures mean nothing.**\n\n" if short else ""
    rounds = len(results[0][0].rounds)
    share = next((rows[-1][2] for work, rows in profile.items() if work.films == "films explicit"), None)
    lines = [
        "# Benchmarks\n",
        f"{note}Made by `python -m benchmarks.run`: whole commands, start-up included; {rounds} rounds, in each all",
        "in turn. Times are a picture's: wall time over pictures, median of the rounds. Ratios are to plainfilm's time",
        "in the same round. Slow programs are given a part of the films (`pictures`), which leaves their own start a",
        "share of up to a tenth. Memory is of the whole process tree, sampled. Programs differ in what they do: some",
        "stretch, others show the viewer's picture, and only plainfilm writes tables and checksums, keeps a ledger and",
        "waits for the disk. Orthanc's time is that of rendering alone, without start and upload.\n",
        "![Time of a picture, to plainfilm's](benchmarks.svg)\n",
        f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, Python {platform.python_version()}.\n",
        *targets({many[0].work.name: {one.peer.name: one for one in many} for many in results}, share),
        *(line for many in results for line in table(many)),
        "## Where the time of one film goes\n",
        "Of one film, in one process. A floor is what a library, or one plain pass over the same bytes, takes for a",
        "work when nothing is done around it.\n",
        *profile_table(profile),
        "\n## Programs\n",
        "| program | version, or why it did not run | command |",
        "|---|---|---|",
    ]
    for peer in PEERS:
        command = " ".join(peer.command("python", Path("IN"), Path("OUT"), None)).replace("\n", " ").replace("|", "\\|")
        command = command.replace(str(DOCS.parent) + "/", "").replace(sys.executable, "python")
        lines.append(f"| {peer.name} | {versions[peer.name] or 'not installed'} | `{command}` |")
    return "\n".join([*lines, ""])


def profile_of(place: Path, workloads_done: list[Workload], short: bool) -> Profile:
    """The stages of one film of each encoding."""
    films = {work.films: work for work in workloads_done if work.frames == 1}
    return {
        work: stages(place / name.replace(" ", "-") / "film00000.dcm", 3 if short else 15)
        for name, work in films.items()
    }


def profile_table(profile: Profile) -> Iterator[str]:
    """The stages as Markdown, a column for each encoding."""
    if not profile:
        return
    heads = [f"{work.syntax} {work.rows} x {work.columns}" for work in profile]
    yield "| | milliseconds | " + " | ".join(heads) + " |"
    yield "|---" * (len(heads) + 2) + "|"
    for row in zip(*profile.values(), strict=True):
        yield f"| {row[0][0]} | {row[0][1]} | " + " | ".join(f"{value:.2f}" for _, _, value in row) + " |"


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="a few small films: under a minute")
    parser.add_argument("--rounds", type=int, help="default 3; short: 1")
    parser.add_argument("--timeout", type=float, default=1800, help="seconds that one command may take")
    parser.add_argument("--only", default="", help="workloads whose name holds this")
    parser.add_argument("--peers-python", default=sys.executable, help="the Python of benchmarks/requirements.txt")
    parser.add_argument("--docs", type=Path, default=DOCS, help="where benchmarks.md and benchmarks.svg are written")
    settings = parser.parse_args()
    settings.rounds = settings.rounds or (1 if settings.short else 3)
    return settings


def main() -> None:
    """Make the films, run everything, write the page."""
    settings, results = parsed(), []
    versions = {peer.name: peer.version(settings.peers_python) for peer in PEERS}
    versions |= {peer.name: peer.version(sys.executable) for peer in PEERS if peer.is_plainfilm}
    with tempfile.TemporaryDirectory() as folder:
        for work in workloads(settings.short):
            if not (settings.only in work.name if settings.only else not settings.short or work.name in SHORT):
                continue
            peers = [peer for peer in peers_for(work.syntax, work.size) if versions[peer.name]]
            try:
                results.append(run_workload(work, peers, settings, Path(folder)))
            except MissingToolError as error:
                print(f"{work.name} is left out: {error}", flush=True)
                continue
            print("\n".join(table(results[-1])), flush=True)
        profile = profile_of(Path(folder), [many[0].work for many in results], settings.short)
    base = next(result for result in results[0] if result.peer.name == TWO)
    ratios = [(one.peer.name, one.ratio_to(base)) for one in results[0]]
    bars = [(name, *ratio) for name, ratio in ratios if ratio is not None]
    settings.docs.mkdir(parents=True, exist_ok=True)
    page = document(results, versions, profile, settings.short)
    (settings.docs / "benchmarks.md").write_text(page, encoding="utf-8")
    title = f"Time of a picture, {results[0][0].work.name}, to that of {TWO} (logarithmic)"
    (settings.docs / "benchmarks.svg").write_text(chart(title, bars), encoding="utf-8")


if __name__ == "__main__":
    main()
