# SPDX-License-Identifier: MIT
"""Convert many images, into a folder as the command does, or into arrays."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TypeAlias, Unpack

from plainfilm.api.arguments import check_one_image, options_of, paths_of, place_argument, python_errors
from plainfilm.api.source import type_name
from plainfilm.conversion.array_run import ArrayRun, Result
from plainfilm.conversion.dry_run import plan_sources
from plainfilm.conversion.remote_run import conversion_into
from plainfilm.conversion.run_progress import ProgressCallback, RunProgress, ignore_progress
from plainfilm.conversion.single_image import convert_single, frames_note
from plainfilm.conversion.source_slice import ALL_SOURCES, SourceSlice
from plainfilm.conversion.source_survey import SourceSurvey
from plainfilm.conversion.summary import NO_COUNTS, Counts, Run
from plainfilm.conversion.survey_result import Survey, survey_result
from plainfilm.errors import ArgumentTypeError, ConversionError, OptionsError
from plainfilm.options.keywords import IterateKeywords, RunKeywords, SurveyKeywords
from plainfilm.options.local_path import check_local
from plainfilm.options.options import Options
from plainfilm.options.wording import python_wording
from plainfilm.output.single import check_single, is_image_name, with_format_of, write_file
from plainfilm.records import Failure, Status
from plainfilm.sources.remote_file import public_text

PathArgument: TypeAlias = str | PathLike[str]


def convert(
    sources: PathArgument | Iterable[PathArgument],
    out: PathArgument,
    *,
    progress: ProgressCallback | None = None,
    **options: Unpack[RunKeywords],
) -> Run:
    """Convert files and folders into the folder `out`, as the command `plainfilm convert` does, and return a summary.

    sources: a file, folder or glob, or several of them.
    out: a folder, its URL, or for one source an image file, such as `hand.png`.
    progress: called with a RunProgress several times a second, and at the end. If it raises an exception, the run
        stops as the command does on Ctrl-C, and the exception is raised again: the tables list all complete images, and
        the same call resumes the run.
    options: the options of the command, with underscores in their names. With `dry_run=True` nothing is converted, and
        `planned` of the summary lists what would be done.

    Raises RunError if the run cannot continue, among them OptionsError, and ArgumentTypeError, which is a TypeError,
    for arguments of a wrong type and unknown options. An image that fails raises nothing: it is a row of failures.csv
    in `out`. Where `out` is an image file there is no table, and a ConversionError is raised.
    """
    if not (progress is None or callable(progress)):
        raise ArgumentTypeError(f"progress must be a function, not {type_name(progress)}")
    report = ignore_progress if progress is None else progress
    with python_errors():
        run_options = options_of("convert", options, RunKeywords)
        paths, place = paths_of(sources), place_argument("out", out)
        target = Path(place)
        if place == "-":
            raise OptionsError('out="-" is standard output, which belongs to the command: use render()')
        is_single = is_image_name(target)
        if is_single or run_options.run.dry_run:
            check_local(place, "OUT")
        if is_single:
            check_single(paths, str(target), run_options)
            run_options = with_format_of(str(target), run_options, is_format_given="format" in options)
        if run_options.run.dry_run:
            return _plan(paths, target, run_options)
        if is_single:
            return _convert_single(paths[0], target, run_options, report)
        run = conversion_into(paths, place, run_options).run(report)
        return replace(run, notes=tuple(map(python_wording, run.notes)))


def iterate(
    sources: PathArgument | Iterable[PathArgument], **options: Unpack[IterateKeywords]
) -> Generator[Result, None, None]:
    """Convert files and folders into arrays, in parallel: `for record, image in plainfilm.iterate("in/"): ...`.

    Yields the Record and the array of each image, in the order of the sources and frames, and a Failure and None for
    each instance or frame without an image. Nothing is written but temporary files, which have no name on Linux. A few
    images for each worker are ahead of the consumer, so that memory stays bounded however slow the consumer is. An
    array belongs to the consumer. That of a large one is a map of a temporary file, whose space is free when the array
    is gone.
    The workers end when the generator ends, is closed, or is no longer referenced.

    sources: a file, folder or glob, or several of them.
    options: `jobs`, the options of an image, and those that select frames and set limits, as for `convert`. Without
        `key_file` the four keyed hashes of a record are empty.

    Raises RunError if the run cannot start or continue, among them OptionsError, and ArgumentTypeError, which is a
    TypeError, for arguments of a wrong type, unknown options, and options that concern only files.
    """
    with python_errors():
        array_options = options_of("iterate", options, IterateKeywords)
    return iterate_slice(sources, array_options)


def iterate_slice(
    sources: PathArgument | Iterable[PathArgument], options: Options, source_slice: SourceSlice = ALL_SOURCES
) -> Generator[Result, None, None]:
    """Convert a slice of the sources into arrays, as `iterate` does with all of them. Raises the same errors."""
    with python_errors():
        check_one_image(options)
        run = ArrayRun(paths_of(sources), options, source_slice)
    return _results(run)


def survey(sources: PathArgument | Iterable[PathArgument], **options: Unpack[SurveyKeywords]) -> Survey:
    """Count what files and folders hold before they are converted, from their headers alone, in worker processes.

    sources: a file, folder or glob, or several of them.
    options: those of the command `plainfilm survey`. The result holds counts alone, and nothing about a patient.
    Raises SourceMissingError, which is a FileNotFoundError, for a source that does not exist, OptionsError, and
    ArgumentTypeError, which is a TypeError, for arguments of a wrong type and other options.
    """
    with python_errors():
        survey_options = options_of("survey", options, SurveyKeywords)
        source_survey = SourceSurvey(paths_of(sources), survey_options)
        source_survey.run()
        return survey_result(source_survey)


def _results(run: ArrayRun) -> Generator[Result, None, None]:
    with python_errors():
        for record, image in run.results():
            if isinstance(record, Failure):
                yield replace(record, message=python_wording(record.message)), None
            else:
                assert image is not None
                yield record, image


def _plan(paths: list[str], target: Path, options: Options) -> Run:
    started = time.monotonic()
    planned = tuple(plan_sources(paths, target, options))
    return Run(NO_COUNTS, time.monotonic() - started, planned=planned)


def _convert_single(source: str, target: Path, options: Options, progress: ProgressCallback) -> Run:
    """Convert one file into one image file. Raises ConversionError and RunError."""
    started = time.monotonic()
    single = convert_single(source, options)
    result = single.result
    if isinstance(result, Failure):
        error = ConversionError(result.message, reason=result.reason, stage=result.stage)
        error.path = public_text(source)
        raise error
    write_file(target, result.encoded)
    counts = Counts(1, int(result.record.status is Status.REPAIRED), 0, 0)
    seconds = time.monotonic() - started
    progress(RunProgress(files=1, total=1, converted=1, fraction=1.0, seconds=seconds, new_files=1, new_images=1))
    notes = [note for note in (single.note, frames_note(single.frames, options)) if note]
    return Run(counts, seconds, notes=tuple(map(python_wording, notes)))
