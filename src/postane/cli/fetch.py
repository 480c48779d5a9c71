"""`postane fetch`: mail from other servers into Maildirs, mbox files, commands, other servers, maildrops.

What is not the name of a sub-command is the name of an account: `postane fetch work` fetches one, `postane fetch` all.
"""

import asyncio
import contextlib
import gc
import json as json_
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from postane.config.fetch_file import advice, find_fetch_config, load_fetch_config
from postane.config.fetching import Account, FetchConfig
from postane.fetch.progress import Progress
from postane.fetch.run import Job
from postane.fetch.schedule import Schedule
from postane.journal.base import Listed

from .common import Exit, Failure, JsonOption, print_json, run, show
from .fetch_show import as_json, exit_code, report, shown

FetchConfigOption = Annotated[
    Path | None,
    typer.Option("-c", "--config", metavar="FILE", help="fetch.toml.", show_default="fetch.toml if there"),
]
AccountsArgument = Annotated[
    list[str] | None, typer.Argument(metavar="ACCOUNT", help="Accounts of fetch.toml; none: all.", show_default=False)
]


class Nameless(TyperCommand):
    """A group's command that people call by the group's name: so it is named in its help and its complaints."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """As if it stood in the place of the group."""
        return super().make_context(parent.info_name, args, parent=parent.parent, **extra)


class AccountsOrCommand(TyperGroup):
    """A group that takes the names of accounts too: they go to its command `run`."""

    nameless = "run"

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `run` in front where no other command is named."""
        named = next((each for each in args if not each.startswith("-")), None)
        is_first = bool(args) and args[0] == named
        return super().parse_args(ctx, args if is_first and named in self.commands else ["run", *args])


class Stopped(Failure):
    """A signal has ended it, in good order."""


def fetch(
    accounts: AccountsArgument = None,
    watch: Annotated[bool, typer.Option("--watch", help="Go on, each account as often as its `every` says.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Say only what went wrong.")] = False,
    json: JsonOption = False,
    config: FetchConfigOption = None,
) -> None:
    """Fetch mail from other servers: deliver it, record it, then delete it there, if it is not to be kept.

    Nothing is lost and nothing doubled, whenever it is interrupted. Several accounts are fetched at once; one that
    fails does not stop the others. Ends with 0 (also when there was nothing), 75 or 69 where trying again later may
    help, 77 for a refused login, 78 for a bad configuration.

    See also: postane fetch add, postane fetch state, postane fetch login, postane fetch check.

    Example: postane fetch -c fetch.toml work
    """
    gc.set_threshold(50_000, 20, 100)  # what is made for a message goes with it: there is little to look for
    path = find_fetch_config(config)
    settings = load_fetch_config(path)
    chosen = choose(settings, accounts or [])
    for words in advice(path, settings):
        typer.echo(f"warning: {show(words)}", err=True)
    if watch and dry_run:
        raise Failure("--watch and --dry-run do not go together", Exit.USAGE)
    if watch:
        with contextlib.suppress(Stopped):
            run(_until_signal(_watch(settings, chosen, json=json, is_quiet=quiet)))
        return
    if dry_run:
        progresses = run(_describe(settings, chosen, json=json))
    else:
        progresses = run(_until_signal(_fetch(settings, chosen, json=json, is_quiet=quiet)))
    if code := exit_code(progresses):
        raise typer.Exit(code)


def choose(settings: FetchConfig, names: Sequence[str]) -> list[Account]:
    """The accounts that a person named; without names those that are enabled. Raises Failure."""
    if not settings.account:
        raise Failure("there is no account to fetch: add one: postane fetch add you@example.org", Exit.CONFIG)
    known = {account.name: account for account in settings.account}
    for name in names:
        if name not in known:
            raise unknown_account(settings, name)
    return (
        [known[name] for name in dict.fromkeys(names)] if names else [each for each in settings.account if each.enabled]
    )


