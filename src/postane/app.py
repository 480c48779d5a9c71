"""Where the parts are chosen and joined: from a configuration to stores that work.

Nothing else in the house names a concrete store.
"""

import socket

from postane.accounts.local import LocalAccounts
from postane.config.model import Config
from postane.maildrop.drop import JoinedStore
from postane.maildrop.file_blobs import FileBlobs
from postane.maildrop.sqlite_index import SqliteIndex


def host_name(config: Config) -> str:
    """The name that greetings and header fields carry."""
    return config.hostname or socket.getfqdn() or "localhost"


def open_maildrops(config: Config) -> JoinedStore:
    """The maildrop store that the configuration names."""
    raise NotImplementedError


def open_accounts(config: Config) -> LocalAccounts:
    """The account store that the configuration names."""
    raise NotImplementedError
