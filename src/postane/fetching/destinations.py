"""From a destination of fetch.toml to a sink.

Must not know: where the mail comes from.
"""

from postane.config.fetching import Account, Deliver, FetchConfig
from postane.config.text import ConfigError
from postane.sinks.base import Sink
from postane.sinks.line_ends import LineEnds
from postane.sinks.maildir import MaildirSink


def open_sink(config: FetchConfig, account: Account, table: Deliver) -> Sink:
    """A destination; nothing is made before it is used. Raises ConfigError."""
    if table.maildir is not None:
        return MaildirSink(str(table.maildir), line_ends=LineEnds(table.line_ends))
    raise ConfigError(f"account {account.name}: {table.kind} is not there yet")
