"""`postane fetch` as a command with options: mail from other servers into Maildirs, mbox files, and so on.

What is not the name of a sub-command is the name of an account: `postane fetch work` fetches one, `postane fetch` all.

Must not know: how it is done (`fetch_run`).
"""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from .common import JsonOption, PlainCommand
from .fetch_run import Asked, fetch_accounts

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
    list[str] | None, typer.Argument(metavar="ACCOUNT", help="Accounts of fetch.toml; none: all.", show_default=False)
]


class Nameless(PlainCommand):
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
    help, 77 where nobody gets in as it is allowed, 78 for a bad configuration.

    See also: postane fetch add, postane fetch state, postane fetch login, postane fetch check.

    Example: postane fetch --dry-run work
    """
    if code := fetch_accounts(Asked(tuple(accounts or ()), watch, dry_run, quiet, json, config)):
        raise typer.Exit(code)
