# SPDX-License-Identifier: MIT
"""The words of the command line -> a command -> an exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from plainfilm.cli.output import abandon_standard_output, open_standard_streams, say, write_text
from plainfilm.errors import ConversionError, OptionsError, RunError
from plainfilm.version import NOT_FOR_DIAGNOSIS, VERSION

Command = Callable[[Sequence[str]], int]

USAGE = f"""\
usage: plainfilm COMMAND ...

DICOM radiographs as ordinary pictures that look as they do on a radiologist's viewer ({NOT_FOR_DIAGNOSIS}).

  plainfilm convert SOURCE... OUT   images from DICOM files and folders, with tables that say what was done to each
  plainfilm convert FILE hand.png   one file, one picture (or - for standard output)
  plainfilm explain FILE [--json]   which step used which attribute, why, and what was odd; converts nothing
  plainfilm codecs                  what this installation can decode and encode, and what is missing and why
  plainfilm demo OUT                makes twelve synthetic radiographs and converts them

  plainfilm COMMAND --help          the options of a command
  plainfilm --version
"""


def main(words: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0, 1, 2, 3, 130 or 143."""
    open_standard_streams()
    try:
        return _run(sys.argv[1:] if words is None else words)
    except BrokenPipeError:
        # whoever read standard output has gone; nothing more can be said there, nor when the interpreter flushes it
        abandon_standard_output()
        return 1
    except RunError as error:
        say(f"plainfilm: {error.message}")
        return error.exit_code
    except ConversionError as error:
        say(f"plainfilm: {error.reason} ({error.stage}): {error.message}")
        return 1
    except KeyboardInterrupt:
        return 130


def _run(words: Sequence[str]) -> int:
    if not words or words[0] in ("--help", "-h", "help"):
        write_text(USAGE)
        return 0 if words else 2
    if words[0] == "--version":
        write_text(f"plainfilm {VERSION} ({NOT_FOR_DIAGNOSIS})\n")
        return 0
    return _command(words[0])(words[1:])


def _command(name: str) -> Command:
    """The command of a name, imported when it is asked for. Raises OptionsError."""
    if name == "convert":
        from plainfilm.cli.convert import convert_command

        return convert_command
    if name == "explain":
        from plainfilm.cli.explain import explain_command

        return explain_command
    if name == "codecs":
        from plainfilm.cli.codecs import codecs_command

        return codecs_command
    if name == "demo":
        from plainfilm.cli.demo import demo_command

        return demo_command
    raise OptionsError(f"there is no command {name!r}: convert, explain, codecs, demo (see `plainfilm --help`)")


if __name__ == "__main__":
    sys.exit(main())
