# SPDX-License-Identifier: MIT
"""The command `plainfilm codecs`: what this installation decodes and encodes, what is missing and why."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby

from plainfilm.cli.arguments import Parser, parse
from plainfilm.cli.output import write_text
from plainfilm.decode.codecs import CodecStatus, codec_status
from plainfilm.encode.table import EncoderStatus, encoder_status


def codecs_parser() -> Parser:
    """The parser of `plainfilm codecs`."""
    description = "Show what this installation can decode and encode, and what is missing and why."
    parser = Parser(prog="plainfilm codecs", usage="plainfilm codecs [--json]", description=description)
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def codecs_command(argv: Sequence[str]) -> int:
    """Run `plainfilm codecs` and return its exit code."""
    arguments = parse(codecs_parser(), argv)
    decoders, encoders = codec_status(), encoder_status()
    if arguments.json:
        content = {"decode": [asdict(row) for row in decoders], "encode": [asdict(row) for row in encoders]}
        write_text(json.dumps(content, indent=2) + "\n")
        return 0
    by_transfer_syntax = groupby(decoders, lambda row: row.transfer_syntax)
    decoder_text = "".join(_decoder_text(list(rows)) for _, rows in by_transfer_syntax)
    encoder_text = "".join(map(_encoder_text, encoders))
    write_text(f"decode\n{decoder_text}encode\n{encoder_text}")
    return 0


def _decoder_text(rows: list[CodecStatus]) -> str:
    """A line for a transfer syntax, and a line for each decoder of it, in the order in which they are tried."""
    answer = "yes" if any(row.available for row in rows) else "no "
    decoders = [f"{row.row} {row.version if row.available else f'missing: {row.missing}'}".lstrip() for row in rows]
    lines = [f"  {answer}  {rows[0].name} ({rows[0].transfer_syntax})", *(f"       {decoder}" for decoder in decoders)]
    return "".join(f"{line}\n" for line in lines)


def _encoder_text(encoder: EncoderStatus) -> str:
    """The lines for an encoder, with the faster one that is missing."""
    depths = " and ".join(str(bits) for bits in encoder.bits)
    text = f"  yes  {encoder.format}, {depths} bits\n       {encoder.library} {encoder.version}\n"
    return text if encoder.missing is None else f"{text}       missing, and faster: {encoder.missing}\n"
