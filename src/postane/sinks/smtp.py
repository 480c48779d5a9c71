"""A mail server as a sink: messages are sent on to it by SMTP, or by LMTP, for fixed recipients or for those that a
parcel names.

One connection serves a run. Each recipient is answered for by a reply of the server: 4xx means later, 5xx never
(RFC 5321 s4.2.1). Recipients that have got a message are not sent it again, where others have not. Line
ends that are not CRLF are mended: nothing else may be sent (RFC 5321 s2.3.8).

Must not know: where mail comes from.
"""

import time
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial

from postane.mail.address import Address, BadAddress, parse_mailbox
from postane.net.base import Dial
from postane.smtp.replies import Reply
from postane.smtp.states import Dialect
from postane.wire.chart import Outcome as Answered
from postane.wire.crlf import Mender

from .base import Delivery, Outcome, Parcel, SinkError
from .content import IN_MEMORY, SpoolError, whole
from .failures import deferred, refused
from .smtp_session import SmtpServerAt, SmtpSession, in_short
from .srs import rewrite
from .thread import OneThread

SIDE_CODES = frozenset({530, 535, 538})
"""RFC 4954 s6: the server wants a login or TLS first. That is about us, not about a message."""


class SenderKind(StrEnum):
    """Whom the envelope names as the sender."""

    ORIGINAL = "original"  # who sent it to us
    NULL = "null"  # nobody: nothing bounces
    FIXED = "fixed"
    SRS = "srs"  # the original one, rewritten as an address of ours


@dataclass(frozen=True, slots=True)
class SenderChoice:
    """The envelope's sender. `address` is for FIXED; `domain` and `secret` are for SRS."""

    kind: SenderKind = SenderKind.ORIGINAL
    address: str = ""
    domain: str = ""
    secret: bytes = field(default=b"", repr=False)

    def choose(self, original: str) -> Address | None:
        """The sender for a message; None: the null one, also for what is no address. Raises BadAddress for FIXED."""
        if self.kind is SenderKind.FIXED:
            return parse_mailbox(self.address, utf8=True)
        if self.kind is SenderKind.NULL or not original:
            return None
        try:
            sender = parse_mailbox(original, utf8=True)
        except BadAddress:
            return None
        return sender if self.kind is SenderKind.ORIGINAL else rewrite(sender, self.domain, self.secret, time.time())


