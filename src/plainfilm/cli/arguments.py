# SPDX-License-Identifier: MIT
"""Words of the command line, environment and a configuration file -> Options; help comes from the options."""

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
from plainfilm.options.options import Options, option_fields
from plainfilm.options.render import LOOK_OPTIONS

ENVIRONMENT = "PLAINFILM_"
PICTURE_OPTIONS = (
    "look",
    "window",
    "stretch",
    "clahe",
    "voi",
    "polarity",
    "bits",
    "icc",
    "strict",
    "decode",
    "allow_truncated",
    "verify",
    "pixels",
    "crop",
    "size",
    "enlarge",
    "fit",
    "overlays",
    "presentation",
    "orient",
    "redact",
    "max_pixels",
)


class _Joined(argparse.Action):
    """An option that may be given several times: none of its values is lost, `const` stands between them."""

    def __call__(self, _parser: Any, namespace: argparse.Namespace, value: Any, _flag: str | None = None) -> None:
        earlier = getattr(namespace, self.dest, None)
        setattr(namespace, self.dest, value if earlier is None else f"{earlier}{self.const}{value}")


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaints are OptionsError, and that takes no option for another that begins so."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, **settings)

    def error(self, message: str) -> NoReturn:
        """Raises OptionsError."""
        raise OptionsError(f"{message} (see `{self.prog} --help`)")


def add_options(parser: argparse.ArgumentParser, names: Iterable[str] | None = None) -> None:
    """Add the options, all or those named, and --config, each with its placeholder, meaning and default."""
    wanted = None if names is None else set(names)
    for name, item in option_fields():
        if wanted is not None and name not in wanted:
            continue
        flag, metavar, meaning = f"--{name.replace('_', '-')}", item.metadata["metavar"], item.metadata["meaning"]
        settings: dict[str, Any] = {"default": argparse.SUPPRESS, "dest": name}
        if metavar:
            shown = "" if str(item.default) in ("None", "") or "(default" in meaning else f" (default: {item.default})"
            if item.metadata["joined_by"]:
                settings |= {"action": _Joined, "const": item.metadata["joined_by"]}
            parser.add_argument(flag, metavar=metavar, help=f"{meaning}{shown}", **settings)
        else:
            parser.add_argument(flag, help=meaning, action="store_true", **settings)
    parser.add_argument(
        "--config", metavar="FILE", help="options from a TOML or JSON file, such as a run's own run.json"
    )


def parse(parser: argparse.ArgumentParser, words: Sequence[str]) -> argparse.Namespace:
    """The arguments of a command, options and paths in any order, paths alone after `--`. Raises OptionsError."""
    end = words.index("--") if "--" in words else len(words)
    # argparse may still take what follows `--` for an option
    paths = [f"./{word}" if word.startswith("-") else word for word in words[end + 1 :]]
    return parser.parse_intermixed_args([*_joined(words[:end]), *paths])


def options_of(arguments: argparse.Namespace, environment: Mapping[str, str]) -> Options:
    """The options: the command line wins over --config, that over the environment, that over the defaults.

    A look that one source asks for is not contradicted by what a weaker one implies.
    """
    names = [name for name, _ in option_fields()]
    from_environment = {
        name: environment[ENVIRONMENT + name.upper()] for name in names if ENVIRONMENT + name.upper() in environment
    }
    from_file = {} if arguments.config is None else read_config(Path(arguments.config))
    from_command_line = {name: value for name, value in vars(arguments).items() if name in names}
    given: dict[str, object] = {}
    for stronger in (from_environment, from_file, from_command_line):
        if any(stronger.get(name) is not None for name in LOOK_OPTIONS):
            given = {name: value for name, value in given.items() if name not in LOOK_OPTIONS}
        given.update(stronger)
    return Options.of(given)


def read_config(path: Path) -> dict[str, object]:
    """The options in a TOML or JSON file; of a run.json its `options`. Raises OptionsError."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OptionsError(f"--config: {path} cannot be read ({type(error).__name__})") from error
    try:
        content = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except ValueError as error:
        raise OptionsError(f"--config: {path} is neither JSON nor TOML ({error})") from error
    options = content.get("options", content)
    if not isinstance(options, dict):
        raise OptionsError(f"--config: {path} holds no table of options")
    return {name.replace("-", "_"): value for name, value in options.items()}


def environment() -> Mapping[str, str]:
    """The environment of this process."""
    return os.environ


def _joined(words: Sequence[str]) -> list[str]:
    """Values that begin with a minus sign and a digit, joined to their option: `--window -600,1500`."""
    joined: list[str] = []
    for word in words:
        if joined and re.fullmatch(r"--[a-z-]+", joined[-1]) and re.match(r"-[\d.]", word):
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined
