# SPDX-License-Identifier: MIT
"""The entry point: choose the command, run it, and turn errors into messages and exit codes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from shlex import quote

from plainfilm.cli.output import discard_standard_output, open_standard_streams, print_message, write_text
from plainfilm.errors import ConversionError, OptionsError, RunError
from plainfilm.options.local_path import scheme_of, without_user_info
from plainfilm.options.suggestion import did_you_mean
from plainfilm.sources.remote_file import public_text
from plainfilm.version import NOT_FOR_DIAGNOSIS, VERSION

Command = Callable[[Sequence[str]], int]

COMMANDS = (
    "convert",
    "survey",
    "explain",
    "compare",
    "merge",
    "report",
    "sheet",
    "verify",
    "remove",
    "link",
    "codecs",
    "receive",
    "demo",
)
"""The commands. The module of the same name in this package has the functions `NAME_command` and `NAME_parser`."""

USAGE = f"""\
usage: plainfilm COMMAND ...

Convert DICOM radiographs into ordinary images that look as on a radiologist's viewer ({NOT_FOR_DIAGNOSIS}).

  plainfilm convert SOURCE... OUT   convert DICOM files and folders, with tables of what was done to each image
  plainfilm convert FILE hand.png   convert one file into one image (or - for standard output)
  plainfilm survey SOURCE...        count what the files hold before they are converted, from headers alone
  plainfilm explain FILE            show which step uses which attribute and why; nothing is converted
  plainfilm compare FILE... -o PNG  show images in several looks, side by side in one picture
  plainfilm merge OUT               join the shards of a run with --shard
  plainfilm report OUT              write OUT/report.html anew; every run writes it at its end
  plainfilm sheet OUT -o PNG|PDF    draw a contact sheet of a finished run
  plainfilm verify OUT              list files of OUT that are missing, have changed, or belong to no run
  plainfilm remove OUT --patient HASH
                                    remove the images and rows of a patient for good
  plainfilm link OUT --key-file FILE -
                                    find the hashes of patient IDs, which are read from standard input
  plainfilm receive OUT             listen for DICOM senders, and convert what they send
  plainfilm codecs                  show what this installation can decode and encode, and what is missing
  plainfilm demo OUT                make twelve synthetic radiographs and convert them

  plainfilm COMMAND --help          show the options of a command
  plainfilm --print-completion bash|zsh
                                    print a script that completes commands and options in this shell
  plainfilm -V, --version           print the version
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0, 1, 2, 3, 130 or 143."""
    open_standard_streams()
    try:
        return _run(sys.argv[1:] if argv is None else argv)
    except BrokenPipeError:
        # the process that read standard output has ended
        discard_standard_output()
        return 1
    except RunError as error:
        print_message(f"plainfilm: {without_user_info(error.message)}")
        return error.exit_code
    except ConversionError as error:
        print_message(f"plainfilm: {error.reason} ({error.stage}): {without_user_info(error.message)}")
        return 1
    except KeyboardInterrupt:
        return 130


def _run(argv: Sequence[str]) -> int:
    if not argv or argv[0] in ("--help", "-h", "help"):
        return _show_help(argv)
    if argv[0] in ("--version", "-V"):
        write_text(f"plainfilm {VERSION} ({NOT_FOR_DIAGNOSIS})\n")
        return 0
    if argv[0] == "--print-completion":
        from plainfilm.cli.completion import print_completion

        return print_completion(argv[1:])
    return _command(argv)(argv[1:])


def _show_help(argv: Sequence[str]) -> int:
    """Print the help, or that of a command: `plainfilm help convert`. Raises OptionsError for an unknown command."""
    if argv[:1] == ["help"] and len(argv) > 1:
        return _run([argv[1], "--help"])
    write_text(USAGE)
    return 0 if argv else 2


def _command(argv: Sequence[str]) -> Command:
    """The function of a command, whose module is imported on demand. Raises OptionsError for an unknown name."""
    name = argv[0]
    if name not in COMMANDS:
        raise OptionsError(_unknown_command(argv))
    command: Command = getattr(import_module(f"plainfilm.cli.{name}"), f"{name}_command")
    return command


def _unknown_command(argv: Sequence[str]) -> str:
    """The message about a first word that is no command: a similar one, or `convert` where the word is a path."""
    name = argv[0]
    if name.startswith("-"):
        flags = ("--help", "--version", "--print-completion")
        return f"{name} is no option without a command{did_you_mean(name, flags)} (see `plainfilm --help`)"
    if _is_source(name):
        line = " ".join(quote(public_text(word)) for word in (*argv, *(["OUT"] if len(argv) == 1 else [])))
        return f"{public_text(name)} is a SOURCE and no command: give `plainfilm convert {line}`"
    listing = f"{', '.join(COMMANDS[:-1])} and {COMMANDS[-1]}"
    hint = did_you_mean(name, COMMANDS)
    return f"there is no command {name!r}{hint or ':'} the commands are {listing} (see `plainfilm --help`)"


def _is_source(word: str) -> bool:
    """Whether a word is a path that exists, a glob or a URL."""
    if scheme_of(word) is not None or any(character in word for character in "/\\*?"):
        return True
    try:
        return Path(word).exists()
    except (OSError, ValueError):
        return False


if __name__ == "__main__":
    sys.exit(main())
