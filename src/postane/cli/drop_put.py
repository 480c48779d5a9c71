"""`postane drop put`: local delivery for scripts and MTAs, as safe as by SMTP.

Exit code 75 asks an MTA to try again: it is given for everything that may pass, and for a store that needs a person
first, so that no message bounces because of it.
"""

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Annotated, cast

import typer

from postane.config.model import Config
from postane.maildrop.base import Addressee, Letter, MaildropError, MaildropStore, Receipt
from postane.wire.crlf import Mender

from .common import ConfigOption, JsonOption, read_config
from .drops import find_account, no_account, opened_maildrops
from .words import Exit, Failure, print_json, run, show

EXAMPLE = "Example: postane drop put anna < message.eml"

BLOCK = 64 * 1024
"""Octets that are read at once."""


def put(
    name: Annotated[str, typer.Argument(metavar="NAME", help="An account, or one of its addresses.")],
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE", help='A message each; none, or "-": standard input.', show_default=False),
    ] = None,
    sender: Annotated[str, typer.Option(metavar="ADDRESS", help="Who sent it: the envelope's sender.")] = "",
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Put messages into a maildrop; when the command is done without an error, they are on the disk.

    Line ends become those of mail (CR LF), nothing else is changed or added.
    """
    told: Callable[[Receipt], None] = (lambda _: None) if json else _tell
    receipts: list[Receipt] = []
    try:
        run(_put(_Delivery(read_config(config), name, sender, files or [Path("-")]), receipts, told))
    finally:
        if json:
            print_json([{"uid": r.uid, "uidl": r.uidl, "octets": r.octets, "drop": r.drop} for r in receipts])


@dataclass(frozen=True, slots=True)
class _Delivery:
    config: Config
    name: str
    sender: str
    files: list[Path]


async def _put(delivery: _Delivery, receipts: list[Receipt], told: Callable[[Receipt], None]) -> None:
    account = await find_account(delivery.config, delivery.name)
    if account is None:
        raise no_account(delivery.name)
    addressee = Addressee(account.drop, quota=account.quota)
    async with opened_maildrops(delivery.config) as store:
        for path in delivery.files:
            try:
                receipt = await _put_one(store, path, Letter(delivery.sender, time.time()), addressee)
            except MaildropError as error:
                # A damaged drop too needs a person first and the message again then: nothing may bounce.
                raise Failure(f"{show(delivery.name)}: {error.log}", Exit.TEMP_FAIL) from error
            receipts.append(receipt)
            told(receipt)


async def _put_one(store: MaildropStore, path: Path, letter: Letter, addressee: Addressee) -> Receipt:
    spool = store.spool()
    try:
        mender = Mender()
        with _opened_input(path) as source, _interruptible():
            while octets := source.read1(BLOCK):
                await spool.write(mender.feed(octets))
        await spool.write(mender.finish())
        (outcome,) = await store.deposit(spool, letter, [addressee])
    finally:
        await spool.discard()
    if isinstance(outcome, MaildropError):
        raise outcome
    return outcome


def _opened_input(path: Path) -> AbstractContextManager[BufferedReader]:
    if str(path) == "-":
        if sys.stdin.isatty():
            typer.echo("Type the message, header first; Ctrl-D on a line of its own ends it.", err=True)
        return nullcontext(cast(BufferedReader, sys.stdin.buffer))
    try:
        return open(path, "rb")
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}", Exit.NO_INPUT) from error


@contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C ends a read that waits for somebody to type: the event loop's own handler would wait for the loop."""
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


def _tell(receipt: Receipt) -> None:
    typer.echo(f"{show(receipt.drop)}: message {receipt.uid}, {receipt.octets} octets, unique-id {receipt.uidl}")
