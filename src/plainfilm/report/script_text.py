# SPDX-License-Identifier: MIT
"""Write values as JavaScript that is safe in every place: ASCII only, without `<`, `>` and `&`."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

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
    """A column whose values repeat: each value is written once, and the rows hold its number."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}
        self._rows: list[int] = []

    def add(self, value: str) -> None:
        """Append the value of a row."""
        self._rows.append(self._codes.setdefault(value, len(self._codes)))

    def to_json(self) -> Mapping[str, object]:
        """Return the distinct values and the number of the value of each row."""
        return {"values": list(self._codes), "rows": self._rows}
