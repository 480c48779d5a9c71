"""`postane fetch` as a command with options: mail from other servers into Maildirs, mbox files, and so on.

What is not the name of a sub-command is the name of an account: `postane fetch work` fetches one, `postane fetch` all.

Must not know: how it is done (`fetch_run`).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from postane.config.fetch_file import find_fetch_config, load_fetch_config
from postane.config.problems import ConfigError

from .common import JsonOption, PlainCommand
from .fetch_run import Asked, fetch_accounts

SUMMARIES: Mapping[str, str] = {
    "add": "Add an account to fetch.toml.",
    "check": "Say whether fetch.toml can be used.",
    "login": "Let this program in by OAuth.",
    "state": "Show and change what is known of messages.",
}
"""The commands beside the names of accounts. They are imported one by one, so their own words are not at hand."""


def complete_account(ctx: typer.Context) -> list[str]:
    """For Tab: the accounts of fetch.toml that were not named yet; none where it cannot be read."""
    try:
        settings = load_fetch_config(find_fetch_config(ctx.params.get("config")))
    except (ConfigError, OSError):
        return []
    named = ctx.params.get("accounts") or ()
    return [account.name for account in settings.account if account.name not in named]


def complete_word(ctx: typer.Context) -> list[str | tuple[str, str]]:
    """For Tab behind `postane fetch`: commands too, in the first place."""
    commands = [] if ctx.params.get("accounts") else list(SUMMARIES.items())
    return [*commands, *complete_account(ctx)]


FetchConfigOption = Annotated[
    Path | None,
    typer.Option(
        "-c",
        "--config",
        metavar="FILE",
        help="fetch.toml; else the one here, in ~/.config/postane or /etc/postane.",
        show_default=False,
    ),
]
AccountsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="ACCOUNT",
        help="Accounts of fetch.toml; none: all.",
        show_default=False,
        autocompletion=complete_account,
    ),
]
AccountArgument = Annotated[
    str, typer.Argument(metavar="ACCOUNT", help="An account of fetch.toml.", autocompletion=complete_account)
]


class Nameless(PlainCommand):
    """A group's command that people call by the group's name: so it is named in its help and its complaints."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """As if it stood in the place of the group."""
        return super().make_context(parent.info_name, args, parent=parent.parent, **extra)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """The commands of the group stand behind its own."""
        super().format_options(ctx, formatter)
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))


class AccountsOrCommand(TyperGroup):
    """A group that takes the names of accounts too: they go to its command `run`."""

    nameless = "run"

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `run` in front where no other command is named."""
        named = next((each for each in args if not each.startswith("-")), None)
        is_first = bool(args) and args[0] == named
        return super().parse_args(ctx, args if is_first and named in self.commands else ["run", *args])


def fetch(
    accounts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ACCOUNT",
            help="Accounts of fetch.toml; none: all.",
            show_default=False,
            autocompletion=complete_word,
        ),
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Go on, each account as often as its `every` says.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Say only what went wrong.")] = False,
    json: JsonOption = False,
    config: FetchConfigOption = None,
) -> None:
    """Fetch mail from other servers: deliver it, record it, then delete it there, if it is not to be kept.

    Nothing is lost and nothing doubled, whenever it is interrupted. Several accounts are fetched at once; one that
    fails does not stop the others. Ends with 0 (also when there was nothing), 75 or 69 where trying again later may
    help, 77 where nobody gets in as it is allowed, 78 for a bad configuration.

    Example: postane fetch --dry-run work
    """
    if code := fetch_accounts(Asked(tuple(accounts or ()), watch, dry_run, quiet, json, config)):
        raise typer.Exit(code)
