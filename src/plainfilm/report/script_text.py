# SPDX-License-Identifier: MIT
"""Write values as JavaScript that is safe in every place: ASCII only, without `<`, `>` and `&`."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping

MARK = "/* plainfilm report */"
"""The first line of every script file of a report, by which such a file is recognised before it is replaced."""

_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def script_call(function: str, value: object) -> bytes:
    """Return a script that calls a global function with one value of JSON.

    The escapes of JSON cover `</script>`, U+2028 and lone surrogates, so that the value cannot end the script.
    """
    text = json.dumps(value, separators=(",", ":"), allow_nan=False).translate(_ESCAPES)
    return f"{MARK}\n{function}({text});\n".encode("ascii")


def rounded(value: float | None, digits: int = 4) -> float | int | None:
    """Return a number with few digits, as an integer where it is one; None for a value that is missing or no number."""
    if type(value) is int:
        return value
    if value is None or not math.isfinite(value):
        return None
    short = round(float(value), digits)
    return int(short) if short == int(short) else short


class CodedColumn:
    """A column whose values repeat: each text is written once, and the rows hold its number.

    text_of: returns the text of a value, and is called once for each distinct value.
    """

    def __init__(self, text_of: Callable[[str], str] = str) -> None:
        self._text_of = text_of
        self._codes_of_values: dict[str, int] = {}
        self._codes: dict[str, int] = {}
        self.rows: list[int] = []

    def code_of(self, value: str) -> int:
        """Return the number of the text of a value."""
        code = self._codes_of_values.get(value)
        if code is None:
            code = self._codes.setdefault(self._text_of(value), len(self._codes))
            self._codes_of_values[value] = code
        return code

    def add(self, value: str) -> None:
        """Append the value of a row."""
        self.rows.append(self.code_of(value))

    @property
    def texts(self) -> list[str]:
        """The distinct texts, by number."""
        return list(self._codes)

    def to_json(self) -> Mapping[str, object]:
        """Return the distinct texts and the number of the text of each row."""
        return {"values": self.texts, "rows": self.rows}
