"""`postane fetch login`: let this program in by OAuth."""

import asyncio
import sys
import time
from typing import Annotated

import typer

from postane.config.fetch_file import find_fetch_config, load_fetch_config
from postane.credentials.base import NoSecret
from postane.credentials.browser import Page
from postane.credentials.device import DeviceCode

from .fetch import AccountArgument, FetchConfigOption
from .fetch_run import choose
from .words import Exit, Failure, run, show


def login(
    account: AccountArgument,
    port: Annotated[
        int, typer.Option(metavar="PORT", help="Where your browser comes back to on this machine; 0: any.")
    ] = 0,
    config: FetchConfigOption = None,
) -> None:
    """Let this program fetch an account's mail by OAuth: you open a page and say yes, or type a code, once.

    Where your browser is on another machine its last address, which leads nowhere there, can be pasted here.

    Example: postane fetch login work
    """
    from postane.fetching.origins import owner_of
    from postane.fetching.secrets import open_account_tokens

    settings = load_fetch_config(find_fetch_config(config))
    (table,) = choose(settings, [account])
    if table.password is None or table.password.oauth is None:
        raise Failure(f'{show(account)} has no password = {{ oauth = "..." }} in fetch.toml', Exit.CONFIG)
    tokens = open_account_tokens(settings, table.password.oauth, owner_of(table))
    try:
        run(tokens.log_in(_show_code, Page(_show_page, time.time, port, _paste if sys.stdin.isatty() else None)))
    except NoSecret as error:
        raise Failure(error.text, Exit.TEMP_FAIL if error.may_pass else Exit.NO_PERMISSION) from error
    typer.echo(f"{show(account)} may be fetched now: postane fetch {show(account)}")


def _show_code(code: DeviceCode) -> None:
    until = time.strftime("%H:%M", time.localtime(time.time() + code.life))
    typer.echo(f"Open {show(code.url)} and type the code {show(code.user_code)}, before {until}.")
    if code.full_url:
        typer.echo(f"Or open {show(code.full_url)}")


def _show_page(url: str) -> None:
    typer.echo(f"Open this page in your browser, and say yes:\n{show(url)}")


async def _paste() -> str:
    """A line that is typed. No thread waits for it: one would still wait when the browser was faster."""
    typer.echo("Or paste the address that your browser ends at:", err=True)
    loop = asyncio.get_running_loop()
    typed: asyncio.Future[None] = loop.create_future()

    def note() -> None:
        if not typed.done():
            typed.set_result(None)

    loop.add_reader(sys.stdin.fileno(), note)
    try:
        await typed
        return sys.stdin.readline()
    finally:
        loop.remove_reader(sys.stdin.fileno())
