# SPDX-License-Identifier: MIT
"""Read options from the command line, a configuration file and the environment.

The declarations of the options (package options) define the flags, their help and the environment variables.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from plainfilm.errors import OptionsError
from plainfilm.options.field import Option
from plainfilm.options.options import Options
from plainfilm.options.render import LOOK_OPTIONS

_MOST_CONFIG_BYTES = 1 << 20
_MOST_NESTED = 50


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
        """Raise OptionsError with the message and a pointer to the help."""
        raise OptionsError(f"{message} (see `{self.prog} --help`)")


def add_options(parser: argparse.ArgumentParser, options: Iterable[Option]) -> None:
    """Add these options and `--config` to a parser, each with its placeholder, its meaning and its default."""
    for option in options:
        settings: dict[str, Any] = {"default": argparse.SUPPRESS, "dest": option.name, "help": _help(option)}
        if option.is_switch:
            settings["action"] = "store_true"
        else:
            settings["metavar"] = option.value_type.metavar
        if option.value_type.separator:
            settings |= {"action": _JoinValues, "const": option.value_type.separator}
        parser.add_argument(option.flag, **settings)
    parser.add_argument(
        "--config", metavar="FILE", help="read options from a TOML or JSON file, such as the run.json of a run"
    )


def parse(parser: argparse.ArgumentParser, argv: Sequence[str]) -> argparse.Namespace:
    """Parse the words of a command: options and paths in any order; after `--` only paths. Raises OptionsError."""
    end = argv.index("--") if "--" in argv else len(argv)
    # argparse may take a word after `--` for an option
    paths = [f"./{word}" if word.startswith("-") else word for word in argv[end + 1 :]]
    return parser.parse_intermixed_args([*_attach_negative_values(argv[:end]), *paths])


def options_of(arguments: argparse.Namespace, environment: Mapping[str, str]) -> Options:
    """The options of a command. The command line has priority over `--config`, then the environment, then the defaults.

    If one of these sources selects a look, the options that select a look in sources of lower priority do not count.
    Raises OptionsError.
    """
    declared = list(Options.declared())
    from_environment = {
        option.name: environment[option.variable] for option in declared if option.variable in environment
    }
    from_file = {} if arguments.config is None else read_config(Path(arguments.config))
    names = {option.name for option in declared}
    from_command_line = {name: value for name, value in vars(arguments).items() if name in names}
    values: dict[str, object] = {}
    for source_values in (from_environment, from_file, from_command_line):
        if any(source_values.get(name) is not None for name in LOOK_OPTIONS):
            values = {name: value for name, value in values.items() if name not in LOOK_OPTIONS}
        values.update(source_values)
    return Options.of(values)


def read_config(path: Path) -> dict[str, object]:
    """The options in a TOML or JSON file, or in the table `options` of a run.json. Raises OptionsError."""
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_CONFIG_BYTES + 1).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OptionsError(f"--config: {path} cannot be read ({type(error).__name__})") from error
    if len(text) > _MOST_CONFIG_BYTES or _is_deeply_nested(text):
        limits = f"at most {_MOST_CONFIG_BYTES} bytes and {_MOST_NESTED} nested tables or parts of a key"
        raise OptionsError(f"--config: {path} is no configuration of plainfilm, which has {limits}")
    try:
        content = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise OptionsError(f"--config: {path} is neither JSON nor TOML ({error})") from error
    options = content.get("options", content)
    if not isinstance(options, dict):
        raise OptionsError(f"--config: {path} has no table of options")
    return {name.replace("-", "_"): value for name, value in options.items()}


def _is_deeply_nested(text: str) -> bool:
    """Whether the text nests brackets, or joins parts of a key, more often than parsers handle in reasonable time."""
    depth = 0
    for bracket in re.findall(r"[][{}]", text):
        depth += 1 if bracket in "[{" else -1
        if depth > _MOST_NESTED:
            return True
    return any(line.partition("=")[0].count(".") > _MOST_NESTED for line in text.splitlines())


def environment() -> Mapping[str, str]:
    """The environment of this process."""
    return os.environ


def _help(option: Option) -> str:
    """The meaning of an option, with its default if it has one that the meaning does not state."""
    is_stated = option.is_switch or "(default" in option.meaning or str(option.default) in ("None", "")
    return option.meaning if is_stated else f"{option.meaning} (default: {option.default})"


def _attach_negative_values(argv: Sequence[str]) -> list[str]:
    """Attach values that begin with a minus sign and a digit to their option: `--window -600,1500` with `=`."""
    attached: list[str] = []
    for word in argv:
        if attached and re.fullmatch(r"--[a-z-]+", attached[-1]) and re.match(r"-[\d.]", word):
            attached[-1] += f"={word}"
        else:
            attached.append(word)
    return attached
