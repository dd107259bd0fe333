# SPDX-License-Identifier: MIT
"""The entry point: choose the command, run it, and turn errors into messages and exit codes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from plainfilm.cli.output import discard_standard_output, open_standard_streams, print_message, write_text
from plainfilm.errors import ConversionError, OptionsError, RunError
from plainfilm.version import NOT_FOR_DIAGNOSIS, VERSION

Command = Callable[[Sequence[str]], int]

USAGE = f"""\
usage: plainfilm COMMAND ...

Convert DICOM radiographs into ordinary images that look as on a radiologist's viewer ({NOT_FOR_DIAGNOSIS}).

  plainfilm convert SOURCE... OUT   convert DICOM files and folders, with tables of what was done to each image
  plainfilm convert FILE hand.png   convert one file into one image (or - for standard output)
  plainfilm explain FILE [--json]   show which step uses which attribute and why; nothing is converted
  plainfilm compare FILE... -o PNG  show films in several looks, side by side in one picture
  plainfilm report OUT              write OUT/report.html anew; every run writes it at its end
  plainfilm codecs                  show what this installation can decode and encode, and what is missing
  plainfilm demo OUT                make twelve synthetic radiographs and convert them

  plainfilm COMMAND --help          show the options of a command
  plainfilm --version
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
        print_message(f"plainfilm: {error.message}")
        return error.exit_code
    except ConversionError as error:
        print_message(f"plainfilm: {error.reason} ({error.stage}): {error.message}")
        return 1
    except KeyboardInterrupt:
        return 130


def _run(argv: Sequence[str]) -> int:
    if not argv or argv[0] in ("--help", "-h", "help"):
        write_text(USAGE)
        return 0 if argv else 2
    if argv[0] == "--version":
        write_text(f"plainfilm {VERSION} ({NOT_FOR_DIAGNOSIS})\n")
        return 0
    return _command(argv[0])(argv[1:])


def _command(name: str) -> Command:
    """The function of a command, whose module is imported on demand. Raises OptionsError for an unknown name."""
    if name == "convert":
        from plainfilm.cli.convert import convert_command

        return convert_command
    if name == "explain":
        from plainfilm.cli.explain import explain_command

        return explain_command
    if name == "compare":
        from plainfilm.cli.compare import compare_command

        return compare_command
    if name == "report":
        from plainfilm.cli.report import report_command

        return report_command
    if name == "codecs":
        from plainfilm.cli.codecs import codecs_command

        return codecs_command
    if name == "demo":
        from plainfilm.cli.demo import demo_command

        return demo_command
    raise OptionsError(
        f"there is no command {name!r}: the commands are convert, explain, compare, report, codecs and demo "
        "(see `plainfilm --help`)"
    )


if __name__ == "__main__":
    sys.exit(main())
