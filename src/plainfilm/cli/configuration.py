# SPDX-License-Identifier: MIT
"""Read the options in a configuration file: TOML, JSON, or the run.json of a run."""

from __future__ import annotations

import json
import re
from pathlib import Path

from plainfilm.errors import OptionsError

_MOST_CONFIG_BYTES = 1 << 20
_MOST_NESTED = 50


def read_config(path: Path) -> dict[str, object]:
    """The options in a TOML or JSON file, or in the table `options` of a run.json. Raises OptionsError."""
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_CONFIG_BYTES + 1).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        cause = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise OptionsError(f"--config: {path} cannot be read: {cause}") from error
    if len(text) > _MOST_CONFIG_BYTES or _is_deeply_nested(text):
        limits = f"at most {_MOST_CONFIG_BYTES} bytes and {_MOST_NESTED} nested tables or parts of a key"
        raise OptionsError(f"--config: {path} is no configuration of plainfilm, which has {limits}")
    try:
        content = json.loads(text) if text.lstrip().startswith("{") else _parse_toml(text)
    except (ValueError, RecursionError) as error:
        raise OptionsError(f"--config: {path} is neither JSON nor TOML ({error})") from error
    options = content.get("options", content)
    if not isinstance(options, dict):
        raise OptionsError(f"--config: {path} has no table of options")
    return {name.replace("-", "_"): value for name, value in options.items()}


def _parse_toml(text: str) -> dict[str, object]:
    import tomllib  # most commands have no configuration file

    return tomllib.loads(text)


def _is_deeply_nested(text: str) -> bool:
    """Whether the text nests brackets, or joins parts of a key, more often than parsers handle in reasonable time."""
    depth = 0
    for bracket in re.findall(r"[][{}]", text):
        depth += 1 if bracket in "[{" else -1
        if depth > _MOST_NESTED:
            return True
    return any(line.partition("=")[0].count(".") > _MOST_NESTED for line in text.splitlines())
