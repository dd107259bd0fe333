# SPDX-License-Identifier: MIT
"""The command `plainfilm survey`: count what the sources hold before they are converted, from headers alone."""

from __future__ import annotations

import io
import json
import shutil
from collections import Counter
from collections.abc import Sequence

from plainfilm.cli.arguments import Parser, command_parser, environment, options_of, parse
from plainfilm.cli.file_argument import check_list_options
from plainfilm.cli.help import CommandHelp
from plainfilm.cli.output import escape_controls, print_message, write_text
from plainfilm.cli.progress import show_progress
from plainfilm.cli.signals import stopping_on_signals
from plainfilm.cli.variables import warn_of_unknown_variables
from plainfilm.conversion.source_survey import SURVEY_OPTIONS, TABLES, SourceSurvey
from plainfilm.conversion.survey_result import Survey, survey_result
from plainfilm.dicom.transfer_syntax import transfer_syntax_name
from plainfilm.options.counting import counted

_MOST_ROWS = 12
_TITLES = {
    "modality": "modality",
    "body_part": "body part",
    "manufacturer": "manufacturer",
    "transfer_syntax": "transfer syntax",
    "size": "columns x rows",
    "bits_stored": "bits stored",
    "polarity": "polarity",
    "voi": "VOI in the file",
    "findings": "findings to expect",
}


_HELP = CommandHelp(
    usage="plainfilm survey SOURCE... [--json] [options]",
    description="Count what the SOURCEs hold before they are converted: images, patients, modalities, body parts, "
    "makers, transfer syntaxes, sizes, and what cannot be read. Only headers are read, and nothing is written. The "
    "result holds only counts, and nothing about a patient.",
    examples=(
        ("plainfilm survey films/", "counts as text, and the command to use next"),
        ("plainfilm survey films/ --modality CR,DX", "only some of the images"),
    ),
)


def survey_parser() -> Parser:
    """The parser of `plainfilm survey`."""
    parser = command_parser("survey", _HELP, names=SURVEY_OPTIONS)
    parser.add_argument(
        "sources", nargs="+", metavar="SOURCE", help="files, folders, globs, archives, URLs, @list.txt or - (a list)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def survey_command(argv: Sequence[str]) -> int:
    """Run `plainfilm survey` and return its exit code. Raises RunError."""
    arguments = parse(survey_parser(), argv)
    options = options_of(arguments, environment())
    check_list_options(arguments, arguments.sources)
    warn_of_unknown_variables(environment())
    source_survey = SourceSurvey(arguments.sources, options)
    with stopping_on_signals(source_survey) as signals, show_progress(options.run.progress) as display:
        source_survey.run(display.update)
    survey = survey_result(source_survey)
    if arguments.json:
        write_text(json.dumps(survey.to_dict(), indent=2) + "\n")
    else:
        write_text(_text_of(survey, arguments.sources))
    if signals:
        print_message("interrupted: the survey counts only a part of the files")
    return 128 + signals[0] if signals else 0


def _counts_text(survey: Survey) -> str:
    counts, content = survey.counts, survey.to_dict()
    images, frames = counted(counts.images, "image"), counted(counts.frames, "frame")
    patients = counted(int(str(content["patients"])), "patient")
    studies = counted(int(str(content["studies"])), "study", "studies")
    return (
        f"{counted(counts.files, 'file')}: {images} with {frames}, of {patients} in {studies} ({survey.seconds:.1f} s)"
    )


def _text_of(survey: Survey, sources: Sequence[str]) -> str:
    """The tables of a survey for people."""
    counts, width = survey.counts, min(shutil.get_terminal_size().columns, 120)
    parts = [_table(_TITLES[name], _labelled(name, counts.tables[name]), width) for name in TABLES]
    parts += [_table("skipped", counts.skipped, width), _table("failed", counts.failed, width)]
    next_lines = ["no images: nothing to convert"]
    if counts.images:
        next_lines = ["next:", f"  {survey.next_command(sources)}"]
    return "\n".join([_counts_text(survey), "", *filter(None, parts), *next_lines]) + "\n"


def _labelled(name: str, table: Counter[str]) -> Counter[str]:
    """The table with names that people know, without characters that control a terminal."""
    labelled: Counter[str] = Counter()
    for value, images in table.items():
        label = transfer_syntax_name(value) if name == "transfer_syntax" else value
        labelled[escape_controls(label or value).replace("\n", " ") or "(none)"] += images
    return labelled


def _table(title: str, table: Counter[str], width: int) -> str:
    """A table as plain text, '' for one without rows; rare values share the last row."""
    if not table:
        return ""
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=SIMPLE, show_edge=False, pad_edge=False)
    grid.add_column(title, overflow="fold")
    grid.add_column("number", justify="right")
    rows = sorted(table.items(), key=lambda item: (-item[1], item[0]))
    for value, images in rows[:_MOST_ROWS]:
        grid.add_row(Text(value), f"{images:,}")
    if rest := rows[_MOST_ROWS:]:
        grid.add_row(f"({len(rest)} others)", f"{sum(images for _, images in rest):,}")
    console = Console(file=io.StringIO(), width=width, color_system=None, force_terminal=False, highlight=False)
    console.print(grid)
    assert isinstance(console.file, io.StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines()) + "\n"
