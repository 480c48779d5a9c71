"""The line that the log gets of each session when it is over.

Must not know: how a line is written down, what a protocol's verbs are.
"""

from structlog.typing import FilteringBoundLogger

from postane.net.stream import Stream

from .record import Ending, SessionRecord


def tell_session(log: FilteringBoundLogger, record: SessionRecord, stream: Stream, now: float) -> None:
    """Tell of a session that is over; `now` is in seconds since the epoch. What is not known is left out."""
    peer, tls = record.peer, stream.tls
    facts: dict[str, object] = {"session": record.session, "service": record.service, "peer": peer.host}
    if peer.speaker is not None:
        facts["speaker"] = peer.speaker.host
    if tls is not None:
        facts["tls"] = tls.version
    if record.account is not None:
        facts["account"] = record.account
    if record.credential is not None:
        facts["credential"] = record.credential
    if record.mechanism is not None:
        facts["mechanism"] = record.mechanism
    facts["messages"] = record.messages
    facts["octets"] = record.octets
    facts["deleted"] = record.deleted
    facts["commands"] = record.commands
    facts["seconds"] = round(now - record.since, 3)
    facts["ending"] = record.ending.value
    if record.trouble is not None:
        facts["why"] = record.trouble
    if _is_noise(record, stream):
        log.debug("session", **facts)
    else:
        log.info("session", **facts)


def _is_noise(record: SessionRecord, stream: Stream) -> bool:
    """A proxy looks in every second; others on this machine (`postane doctor`) look whether there is a greeting."""
    if stream.is_probe:
        return record.account is None and not record.messages
    return not record.commands and record.ending is Ending.DROPPED and record.peer.is_loopback
