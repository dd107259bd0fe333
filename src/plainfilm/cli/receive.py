# SPDX-License-Identifier: MIT
"""The command `plainfilm receive`: a DICOM listener that converts what it receives."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from plainfilm.cli.arguments import Parser, command_parser, environment, options_of, parse
from plainfilm.cli.file_argument import path_of_option
from plainfilm.cli.help import CommandHelp
from plainfilm.cli.output import print_lines, print_message
from plainfilm.cli.signals import stopping_on_signals
from plainfilm.cli.summary import summary_lines
from plainfilm.cli.variables import warn_of_unknown_variables
from plainfilm.conversion.summary import Run
from plainfilm.errors import OptionsError
from plainfilm.options.limits import parse_memory
from plainfilm.options.local_path import check_local
from plainfilm.options.options import Options
from plainfilm.receive.receiver import Receiver
from plainfilm.receive.settings import LOOPBACK, ListenerSettings, TlsSettings, parse_ae_title, parse_peer, parse_port
from plainfilm.receive.spool import RECEIVED

_NOT_FOR_A_LISTENER = (
    "source_column",
    "null",
    "shard",
    "shard_members",
    "overwrite",
    "prune",
    "watch",
    "dry_run",
    "progress",
)
_LISTENER_OPTIONS: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("--port N", {"default": "11112"}, "the port (default: 11112)"),
    ("--host ADDRESS", {"default": LOOPBACK}, f"the address to listen on (default: {LOOPBACK}, this machine alone)"),
    ("--ae-title AET", {"default": "PLAINFILM"}, "the AE title of the listener (default: PLAINFILM)"),
    (
        "--allow-peer AET@HOST",
        {"action": "append", "default": []},
        "a sender that may send, by its AE title and its address; may be repeated",
    ),
    (
        "--max-associations N",
        {"type": int, "default": 10},
        "the most senders that are connected at the same time (default: 10)",
    ),
    ("--max-object SIZE", {"default": "2GiB"}, "the largest instance that is accepted (default: 2GiB)"),
    ("--tls-cert FILE", {}, "use TLS with this certificate (PEM)"),
    ("--tls-key FILE", {}, "the key of the certificate (PEM)"),
    ("--tls-ca FILE", {}, "accept only senders with a certificate of this authority (PEM)"),
)
_HELP = CommandHelp(
    usage="plainfilm receive OUT [options]",
    description="Listen for DICOM senders (C-STORE), and convert what they send into the folder OUT. An instance is "
    f"acknowledged when it is stored durably in OUT/{RECEIVED}, which stays the source of the images. The "
    "DICOM network has no passwords: only this machine may send, unless --host and --allow-peer name other senders.",
    examples=(
        ("plainfilm receive out/", "senders of this machine"),
        ("plainfilm receive out/ --host 0.0.0.0 --allow-peer CR1@10.0.0.7", "one device of the network"),
    ),
    own_title="Listener",
    own_options=tuple((usage, meaning) for usage, _, meaning in _LISTENER_OPTIONS),
)


def receive_parser() -> Parser:
    """The parser of `plainfilm receive`."""
    names = [option.name for option in Options.declared() if option.name not in _NOT_FOR_A_LISTENER]
    parser = command_parser("receive", _HELP, names=names)
    parser.add_argument("out", metavar="OUT", help="the folder for the images and the received instances")
    for usage, settings, meaning in _LISTENER_OPTIONS:
        flag, _, metavar = usage.partition(" ")
        parser.add_argument(flag, metavar=metavar, help=meaning, **settings)
    return parser


def receive_command(argv: Sequence[str]) -> int:
    """Run `plainfilm receive` until a signal ends it, and return 0. Raises RunError."""
    arguments = parse(receive_parser(), argv)
    check_local(arguments.out, "OUT")
    options, out = options_of(arguments, environment(), without=_NOT_FOR_A_LISTENER), Path(arguments.out)
    if not options.run.quiet:
        warn_of_unknown_variables(environment())

    def show_run(run: Run) -> None:
        if not options.run.quiet:
            print_lines(summary_lines(run, [], out))

    receiver = Receiver(out, options, _settings(arguments), print_message, show_run)
    with stopping_on_signals(receiver):
        receiver.run()
    return 0


def _settings(arguments: Namespace) -> ListenerSettings:
    """The settings of the listener. Raises OptionsError."""
    files = (("--tls-cert", arguments.tls_cert), ("--tls-key", arguments.tls_key), ("--tls-ca", arguments.tls_ca))
    certificate, key, authority = (None if text is None else path_of_option(text, flag) for flag, text in files)
    if (certificate is None) != (key is None) or (authority is not None and certificate is None):
        raise OptionsError("TLS needs --tls-cert and --tls-key")
    if not 1 <= arguments.max_associations <= 100:
        raise OptionsError("--max-associations: give a number from 1 to 100")
    return ListenerSettings(
        arguments.host,
        parse_port(arguments.port),
        parse_ae_title(arguments.ae_title),
        tuple(map(parse_peer, arguments.allow_peer)),
        arguments.max_associations,
        parse_memory(arguments.max_object),
        None if certificate is None or key is None else TlsSettings(certificate, key, authority),
    )
