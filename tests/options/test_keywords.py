# SPDX-License-Identifier: MIT
"""The types of the Python keywords agree with the declarations of the options."""

from __future__ import annotations

from typing import Literal, get_args, get_origin, get_type_hints

import pytest

from plainfilm.options.field import Option, Scope
from plainfilm.options.keywords import RunKeywords
from plainfilm.options.options import Options
from plainfilm.options.write_keywords import KEYWORDS_FILE, keywords_source

HINTS = get_type_hints(RunKeywords)
DECLARED = {option.name: option for option in Options.declared(Scope.IMAGE, Scope.RUN)}


def words_of(name: str) -> list[object]:
    """The values of the Literal in the type of a keyword."""
    kinds = (HINTS[name], *get_args(HINTS[name]))
    return [value for kind in kinds if get_origin(kind) is Literal for value in get_args(kind)]


def test_the_generated_file_is_up_to_date() -> None:
    assert KEYWORDS_FILE.read_text(encoding="utf-8") == keywords_source(), (
        "keywords.py does not match the declared options: run `python -m plainfilm.options.write_keywords`"
    )


def test_every_option_of_python_is_a_keyword_and_no_other() -> None:
    assert set(HINTS) == set(DECLARED)


@pytest.mark.parametrize("option", DECLARED.values(), ids=lambda option: option.name)
def test_the_words_of_a_keyword_are_those_of_the_command_line(option: Option) -> None:
    words = words_of(option.name)
    assert [option.value_type.parse(word) for word in words] == words
    if words:
        assert "|".join(map(str, words)) == option.value_type.metavar
    assert option.is_switch is (HINTS[option.name] is bool)
