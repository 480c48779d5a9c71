"""What `postane fetch` does: mail from other servers into Maildirs, mbox files, commands, other servers, maildrops.

A usual command line is read here: the library that reads any takes a third of the time that a small fetch takes.

Must not know: how anything is fetched.
"""

import asyncio
import contextlib
import gc
import os
import signal
import sys
from collections.abc import Callable, Collection, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from postane.config.fetch_file import advice, find_fetch_config, load_fetch_config
from postane.config.fetching import COMMANDS, Account, FetchConfig
from postane.fetch.progress import Progress
from postane.journal.base import Listed

from .fetch_show import as_json, exit_code, report
from .words import Exit, Failure, ResultT, print_json, run, say, show

if TYPE_CHECKING:
    from .fetch_screen import Screen

FLAGS: Mapping[str, str] = {
    "--watch": "watch",
    "--dry-run": "dry_run",
    "-q": "quiet",
    "--quiet": "quiet",
    "--json": "json",
}
"""The options of `postane fetch` that take nothing, and what they set."""

CURSOR = b"\x1b[?25h"
"""What makes a terminal's cursor visible."""


LOOK = 0.5
"""Seconds between two looks whether somebody waits."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a command line asks for."""

    accounts: tuple[str, ...] = ()
    watch: bool = False
    dry_run: bool = False
    quiet: bool = False
    json: bool = False
    config: Path | None = None


def read_plainly(arguments: Sequence[str]) -> Asked | None:
    """What usual words behind `postane fetch` ask for; None: they are not for this command, or somebody else has to
    read them."""
    accounts, flags, config = [], {}, None
    words = iter(arguments)
    for word in words:
        if word in FLAGS:
            flags[FLAGS[word]] = True
        elif word in ("-c", "--config") and (path := next(words, "-")):
            config = Path(path)
            if path.startswith("-"):
                return None
        elif word.startswith("-") or word in COMMANDS:
            return None
        else:
            accounts.append(word)
    return Asked(tuple(accounts), **flags, config=config)


class Stopped(Failure):
    """A signal has ended it, in good order."""


def fetch_accounts(asked: Asked) -> Exit:
    """Fetch, and tell of it; what to end with. Raises Failure, ConfigError."""
    gc.set_threshold(50_000, 20, 100)  # what is made for a message goes with it: there is little to look for
    path = find_fetch_config(asked.config)

    def read() -> tuple[FetchConfig, Sequence[Account]]:
        settings = load_fetch_config(path)
        chosen = choose(settings, asked.accounts)
        for words in advice(path, settings):
            say(f"warning: {show(words)}", err=True)
        return settings, chosen

    settings, chosen = read()
    if asked.watch and asked.dry_run:
        raise Failure("--watch and --dry-run do not go together", Exit.USAGE)
    if not chosen and not asked.quiet:
        say(f"no account is enabled in {show(path)}: nothing is fetched", err=True)
    if asked.watch:
        with contextlib.suppress(Stopped):
            run(_watch(settings, chosen, asked, read))
        return Exit.OK
    if asked.dry_run:
        return exit_code(run(_describe(settings, chosen, asked)))
    return exit_code(run(_until_signal(_fetch(settings, chosen, asked))))


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
    import difflib  # for who mistypes

    names = [account.name for account in settings.account]
    near = difflib.get_close_matches(name, [*names, *COMMANDS], n=1)
    meant = f"; did you mean postane fetch {show(near[0])}?" if near else ""
    known = ", ".join(map(show, names)) or "none"
    return Failure(f"no account {show(name)} in fetch.toml: there is {known}{meant}", Exit.USAGE)


def ask_password(prompt: str) -> str | None:
    """Ask somebody at the terminal; None where nobody is there."""
    if not sys.stdin.isatty():
        return None
    from .asking import type_password

    return type_password(prompt)


class Window:
    """Where a terminal looks on: a live table on it, in a pipe `tell` says who waits. `ask` asks somebody there for a
    password."""

    def __init__(
        self,
        ask: Callable[[str], str | None],
        *,
        is_quiet: bool,
        tell: Callable[[str], None] = lambda words: say(words, err=True),
    ) -> None:
        self._ask = ask
        self._tell = tell
        self._is_quiet = is_quiet
        self._is_open = not is_quiet and sys.stderr.isatty()
        self._screen: Screen | None = None
        self._is_given_up = False

    @contextlib.contextmanager
    def showing(self, progresses: Collection[Progress]) -> Iterator[None]:
        """Show how far the runs are, while they go on, where somebody looks; they may become others."""
        if not self._is_open:
            loop = asyncio.get_running_loop()
            telling = None if self._is_quiet else loop.create_task(_tell_waits(progresses, self._tell))
            try:
                yield
            finally:
                if telling is not None:
                    telling.cancel()
            return
        from .fetch_screen import Screen  # with a large library, and only for those who look

        self._screen = Screen(progresses)
        try:
            with self._screen.drawn():
                yield
        finally:
            self._screen = None

    def ask(self, prompt: str) -> str | None:
        """Ask somebody; what is drawn is out of the way as long. Who gave up once is asked no more: another account may
        want to ask before it hears of that."""
        if self._is_given_up:
            raise asyncio.CancelledError
        try:
            with contextlib.nullcontext() if self._screen is None else self._screen.hidden():
                return self._ask(prompt)
        except asyncio.CancelledError:
            self._is_given_up = True
            raise


