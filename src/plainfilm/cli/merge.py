# SPDX-License-Identifier: MIT
"""The command `plainfilm merge`: join the shards of a run."""

from __future__ import annotations

from collections.abc import Sequence

from plainfilm.cli.arguments import Parser, parse
from plainfilm.cli.file_argument import check_out, path_of_option
from plainfilm.cli.output import print_lines
from plainfilm.cli.signals import stopping_on_signals
from plainfilm.cli.summary import summary_of_out


def merge_parser() -> Parser:
    """The parser of `plainfilm merge`."""
    parser = Parser(
        prog="plainfilm merge",
        usage="plainfilm merge OUT [--key-file PATH] [--labels CSV] [-q]",
        description="Join the shards that `plainfilm convert --shard I/N` has left in OUT: find duplicates, "
        "decide names, splits and labels, and write the tables, README.md and the report. OUT is then the same as that "
        "of one run over all sources. The options are those of the shards. The same command resumes a merge that was "
        "interrupted. The exit code is 3 if a shard is missing, has not finished, or was run with other options or "
        "another key.",
    )
    parser.add_argument("out", metavar="OUT", help="the folder or URL that the shards were converted into")
    parser.add_argument("--key-file", metavar="PATH", help="the key of the shards, if it was moved")
    parser.add_argument("--labels", metavar="CSV", help="the label file of the shards, if it was moved")
    parser.add_argument("-q", "--quiet", action="store_true", help="print errors only")
    return parser


def merge_command(argv: Sequence[str]) -> int:
    """Run `plainfilm merge` and return its exit code: 0, 130 or 143. Raises RunError."""
    arguments = parse(merge_parser(), argv)
    check_out(arguments.out)

    from plainfilm.conversion.merging import MergeFiles
    from plainfilm.conversion.remote_merge import merge_into

    files = (("--key-file", arguments.key_file), ("--labels", arguments.labels))
    paths = [None if text is None else path_of_option(text, flag) for flag, text in files]
    merge = merge_into(arguments.out, MergeFiles(*paths))
    with stopping_on_signals(merge) as signals:
        run = merge.run()
    if not arguments.quiet:
        print_lines(summary_of_out(run, [], arguments.out))
    return 128 + signals[0] if signals else 0
