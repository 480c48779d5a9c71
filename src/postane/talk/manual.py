"""One line of help for each verb, with the place in its RFC.

Must not know: which of them is allowed when.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """How a verb is used, what it does, and where that is written, if anywhere."""

    usage: str
    what: str
    source: str = ""

    @property
    def name(self) -> str:
        """The verb."""
        return self.usage.partition(" ")[0]

    @property
    def takes_number(self) -> bool:
        """Whether what comes behind it is, or may be, a message's number."""
        return self.usage.partition(" ")[2].partition(" ")[0].strip("[]").lower() == "n"

    @property
    def goes_on(self) -> bool:
        """Whether something has to come behind it."""
        rest = self.usage.partition(" ")[2]
        return bool(rest) and not rest.startswith("[")

    @property
    def meaning(self) -> str:
        """What it does, with the place."""
        return f"{self.what} ({self.source})" if self.source else self.what

    def __str__(self) -> str:
        return f"{self.usage}: {self.meaning}"


def _all_in(source: str, *entries: tuple[str, str]) -> tuple[Entry, ...]:
    return tuple(Entry(usage, what, source) for usage, what in entries)


_POP3 = (
    Entry("APOP name digest", "log in by the MD5 of the greeting's stamp and the secret; .apop does it", "RFC 1939 s7"),
    Entry("AUTH mechanism [response]", "log in by SASL; .login does it", "RFC 5034 s4"),
    Entry("CAPA", "what can this server do", "RFC 2449 s5"),
    Entry("DELE n", "mark message n as deleted; QUIT makes it so", "RFC 1939 s5"),
    Entry("LANG [tag]", "which languages there are, or speak this one", "RFC 6856 s3"),
    Entry("LAST", "the highest number that was accessed", "RFC 1460 s5"),
    Entry("LIST [n]", "numbers and sizes of the messages", "RFC 1939 s5"),
    Entry("NOOP", "do nothing", "RFC 1939 s5"),
    Entry("PASS string", "the password of the USER before it; alone, it is asked for", "RFC 1939 s7"),
    Entry("QUIT", "end the session; what is marked is deleted now", "RFC 1939 s6"),
    Entry("RETR n", "send message n", "RFC 1939 s5"),
    Entry("RPOP user", "log in by trust in the client's machine", "RFC 1225 s(The UPDATE State)"),
    Entry("RSET", "take all marks away", "RFC 1939 s5"),
    Entry("STAT", "how many messages, how many octets", "RFC 1939 s5"),
    Entry("STLS", "begin TLS", "RFC 2595 s4"),
    Entry("TOP n lines", "the header part of message n, and so many lines of its body", "RFC 1939 s7"),
    Entry("UIDL [n]", "the unique-ids of the messages", "RFC 1939 s7"),
    Entry("USER name", "whose maildrop; PASS follows", "RFC 1939 s7"),
    Entry("UTF8", "messages with UTF-8 in their headers are welcome", "RFC 6856 s2"),
    Entry("XTND words", "bulletin boards and other services", "RFC 1082 s(The XTND Command)"),
)

_POP2 = _all_in(
    "RFC 937 s(Definitions of Commands and Replies)",
    ("ACKD", "the message has come, delete it"),
    ("ACKS", "the message has come, keep it"),
    ("FOLD mailbox", "go on with another mailbox"),
    ("HELO user password", "log in"),
    ("NACK", "the message has not come whole"),
    ("QUIT", "end the session"),
    ("READ [n]", "how long is message n, or the current one"),
    ("RETR", "send the message whose length was told"),
)

_POP1 = _all_in(
    "RFC 918 s(Definitions of Commands and Replies)",
    ("NOOP", "do nothing"),
    ("PASS password", "the password of the USER before it; alone, it is asked for"),
    ("QUIT", "end the session"),
    ("RCEV", "send the mailbox whose length was told; also written RECV"),
    ("RCVD", "the mailbox has come; after RDEL it is deleted now"),
    ("RDEL [mailbox]", "begin to read a mailbox, and delete it then"),
    ("RETR [mailbox]", "begin to read a mailbox"),
    ("RSET", "give up what was begun"),
    ("USER name", "whose mailbox; PASS follows"),
)

_SMTP = (
    Entry("AUTH mechanism [response]", "log in by SASL; .login does it", "RFC 4954 s4"),
    Entry("BDAT size [LAST]", "so many octets of the message follow", "RFC 3030 s2"),
    Entry("DATA", "the message follows, up to a line with a single dot", "RFC 5321 s4.1.1.4"),
    Entry("EHLO host", "who we are; what can this server do", "RFC 5321 s4.1.1.1"),
    Entry("EXPN list", "who is on a mailing list", "RFC 5321 s4.1.1.7"),
    Entry("HELO host", "who we are", "RFC 5321 s4.1.1.1"),
    Entry("HELP [word]", "what the server has to say about itself", "RFC 5321 s4.1.1.8"),
    Entry("LHLO host", "who we are; what can this server do", "RFC 2033 s4.1"),
    Entry("MAIL FROM:<address>", "begin a message, from this sender", "RFC 5321 s4.1.1.2"),
    Entry("NOOP", "do nothing", "RFC 5321 s4.1.1.9"),
    Entry("QUIT", "end the session", "RFC 5321 s4.1.1.10"),
    Entry("RCPT TO:<address>", "a recipient of the message", "RFC 5321 s4.1.1.3"),
    Entry("RSET", "give up the message", "RFC 5321 s4.1.1.5"),
    Entry("STARTTLS", "begin TLS", "RFC 3207 s4"),
    Entry("VRFY name", "is there such a user", "RFC 5321 s4.1.1.6"),
    Entry("XCLIENT name=value", "speak for another client; for mail servers that are trusted", "Postfix"),
)


def _by_verb(entries: tuple[Entry, ...]) -> Mapping[str, Entry]:
    return {entry.name: entry for entry in entries}


MANUAL: Mapping[str, Mapping[str, Entry]] = {
    "POP3": _by_verb(_POP3),
    "POP2": _by_verb(_POP2),
    "POP1": _by_verb(_POP1),
    "SMTP": _by_verb(_SMTP),
}
"""By protocol and verb; LMTP is SMTP here."""

ORDERS: Mapping[str, Entry] = _by_verb(
    (
        Entry(".help [VERB]", "what may be said now, or about one verb; .help . about these"),
        Entry(".login [NAME [MECHANISM]]", "log in by the strongest means, or by this one; the password is asked for"),
        Entry(".apop [NAME]", "log in by APOP"),
        Entry(".starttls", "begin TLS"),
        Entry(".tls", "what TLS has settled, the certificate and its pin"),
        Entry(".capa", "ask what the server can do"),
        Entry(".show N", "fetch message N and make it readable"),
        Entry(".raw N", "fetch message N and show its lines as they are"),
        Entry(".save FILE [N]", "write message N, or the last one that came, into a new file"),
        Entry(".send FILE", "send a message from a file: DATA, dots stuffed, the end"),
        Entry(".respond TEXT", "answer a SASL challenge; the text is coded in base64"),
        Entry(".say LINE", "say a line that begins with a dot or slash"),
        Entry(".lines [COUNT]", "show only so many lines of a body; without COUNT all of them"),
        Entry(".transcript [FILE]", "write what passes into a new file; without FILE end that"),
        Entry(".wait SECONDS", "listen so long"),
        Entry(".quit", "say QUIT where that is possible, and go"),
    )
)
"""What is for us and not for the server. A slash does as well as the dot."""
