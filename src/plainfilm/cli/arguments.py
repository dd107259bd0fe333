# SPDX-License-Identifier: MIT
"""Read options from the command line, a configuration file and the environment.

The declarations of the options (package options) define the flags, their help and the environment variables. A message
about a value names the option, and the file or variable that the value comes from. An option that can have no effect is
an error on the command line; in a file or in the environment, which serve many commands, it does not count.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from plainfilm.cli.configuration import read_config
from plainfilm.cli.help import CommandHelp, ShowHelp, flags_of, help_of, long_help, short_help, title_of
from plainfilm.errors import OptionsError
from plainfilm.options.effects import ineffective_options
from plainfilm.options.encoding import ImageFormat
from plainfilm.options.field import Option, Scope
from plainfilm.options.local_path import check_local
from plainfilm.options.options import Options
from plainfilm.options.render import LOOK_OPTIONS
from plainfilm.options.suggestion import did_you_mean
from plainfilm.pickling import dataclass

_NEGATIVE = re.compile(r"-[\d.]")
_UNKNOWN = "unrecognized arguments: "


class _JoinValues(argparse.Action):
    """Join the values of an option that is repeated; `const` is the separator."""

    def __call__(self, _parser: Any, namespace: argparse.Namespace, value: Any, _flag: str | None = None) -> None:
        earlier = getattr(namespace, self.dest, None)
        setattr(namespace, self.dest, value if earlier is None else f"{earlier}{self.const}{value}")


class Parser(argparse.ArgumentParser):
    """An argument parser that raises OptionsError and accepts no abbreviated options."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, **settings)

    def error(self, message: str) -> NoReturn:
        """Raise OptionsError with the message, a similar option if there is one, and a pointer to the help."""
        hint = ""
        if message.startswith(_UNKNOWN):
            # the words that follow may be its value
            word = message.removeprefix(_UNKNOWN).split()[0].partition("=")[0]
            if any(word == option.flag for option in Options.declared()):
                message = f"{word} is no option of {self.prog}"
            else:
                message = f"unknown option {word}"
                hint = did_you_mean(word, [flag for flag in self.flags if flag.startswith("--")])
        raise OptionsError(f"{message}{hint} (see `{self.prog} --help`)")

    @property
    def flags(self) -> list[str]:
        """All options of the command as they are typed."""
        return list(self._option_string_actions)


def command_parser(name: str, command: CommandHelp, *scopes: Scope, names: Collection[str] | None = None) -> Parser:
    """A parser for `plainfilm NAME` with the options of these scopes, `--config`, `--help` and `--help-all`.

    names: the names of the options that the command has, with underscores; None for all.
    """
    declared = Options.groups(*scopes)
    chosen = ((group, [item for item in options if names is None or item.name in names]) for group, options in declared)
    groups = [(group, options) for group, options in chosen if options]
    parser = Parser(prog=f"plainfilm {name}", usage=command.usage, description=command.description, add_help=False)
    for flags, text_of in ((("-h", "--help"), short_help), (("--help-all",), long_help)):
        parser.add_argument(
            *flags,
            action=ShowHelp,
            nargs=0,
            const=partial(text_of, command, groups),
            default=argparse.SUPPRESS,
            help="show the help",
        )
    for group, options in groups:
        _add_group(parser.add_argument_group(title_of(group)), options)
    _add_config(parser)
    return parser


def add_options(parser: argparse.ArgumentParser, options: Iterable[Option]) -> None:
    """Add these options and `--config` to a parser, each with its placeholder, its meaning and its default."""
    _add_group(parser, options)
    _add_config(parser)


def _add_group(section: argparse._ActionsContainer, options: Iterable[Option]) -> None:
    for option in options:
        settings: dict[str, Any] = {"default": argparse.SUPPRESS, "dest": option.name, "help": help_of(option)}
        if option.is_switch:
            settings["action"] = "store_true"
        else:
            settings["metavar"] = option.value_type.metavar
        if option.value_type.separator:
            settings |= {"action": _JoinValues, "const": option.value_type.separator}
        section.add_argument(*flags_of(option), **settings)


def _add_config(parser: argparse.ArgumentParser) -> None:
    meaning = "read options from a TOML or JSON file, such as the run.json of a run"
    parser.add_argument("--config", metavar="FILE", help=meaning)