def unknown_account(settings: FetchConfig, name: str) -> Failure:
    """Nobody is called that."""
    known = ", ".join(show(account.name) for account in settings.account) or "none"
    return Failure(f"no account {show(name)} in fetch.toml: there is {known}", Exit.USAGE)


def ask_password(prompt: str) -> str | None:
    """Ask somebody at the terminal; None where nobody is there."""
    if not sys.stdin.isatty():
        return None
    import getpass

    return getpass.getpass(prompt)


async def _fetch(settings: FetchConfig, chosen: list[Account], *, json: bool, is_quiet: bool) -> list[Progress]:
    from postane.fetching.house import opened_rounds

    async with opened_rounds(settings, chosen, ask_password) as rounds:
        progresses = rounds.progresses()
        with shown(progresses, is_quiet=is_quiet or json):
            await rounds.once(progresses)
    if json:
        print_json({"accounts": [as_json(progress) for progress in progresses]})
        return progresses
    for progress in progresses:
        if not is_quiet or progress.worst is not None:
            report(progress)
    return progresses


async def _describe(settings: FetchConfig, chosen: list[Account], *, json: bool) -> list[Progress]:
    from postane.fetching.house import opened_rounds

    told: list[dict[str, object]] = []

    def teller(name: str) -> Callable[[Listed, str], None]:
        def tell(listed: Listed, fate: str) -> None:
            told.append({"account": name, "number": listed.number, "key": listed.key, "octets": listed.octets})
            told[-1]["would"] = fate
            if not json:
                typer.echo(
                    f"{show(name)}: message {listed.number}, {listed.octets} octets: {fate} ({show(listed.key)})"
                )

        return tell

    async with opened_rounds(settings, chosen, ask_password) as rounds:
        progresses = rounds.progresses()
        await rounds.once(progresses, teller)
    if json:
        print_json({"accounts": [as_json(progress) for progress in progresses], "messages": told})
        return progresses
    for progress in progresses:
        if progress.worst is not None:
            report(progress)
        else:
            count = sum(each["account"] == progress.account for each in told)
            typer.echo(f"{show(progress.account)}: {progress.listed} listed, something to do about {count}; not done")
    return progresses


async def _watch(settings: FetchConfig, chosen: list[Account], *, json: bool, is_quiet: bool) -> list[Progress]:
    from postane.fetching.house import opened_rounds

    def tell(progress: Progress) -> None:
        has_news = progress.messages or progress.deleted or progress.worst is not None
        if json:  # a line for each run
            typer.echo(json_.dumps({"at": time.time(), **as_json(progress)}, ensure_ascii=False))
            sys.stdout.flush()
        elif has_news and not (is_quiet and progress.worst is None):
            report(progress)

    every = {account.name: account.every for account in chosen}

    def schedule(job: Job) -> Schedule:
        return Schedule(every[job.account.name], random.random)

    if sys.stderr.isatty() and not is_quiet:
        names = ", ".join(show(account.name) for account in chosen)
        typer.echo(f"watching {names}; what comes and what goes wrong is told; Ctrl-C ends it", err=True)
    async with opened_rounds(settings, chosen, ask_password, ended=tell) as rounds:
        await rounds.watch(schedule)
    return []


async def _until_signal(work: Coroutine[Any, Any, list[Progress]]) -> list[Progress]:
    """Do it, until SIGTERM or SIGINT: what is being delivered then is delivered and recorded. The second one ends it
    at once, which loses nothing either: the next run finds out what was delivered."""
    task = asyncio.create_task(work)
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if task.cancelling():
            os._exit(Exit.TEMP_FAIL)
        typer.echo("stopping: what is being delivered is recorded first; once more ends it at once", err=True)
        task.cancel()

    with contextlib.suppress(NotImplementedError):  # Windows
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop)
    try:
        return await task
    except asyncio.CancelledError:
        raise Stopped("stopped; what was fetched is delivered and recorded", Exit.TEMP_FAIL) from None