class SmtpSink:
    """A Sink that is an SMTP or LMTP server. `recipients` get what does not say itself whom it is
    for."""

    can_tell = False
    group = 1

    def __init__(
        self, dial: Dial, at: SmtpServerAt, recipients: Sequence[str] = (), sender: SenderChoice | None = None
    ) -> None:
        self.is_new = False
        self.name = f"{at.dialect.lower()}:{at.target}"
        self._dial = dial
        self._at = at
        self._recipients = tuple(recipients)
        self._sender = sender or SenderChoice()
        self._session: SmtpSession | None = None
        self._thread = OneThread("postane-smtp")

    async def open(self) -> None:
        """Connect, so that what cannot work is told before anything is fetched. Raises SinkError."""
        if self._session is None:
            self._session = await SmtpSession.connect(self._dial, self._at)

    async def find(self, keys: Collection[str]) -> set[str]:
        """None: a server cannot tell."""
        return set()

    async def resembling(self, wanted: Mapping[str, str]) -> set[str]:
        """None: a server cannot tell."""
        return set()

    async def deliver(self, parcels: Sequence[Parcel]) -> Sequence[Delivery]:
        """Send them. Raises SinkError where the server cannot be reached, or where it is not known what it has done."""
        return [await self._deliver(parcel) for parcel in parcels]

    async def close(self) -> None:
        """Say goodbye."""
        session, self._session = self._session, None
        if session is not None:
            await session.quit()
        await self._thread.close()

    async def _deliver(self, parcel: Parcel) -> Delivery:
        try:
            sender = self._sender.choose(parcel.sender)
            wanted = self._named(parcel.recipients) or [self._parse(each) for each in dict.fromkeys(self._recipients)]
        except BadAddress as error:
            return refused(f"{self._at.target}: {error}")
        if not wanted:
            return refused(f"{self._at.target}: nobody is named to send it to")
        left = [each for each in wanted if str(each) not in parcel.done]
        if not left:
            return Delivery(Outcome.PRESENT)
        try:
            replies = await self._send(sender, left, parcel)
        except SpoolError as error:
            return deferred(error.text)
        if isinstance(replies, Delivery):
            return replies
        accepted = [str(each) for each, reply in zip(left, replies, strict=True) if reply.outcome is Answered.ACCEPTED]
        return replace(self._judge(left, replies), done=(*parcel.done, *accepted))

    def _named(self, recipients: Sequence[str]) -> list[Address]:
        """Those that a message names. One that is no address keeps it from no other."""
        wanted = []
        for each in dict.fromkeys(recipients):
            with suppress(BadAddress):
                wanted.append(self._parse(each))
        return wanted

    def _parse(self, recipient: str) -> Address:
        return parse_mailbox(recipient, utf8=True, is_domain_optional=self._at.dialect is Dialect.LMTP)

    async def _send(
        self, sender: Address | None, recipients: Sequence[Address], parcel: Parcel
    ) -> list[Reply] | Delivery:
        """The replies, or what stands in their way. A connection that was kept may be gone: then another one is made,
        unless the message was sent."""
        if self._session is not None and self._session.is_over:
            self._drop(self._session)
        for is_kept in (self._session is not None, False):
            if self._session is None:
                self._session = await SmtpSession.connect(self._dial, self._at)
            session = self._session
            octets = len(parcel.lead) + parcel.content.octets
            if (problem := self._problem(session, octets, (sender, *recipients))) is not None:
                return problem
            try:
                return await session.send(sender, recipients, self._chunks(parcel), octets)
            except SinkError:
                self._drop(session)
                if session.is_sent or not is_kept:
                    raise
            except BaseException:
                self._drop(session)
                raise
        raise AssertionError("the second round ends in one way or the other")

    def _drop(self, session: SmtpSession) -> None:
        session.abort()
        self._session = None

    def _problem(self, session: SmtpSession, octets: int, named: Sequence[Address | None]) -> Delivery | None:
        limit = session.extensions.size
        if limit is not None and octets > limit:  # RFC 1870 s6.1
            return refused(f"{self._at.target} takes messages of {limit} octets at most; this one has {octets}")
        needs_utf8 = next((each for each in named if each is not None and not each.is_ascii), None)
        if needs_utf8 is not None and "SMTPUTF8" not in session.extensions:  # RFC 6531 s3.2
            return refused(f"{self._at.target} takes no address like {needs_utf8}")
        return None

    async def _chunks(self, parcel: Parcel) -> AsyncIterator[bytes]:
        mender, chunks = Mender(), whole(parcel)
        if parcel.content.octets <= IN_MEMORY:
            yield mender.feed(b"".join(chunks)) + mender.finish()
            return
        while chunk := await self._thread.run(partial(next, chunks, b"")):
            yield mender.feed(chunk)
        yield mender.finish()

    def _judge(self, recipients: Sequence[Address], replies: Sequence[Reply]) -> Delivery:
        """The worst that can still be mended: as long as one may get it later, it is not refused."""
        refusals = [
            (each, reply)
            for each, reply in zip(recipients, replies, strict=True)
            if reply.outcome is not Answered.ACCEPTED
        ]
        if not refusals:
            return Delivery(Outcome.DELIVERED)
        for _, reply in refusals:
            if reply.code in SIDE_CODES:
                raise SinkError(f"{self._at.target}: {in_short(reply)}", may_pass=False)
        later = [refusal for refusal in refusals if refusal[1].code < 500]
        address, reply = (later or refusals)[0]
        reason = f"{self._at.target}: {address}: {in_short(reply)}"
        return deferred(reason) if later else refused(reason)
