"""`postane fetch state`: what is known of fetched messages, and how to change one's mind."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from postane.config.fetch_file import find_fetch_config, load_fetch_config
from postane.config.fetching import FetchConfig
from postane.fetch.errors import FetchError
from postane.fetch.progress import Progress
from postane.fetch.run import Job
from postane.journal.base import Counts, Entry, Journal, JournalError, Step
from postane.sinks.base import SinkError

from .common import JsonOption, print_table
from .fetch import AccountArgument, FetchConfigOption, complete_account
from .fetch_run import Window, ask_password, choose, unknown_account
from .fetch_show import CODES
from .words import Exit, Failure, ResultT, moment, print_json, run, show

app = typer.Typer(no_args_is_help=True, help="Look at what was fetched, and change it.")

KeysArgument = Annotated[
    list[str] | None, typer.Argument(metavar="KEY", help="These messages only, as `list` names them.")
]
StepOption = Annotated[
    list[Step] | None,
    typer.Option("--step", metavar="STEP", help=f"Only messages at this step, one of {', '.join(Step)}. Repeatable."),
]


@app.command(
    "list", short_help="Show what is known of messages.", epilog="Example: postane fetch state list work --step seen"
)
def list_(
    account: Annotated[
        str | None,
        typer.Argument(
            metavar="ACCOUNT",
            help="Its messages; without it all accounts, counted.",
            autocompletion=complete_account,
        ),
    ] = None,
    step: StepOption = None,
    json: JsonOption = False,
    config: FetchConfigOption = None,
) -> None:
    """Show what is known: of all accounts in numbers, or of one account message by message."""
    settings = load_fetch_config(find_fetch_config(config))
    if account is not None and account not in {each.name for each in settings.account}:
        counts = run(_with_journal(settings, lambda journal: journal.counts()))
        if account not in {each.account for each in counts}:
            raise unknown_account(settings, account)
    if account is None:
        _show_counts(run(_with_journal(settings, lambda journal: journal.counts())), json=json)
    else:
        _show_entries(run(_with_journal(settings, lambda journal: _entries(journal, account, step or ()))), json=json)


@app.command(short_help="Forget messages: they are fetched again.", epilog="Example: postane fetch state forget work")
def forget(
    account: AccountArgument,
    keys: KeysArgument = None,
    config: FetchConfigOption = None,
) -> None:
    """Forget messages: what the server still has of them is fetched again.

    Destinations are not asked: what a Maildir or an mbox has still is there twice then. To fetch only what they do not
    have any more, run `postane fetch state rebuild` after it.
    """
    settings = load_fetch_config(find_fetch_config(config))
    is_fetched = account in {each.name for each in settings.account}
    if is_fetched and not keys:
        from postane.fetch.tending import forget as forget_all

        count = run(_with_journal(settings, lambda journal: forget_all(journal, account)))
    else:
        count = run(_with_journal(settings, lambda journal: journal.forget(account, keys or None)))
    if not count and not is_fetched:
        raise unknown_account(settings, account)
    typer.echo(f"{show(account)}: {count} forgotten")
    if keys and (unknown := len(set(keys)) - count):
        which = "none of these is" if not count else f"{unknown} of these {'is' if unknown == 1 else 'are'} not"
        raise Failure(f"{which} known: see postane fetch state list {show(account)}", Exit.DATA)


@app.command(
    "mark-seen", short_help="Leave all that is at the server now.", epilog="Example: postane fetch state mark-seen work"
)
def mark_seen(
    account: AccountArgument,
    keys: KeysArgument = None,
    config: FetchConfigOption = None,
) -> None:
    """Leave all that is at the server now: only what comes later is fetched.

    With keys, leave these messages: a destination refuses one for good, or nobody wants it.
    """
    from postane.fetch.tending import mark_seen as mark

    count = _tend(account, config, partial(mark, keys=frozenset(keys) if keys else None))
    typer.echo(
        f"{show(account)}: {count} marked as seen (state list: skipped); they stay at the server and are not fetched"
    )
    if not count and keys:
        raise Failure(
            "nothing of this is at the server and waits to be fetched: see postane fetch state list", Exit.DATA
        )


@app.command(short_help="Ask the destinations what was delivered.", epilog="Example: postane fetch state rebuild work")
def rebuild(account: AccountArgument, config: FetchConfigOption = None) -> None:
    """Find out from the destinations what was delivered, and fetch nothing: what they have is not fetched again then.

    A run that finds nothing in the state, because it was lost, does so too.

    Only destinations that can tell are of use: Maildir, mbox, a maildrop, an IMAP folder; a command or a mail server
    cannot be asked.
    """
    from postane.fetch.tending import rebuild as make_anew

    async def ask(job: Job, journal: Journal, progress: Progress) -> int:
        silent = [show(sink.name) for sink in job.sinks if not sink.can_tell]
        if silent and len(silent) == len(job.sinks):
            leave = f"postane fetch state mark-seen {show(account)}"
            words = f"{show(account)}: {', '.join(silent)} cannot be asked; to leave what is at the server: {leave}"
            raise Failure(words, Exit.DATA)
        for name in silent:
            typer.echo(f"{show(account)}: {name} cannot be asked: it gets what is at the server once more", err=True)
        return await make_anew(job, journal, progress)

    count = _tend(account, config, ask)
    typer.echo(f"{show(account)}: {count} found at its destinations and recorded")


def _tend(account: str, config: Path | None, work: Callable[[Job, Journal, Progress], Awaitable[int]]) -> int:
    from postane.fetching.house import opened_rounds

    settings = load_fetch_config(find_fetch_config(config))
    chosen = choose(settings, [account])

    async def tend() -> int:
        window = Window(ask_password, is_quiet=False)
        async with opened_rounds(settings, chosen, window.ask) as rounds:
            (progress,) = rounds.progresses()
            with window.showing([progress]):
                return await work(rounds.jobs[0], rounds.journal, progress)

    try:
        return run(tend())
    except FetchError as error:
        raise Failure(f"{account}: {error.text}", CODES[error.trouble]) from error
    except (JournalError, SinkError) as error:
        raise Failure(f"{account}: {error.text}", Exit.TEMP_FAIL if error.may_pass else Exit.IO_ERROR) from error


async def _entries(journal: Journal, account: str, steps: Sequence[Step]) -> list[Entry]:
    return [entry async for entry in journal.entries(account, steps=steps)]


async def _with_journal(settings: FetchConfig, work: Callable[[Journal], Awaitable[ResultT]]) -> ResultT:
    from postane.fetching.house import open_journal

    journal = open_journal(settings)
    try:
        return await work(journal)
    except JournalError as error:
        raise Failure(error.text, Exit.TEMP_FAIL if error.may_pass else Exit.IO_ERROR) from error
    finally:
        await journal.close()


def _show_counts(counts: Sequence[Counts], *, json: bool) -> None:
    rows = [
        {
            "account": each.account,
            **{step.value: each.steps.get(step, 0) for step in Step},
            "last_run": None if each.last_run is None else moment(each.last_run),
            "ended": each.is_clean,
        }
        for each in counts
    ]
    if json:
        print_json(rows)
        return
    steps = {step.value: step.value for step in Step}
    columns = {"account": "account", **steps, "last_run": "last fetched", "ended": "ended well"}
    print_table(rows, columns, empty="nothing was fetched yet")


def _show_entries(entries: Sequence[Entry], *, json: bool) -> None:
    rows = [
        {
            "key": each.key,
            "step": each.step.value,
            "octets": each.octets,
            "seen": moment(each.seen),
            "delivered": None if each.delivered is None else moment(each.delivered),
            "attempts": each.attempts,
            "reason": each.reason or None,
        }
        for each in entries
    ]
    if json:
        print_json(rows)
        return
    columns = {"key": "key", "step": "step", "octets": "octets", "seen": "seen", "delivered": "delivered"}
    if any(row["reason"] for row in rows):
        columns["reason"] = "reason"
    print_table(rows, columns, empty="nothing is known of this account", long="reason", spare="seen")
