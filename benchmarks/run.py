# SPDX-License-Identifier: MIT
"""plainfilm and its peers on the same films, in one run, interleaved -> docs/benchmarks.md and its chart.

python benchmarks/run.py [--short] [--rounds N] [--peers-python PATH] [--only WORK] [--docs FOLDER]
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

sys.path.insert(0, str(Path(__file__).resolve().parent))

from chart import Bar, chart
from films import MissingToolError, Work, make, works
from measure import Measured, measure
from peers import PEERS, Peer, sized
from stages import stages

DOCS = Path(__file__).resolve().parent.parent / "docs"
BASE = "plainfilm, 1 job"
SHORT = ("films explicit", "cine")  # what --short runs where --only names nothing


@dataclass(frozen=True, slots=True)
class Result:
    """All rounds of one peer on one work."""

    work: Work
    peer: Peer
    rounds: tuple[Measured, ...]

    @property
    def problem(self) -> str:
        """Why these times count for nothing: a failure, or fewer pictures than there are."""
        first = next((one.problem for one in self.rounds if one.problem), "")
        fewest = min(one.pictures for one in self.rounds)
        return first or (f"{fewest} of {self.work.pictures} pictures" if fewest < self.work.pictures else "")


def run_work(work: Work, peers: list[Peer], settings: argparse.Namespace, place: Path) -> list[Result]:
    """Every peer in turn, round after round, so that what disturbs the machine disturbs all. A failed one drops out."""
    source = place / work.name.replace(" ", "-")
    make(work, source)
    taken: dict[str, list[Measured]] = {peer.name: [] for peer in peers}
    for _ in range(settings.rounds):
        for peer in peers:
            if not any(one.problem for one in taken[peer.name]):
                command = peer.command(settings.peers_python, source, place / "out")
                taken[peer.name].append(measure(command, place / "out", settings.timeout))
    return [Result(work, peer, tuple(taken[peer.name])) for peer in peers]


def ratios(result: Result, base: Result) -> Bar:
    """The peer's time over plainfilm's of the same round: name, median, smallest, largest."""
    found = [one.seconds / other.seconds for one, other in zip(result.rounds, base.rounds, strict=False)]
    return result.peer.name, median(found), min(found), max(found)


def table(results: list[Result]) -> Iterator[str]:
    """One work's results as Markdown."""
    base = next(result for result in results if result.peer.name == BASE)
    yield f"## {base.work.name}: {base.work.pictures} of {base.work.rows} x {base.work.columns}\n"
    yield "| program | time, ratio | spread | seconds a picture | peak memory, MiB | output, KiB a picture |"
    yield "|---|---|---|---|---|---|"
    for result in results:
        if result.problem:
            yield f"| {result.peer.name} | did not do it: {result.problem} | | | | |"
            continue
        _, middle, low, high = ratios(result, base)
        ratio = "not known | " if base.problem else f"{middle:.2f} | {low:.2f} to {high:.2f}"
        seconds = median(one.seconds for one in result.rounds) / result.work.pictures
        memory = max(one.memory for one in result.rounds) / 2**20
        size = result.rounds[0].written / result.rounds[0].pictures / 1024
        yield f"| {result.peer.name} | {ratio} | {seconds:.4f} | {memory:.0f} | {size:.0f} |"
    yield ""


def document(all_results: list[list[Result]], versions: dict[str, str], profile: list[str], short: bool) -> str:
    """The page of docs/."""
    note = "**A short run: it shows that the harness works; its figures mean nothing.**\n\n" if short else ""
    lines = [
        "# Benchmarks\n",
        f"{note}Made by `python benchmarks/run.py`: whole commands, start-up included; each round all in turn.",
        f"Ratios are a program's time over that of `{BASE}` in the same round: median, smallest and largest. Memory is",
        "of the whole process tree, sampled. Programs differ in what they do: the recipes stretch, others show the",
        "viewer's picture, and only plainfilm writes tables and checksums and waits for the disk.\n",
        "![Time, ratio](benchmarks.svg)\n",
        f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}.\n",
        *(line for results in all_results for line in table(results)),
        "## Where the time of one film goes\n",
        *profile,
        "\n## Programs\n",
        "| program | version, or why it did not run | command |",
        "|---|---|---|",
    ]
    for peer in (*PEERS, *sized()):
        command = " ".join(peer.command("python", Path("IN"), Path("OUT"))).replace("\n", " ").replace("|", "\\|")
        command = command.replace(str(DOCS.parent) + "/", "").replace(sys.executable, "python")
        lines.append(f"| {peer.name} | {versions[peer.name] or 'not installed'} | `{command}` |")
    return "\n".join([*lines, ""])


def profile_of(place: Path, works_done: list[Work], short: bool) -> list[str]:
    """The stages of one film of each encoding as a Markdown table."""
    films = [work for work in works_done if work.name.startswith("films")]
    columns = [stages(place / work.name.replace(" ", "-") / "film00000.dcm", 3 if short else 15) for work in films]
    if not columns:
        return []
    lines = ["| | milliseconds | " + " | ".join(work.syntax for work in films) + " |", "|---" * (len(films) + 2) + "|"]
    for row in zip(*columns, strict=True):
        lines.append(f"| {row[0][0]} | {row[0][1]} | " + " | ".join(f"{value:.2f}" for _, _, value in row) + " |")
    return lines


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="a few small films: under a minute")
    parser.add_argument("--rounds", type=int, help="default 5; short: 1")
    parser.add_argument("--timeout", type=float, default=1800, help="seconds that one command may take")
    parser.add_argument("--only", default="", help="works whose name holds this")
    parser.add_argument("--peers-python", default=sys.executable, help="the Python of benchmarks/requirements.txt")
    parser.add_argument("--docs", type=Path, default=DOCS, help="where benchmarks.md and benchmarks.svg are written")
    settings = parser.parse_args()
    settings.rounds = settings.rounds or (1 if settings.short else 5)
    return settings


def main() -> None:
    """Make the films, run everything, write the page."""
    settings, results, done = parsed(), [], []
    candidates = [*PEERS, *sized()]
    versions = {peer.name: peer.version(settings.peers_python) for peer in candidates}
    versions |= {peer.name: peer.version(sys.executable) for peer in candidates if peer.package == "plainfilm"}
    peers = [peer for peer in candidates if versions[peer.name]]
    with tempfile.TemporaryDirectory() as folder:
        for work in works(settings.short):
            if not (settings.only in work.name if settings.only else not settings.short or work.name in SHORT):
                continue
            try:
                results.append(run_work(work, peers, settings, Path(folder)))
            except MissingToolError as error:
                print(f"{work.name} is left out: {error}", flush=True)
                continue
            if not any(result.problem for result in results[-1] if result.peer.name == BASE):
                done.append(work)
            print("\n".join(table(results[-1])), flush=True)
        profile = profile_of(Path(folder), done, settings.short)
    base = next(result for result in results[0] if result.peer.name == BASE)
    bars = [ratios(one, base) for one in results[0] if not one.problem and not base.problem]
    settings.docs.mkdir(parents=True, exist_ok=True)
    page = document(results, versions, profile, settings.short)
    (settings.docs / "benchmarks.md").write_text(page, encoding="utf-8")
    (settings.docs / "benchmarks.svg").write_text(chart(f"Time, {results[0][0].work.name}", bars), encoding="utf-8")


if __name__ == "__main__":
    main()
