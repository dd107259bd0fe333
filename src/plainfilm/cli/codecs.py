# SPDX-License-Identifier: MIT
"""`plainfilm codecs`: the table of codecs -> what this installation decodes and encodes, what is missing and why."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby

from plainfilm.cli.arguments import Parser, parse
from plainfilm.cli.output import write_text
from plainfilm.decode.codecs import CodecStatus, codec_status
from plainfilm.encode.table import encoder_status


def codecs_command(words: Sequence[str]) -> int:
    """Run `plainfilm codecs`."""
    description = "What this installation can decode and encode, and what is missing and why."
    parser = Parser(prog="plainfilm codecs", usage="plainfilm codecs [--json]", description=description)
    parser.add_argument("--json", action="store_true", help="as JSON")
    arguments = parse(parser, words)
    decoders, encoders = codec_status(), encoder_status()
    if arguments.json:
        content = {"decode": [asdict(row) for row in decoders], "encode": [asdict(row) for row in encoders]}
        write_text(json.dumps(content, indent=2) + "\n")
        return 0
    lines = ["decode\n", *(_lines_of(list(rows)) for _, rows in groupby(decoders, lambda row: row.transfer_syntax))]
    lines.append("encode\n")
    for encoder in encoders:
        depths = " and ".join(str(bits) for bits in encoder.bits)
        lines.append(f"  yes  {encoder.format}, {depths} bits\n       {encoder.library} {encoder.version}\n")
        if encoder.missing is not None:
            lines.append(f"       missing, and faster: {encoder.missing}\n")
    write_text("".join(lines))
    return 0


def _lines_of(rows: list[CodecStatus]) -> str:
    """A transfer syntax and under it the rows that serve it, the first one first."""
    first = rows[0]
    served = "yes" if any(row.available for row in rows) else "no "
    found = [f"{row.row} {row.version if row.available else f'missing: {row.missing}'}".lstrip() for row in rows]
    return f"  {served}  {first.name} ({first.transfer_syntax})\n" + "".join(f"       {text}\n" for text in found)
