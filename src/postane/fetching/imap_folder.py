"""A folder of an IMAP server, as the sink for it wants it.

Must not know: what is put there.
"""

import asyncio
import imaplib
import re
from collections.abc import Iterator
from contextlib import contextmanager

from postane.client.login import Plaintext
from postane.credentials.base import NoSecret, SecretSource
from postane.imap.errors import ImapError, NoFolder
from postane.imap.session import ImapSession
from postane.net.base import Target
from postane.sinks.base import Fault, SinkError
from postane.sinks.imap import ImapSink, NotTaken

from .imap import enter_imap
from .pem_files import check_sink_files

_LASTING = re.compile(r"\[(TOOBIG|CANNOT|LIMIT)\]|\bBAD\b")
"""RFC 9051 s7.1: what the server will never take."""


class FolderOnServer:
    """An ImapFolder."""

    def __init__(self, session: ImapSession, folder: str) -> None:
        self._session = session
        self._folder = folder

    def lacks(self) -> bool:
        """Whether the folder is to be made."""
        with _told():
            return self._session.folders.lacks(self._folder)

    def make(self) -> bool:
        """Make the folder; False: it is there."""
        with _told():
            return self._session.folders.make(self._folder)

    def append(self, octets: bytes, arrived: float) -> None:
        """Put a message into it."""
        with _told():
            try:
                self._session.append(self._folder, octets, arrived)
            except ImapError as error:
                if _is_answer(error):
                    raise NotTaken(error.text, may_pass=_LASTING.search(error.text) is None) from error
                raise

    def has(self, field: str, value: str) -> bool:
        """Whether a message in it has this in a header field."""
        with _told():
            self._session.select(self._folder, is_for_reading=True)
            return bool(self._session.having(field, value))

    def values(self, field: str) -> Iterator[str]:
        """What stands in a header field of all messages that have it."""
        with _told():
            self._session.select(self._folder, is_for_reading=True)
            yield from self._session.values(field)

    def is_alive(self) -> bool:
        """Whether the server still answers."""
        return self._session.is_alive()

    def close(self) -> None:
        """Log out."""
        self._session.close()

    def abort(self) -> None:
        """End the connection at once."""
        self._session.abort()


def imap_sink(target: Target, name: str, plaintext: Plaintext, secret: SecretSource, folder: str) -> ImapSink:
    """A sink that has not begun."""

    async def enter() -> FolderOnServer:
        await check_sink_files(target)
        try:
            given = await secret.get()
        except NoSecret as error:
            raise SinkError(f"{target}: {error.text}", may_pass=error.may_pass, fault=Fault.LOGIN) from error
        try:
            session = await asyncio.to_thread(enter_imap, target, name, plaintext, given)
        except ImapError as error:
            if error.is_login:
                await secret.refuse()
            raise _sink_error(error) from error
        return FolderOnServer(session, folder)

    return ImapSink(f"{name}@{target}/{folder}", enter)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except ImapError as error:
        raise _sink_error(error) from error


def _sink_error(error: ImapError) -> SinkError:
    if isinstance(error, NoFolder):
        return SinkError(error.text, may_pass=False, fault=Fault.SETTING)
    is_unbelieved = error.is_trust or error.is_nonsense
    fault = Fault.LOGIN if error.is_login else Fault.TRUST if is_unbelieved else Fault.PLACE
    return SinkError(error.text, may_pass=error.may_pass, fault=fault)


def _is_answer(error: ImapError) -> bool:
    """Whether the server has said no, in place of having gone."""
    return isinstance(error.__cause__, imaplib.IMAP4.error) and not isinstance(error.__cause__, imaplib.IMAP4.abort)
