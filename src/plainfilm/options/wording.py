# SPDX-License-Identifier: MIT
"""Spell the options in a message as Python does: `strict=True` where the command line says `--strict`."""

from __future__ import annotations

import re

from plainfilm.options.field import Option
from plainfilm.options.options import Options

# an option, and the word behind it, which may be its value
_FLAG = re.compile(r"(?<![\w-])--([a-z][a-z-]*[a-z])(?:(?P<space> )(?P<value>[\w.,:*+/-]*\w))?")
_PLACEHOLDER = re.compile(r"[A-Z][A-Z,]*|[A-Z](?:\.\.[A-Z]|x[A-Z])")
_NUMBERS = re.compile(r"[-\d.][\d.,x:-]*|[a-z]+:\d+")


def python_wording(message: str) -> str:
    """Return a message of the command line as a Python caller expects it.

    A switch becomes `name=True`, an option with a value `name="value"`, and any other option its name with underscores.
    Words that begin with `--` and are no option stay.
    """
    options = {option.flag: option for option in Options.declared()}

    def spell(match: re.Match[str]) -> str:
        option = options.get(f"--{match[1]}")
        if option is None:
            return match[0]
        space, value = match["space"] or "", match["value"] or ""
        if option.is_switch:
            return f"{option.name}=True{space}{value}"
        return f'{option.name}="{value}"' if _is_value(option, value) else f"{option.name}{space}{value}"

    return _FLAG.sub(spell, message)


def _is_value(option: Option, word: str) -> bool:
    """Whether the word behind an option is its value, or a placeholder for it, and not the next word of a sentence."""
    is_value = word in option.value_type.metavar.split("|") or _NUMBERS.fullmatch(word) is not None
    return bool(word) and (is_value or _PLACEHOLDER.fullmatch(word) is not None)