def parse(parser: argparse.ArgumentParser, argv: Sequence[str]) -> argparse.Namespace:
    """Parse the words of a command: options and paths in any order; after `--` only paths. Raises OptionsError."""
    end = argv.index("--") if "--" in argv else len(argv)
    # argparse may take a word after `--` for an option
    paths = [f"./{word}" if word.startswith("-") else word for word in argv[end + 1 :]]
    return parser.parse_intermixed_args([*_attach_negative_values(argv[:end]), *paths])


def _attach_negative_values(argv: Sequence[str]) -> list[str]:
    """Attach values that begin with a minus sign and a digit to their option: `--window -600,1500` with `=`."""
    attached: list[str] = []
    for word in argv:
        if attached and re.fullmatch(r"--[a-z-]+", attached[-1]) and _NEGATIVE.match(word):
            attached[-1] += f"={word}"
        else:
            attached.append(word)
    return attached


@dataclass(frozen=True, slots=True)
class _Given:
    """The value of an option, and where it comes from: a variable, a file; empty for the command line."""

    value: object
    origin: str = ""


def options_of(
    arguments: argparse.Namespace,
    environment: Mapping[str, str],
    single_format: ImageFormat | None = None,
    without: Collection[str] = (),
) -> Options:
    """The options of a command. The command line has priority over `--config`, then the environment, then the defaults.

    If one of these places selects a look, the options that select a look in places of lower priority do not count.
    A variable of the environment that is empty does not count. single_format: the format of a single image by its name;
    some options have no effect on it. without: the options that the command does not have; what the environment or the
    file says about them is for other commands, and is ignored. Raises OptionsError.
    """
    declared = {option.name: option for option in Options.declared()}
    from_environment = {
        name: _Given(environment[option.variable], option.variable)
        for name, option in declared.items()
        if environment.get(option.variable)
    }
    words = {name: _Given(value) for name, value in vars(arguments).items() if name in declared}
    given: dict[str, _Given] = {}
    for values in (from_environment, _from_file(arguments.config, declared), words):
        if any(name in values and values[name].value is not None for name in LOOK_OPTIONS):
            given = {name: item for name, item in given.items() if name not in LOOK_OPTIONS}
        given.update(values)
    return _build({name: item for name, item in given.items() if name not in without}, declared, single_format)


def _from_file(config: str | None, declared: Mapping[str, Option]) -> dict[str, _Given]:
    if config is None:
        return {}
    check_local(config, "--config")
    values = read_config(Path(config))
    if unknown := sorted(set(values) - set(declared)):
        hint = did_you_mean(unknown[0], declared)
        raise OptionsError(f"--config {config}: unknown option {', '.join(unknown)}{hint}")
    # null asks for the default, whatever the environment says: run.json has it for an option that was left out
    return {
        name: _Given(declared[name].default if value is None else value, f"--config {config}")
        for name, value in values.items()
    }


def _build(given: Mapping[str, _Given], declared: Mapping[str, Option], single_format: ImageFormat | None) -> Options:
    """Parse the values, and leave out those that can have no effect. Raises OptionsError."""
    parsed = {name: _parse(declared[name], item) for name, item in given.items()}
    for option, cause in list(ineffective_options(parsed, single_format)):
        if not given[option.name].origin:
            raise OptionsError(f"{option.flag} has no effect {cause}: leave it out")
        parsed.pop(option.name, None)
    try:
        return Options.of(parsed)
    except OptionsError as error:
        raise OptionsError(f"{error.message}{_origins(error.message, given, declared)}") from error


def _parse(option: Option, item: _Given) -> object:
    try:
        return option.parse(item.value)
    except OptionsError as error:
        raise OptionsError(f"{item.origin}: {error.message}" if item.origin else error.message) from error


def _origins(message: str, given: Mapping[str, _Given], declared: Mapping[str, Option]) -> str:
    """Where the options that a message names come from, unless all are words of the command line."""
    flags = set(re.findall(r"--[a-z-]+", message))
    origins = [
        f"{declared[name].flag} comes from {item.origin}"
        for name, item in given.items()
        if item.origin and declared[name].flag in flags
    ]
    return f" ({'; '.join(origins)})" if origins else ""


def environment() -> Mapping[str, str]:
    """The environment of this process."""
    return os.environ