async def _tell_waits(progresses: Collection[Progress], tell: Callable[[str], None]) -> None:
    """Who waits long is told why, once for each time."""
    told: dict[str, str] = {}
    while True:
        await asyncio.sleep(LOOK)
        for each in progresses:
            if each.waits_for and each.waits_for != told.get(each.account):
                tell(f"{show(each.account)}: {show(each.waits_for)}")
            told[each.account] = each.waits_for


async def _fetch(settings: FetchConfig, chosen: Sequence[Account], asked: Asked) -> list[Progress]:
    from postane.fetching.house import opened_rounds

    window = Window(ask_password, is_quiet=asked.quiet or asked.json)
    async with opened_rounds(settings, chosen, window.ask) as rounds:
        progresses = rounds.progresses()
        try:
            with window.showing(progresses):
                await rounds.once(progresses)
        except asyncio.CancelledError:
            _tell([each for each in progresses if each.ended is not None], asked)
            raise
    _tell(progresses, asked)
    return progresses


def _tell(progresses: Sequence[Progress], asked: Asked) -> None:
    if asked.json:
        print_json({"accounts": [as_json(progress) for progress in progresses]})
        return
    for progress in progresses:
        if not asked.quiet or progress.worst is not None:
            report(progress)


async def _describe(settings: FetchConfig, chosen: Sequence[Account], asked: Asked) -> list[Progress]:
    from postane.fetching.house import opened_rounds

    told: list[dict[str, object]] = []

    def teller(name: str) -> Callable[[Listed, str], None]:
        def tell(listed: Listed, fate: str) -> None:
            told.append({"account": name, "number": listed.number, "key": listed.key, "octets": listed.octets})
            told[-1]["would"] = fate
            if not asked.json:
                say(f"{show(name)}: message {listed.number}, {listed.octets} octets: {fate} ({show(listed.key)})")

        return tell

    window = Window(ask_password, is_quiet=True)
    async with opened_rounds(settings, chosen, window.ask) as rounds:
        progresses = rounds.progresses()
        await rounds.once(progresses, teller)
    if asked.json:
        print_json({"accounts": [as_json(progress) for progress in progresses], "messages": told})
        return progresses
    for progress in progresses:
        if progress.worst is not None:
            report(progress)
        else:
            count = sum(each["account"] == progress.account for each in told)
            say(f"{show(progress.account)}: {progress.listed} listed, something to do about {count}; not done")
            if progress.note:
                say(f"{show(progress.account)}: {show(progress.note)}", err=True)
    return progresses


async def _watch(
    settings: FetchConfig,
    chosen: Sequence[Account],
    asked: Asked,
    read: Callable[[], tuple[FetchConfig, Sequence[Account]]],
) -> None:
    from .fetch_watch import Teller, Watch, choose_stamp

    teller = Teller(choose_stamp(), asked.quiet, asked.json)
    window = Window(ask_password, is_quiet=asked.quiet or asked.json, tell=teller.say)
    watch = Watch(read, teller, window.ask, window.showing)
    await _until_signal(watch.go(settings, chosen), watch.reread)


async def _until_signal(work: Coroutine[Any, Any, ResultT], reread: Callable[[], None] | None = None) -> ResultT:
    """Do it, until SIGTERM or SIGINT: what is being delivered then is delivered and recorded. The second one ends it
    at once, which loses nothing either: the next run finds out what was delivered. SIGHUP asks to `reread`, where it
    does not mean that the terminal is gone."""
    task = asyncio.create_task(work)
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if task.cancelling():
            if sys.stderr.isatty():  # where a table was drawn without a cursor
                os.write(2, CURSOR)
            os._exit(Exit.TEMP_FAIL)
        task.cancel()
        with contextlib.suppress(OSError):  # nobody may read that any more
            say("stopping: what is being delivered is recorded first; once more ends it at once", err=True)

    with contextlib.suppress(NotImplementedError):  # Windows
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop)
        if reread is not None and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup
            is_seen = sys.stdin.isatty() or sys.stderr.isatty()
            loop.add_signal_handler(signal.SIGHUP, task.cancel if is_seen else reread)
    try:
        return await task
    except asyncio.CancelledError:
        raise Stopped("stopped; what was fetched is delivered and recorded", Exit.TEMP_FAIL) from None
