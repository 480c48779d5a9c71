"""From a destination of fetch.toml to a sink.

Must not know: where the mail comes from.
"""

from postane.config.fetching import Account, Deliver, FetchConfig
from postane.config.problems import ConfigError
from postane.sinks.base import Sink


def open_sinks(config: FetchConfig, account: Account) -> list[Sink]:
    """All destinations of an account. Raises ConfigError."""
    sinks = [open_sink(config, account, table) for table in account.deliver]
    names = [sink.name for sink in sinks]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ConfigError(f"account {account.name}: {twice} is there twice: leave one of them out")
    return sinks


def open_sink(config: FetchConfig, account: Account, table: Deliver) -> Sink:
    """A destination; nothing is made before it is used. Raises ConfigError.

    Each kind is imported where it is wanted: most people have one.
    """
    if table.maildir is not None:
        from postane.sinks.line_ends import LineEnds
        from postane.sinks.maildir import MaildirSink

        return MaildirSink(str(table.maildir), line_ends=LineEnds(table.line_ends))
    if table.mbox is not None:
        from postane.sinks.mbox import MboxSink

        return MboxSink(str(table.mbox), lock_wait=table.timeout)
    if table.command is not None:
        from postane.sinks.command import CommandSink

        return CommandSink(table.command, timeout=table.timeout)
    if table.maildrop is not None:
        from .post_office import PostOfficeSink

        return PostOfficeSink(table.config, table.maildrop)
    from .mail_servers import open_imap, open_smtp

    return open_imap(config, account, table) if table.imap is not None else open_smtp(config, account, table)
