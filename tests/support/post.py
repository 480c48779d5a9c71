"""Post a message and empty a box by the plainest means, for tests whose subject is something else."""

import smtplib
from collections.abc import Iterable, Sequence

from .corpus import Specimen, check_stored
from .postoffice import Mailbox, PostOffice
from .talk import Talk, log_in

SENDER = "ali@sender.test"


def deliver(office: PostOffice, mailbox: Mailbox, messages: Iterable[bytes]) -> None:
    """Deliver messages by LMTP over one connection."""
    with smtplib.LMTP(*office.lmtp) as lmtp:
        for message in messages:
            lmtp.sendmail(SENDER, [mailbox.address], message, ["BODY=8BITMIME"])


def fill(office: PostOffice, mailbox: Mailbox, specimens: Sequence[Specimen]) -> None:
    """Deliver specimens, in their order."""
    deliver(office, mailbox, [specimen.octets for specimen in specimens])


def read_all(office: PostOffice, mailbox: Mailbox) -> list[bytes]:
    """All messages of a box, left where they are."""
    with log_in(office.pop3, mailbox.name, mailbox.password) as talk:
        count = int(talk.ask(b"STAT").split()[1])
        messages = []
        for number in range(1, count + 1):
            assert talk.ask(b"RETR %d" % number).startswith(b"+OK")
            messages.append(talk.body())
        assert talk.ask(b"QUIT").startswith(b"+OK")
    return messages


def refused_login(office: PostOffice, mailbox: Mailbox) -> bytes:
    """The answer to the password of somebody who is not let in."""
    with Talk(office.pop3) as talk:
        assert talk.ask(b"USER " + mailbox.name.encode()).startswith(b"+OK")
        answer = talk.ask(b"PASS " + mailbox.password.encode())
    assert answer.startswith(b"-ERR")
    return answer


def count(office: PostOffice, mailbox: Mailbox) -> int:
    """How many messages a box holds."""
    with log_in(office.pop3, mailbox.name, mailbox.password) as talk:
        number = int(talk.ask(b"STAT").split()[1])
        assert talk.ask(b"QUIT").startswith(b"+OK")
    return number


def check_all(got: Sequence[bytes], specimens: Sequence[Specimen]) -> None:
    """What was read are the specimens, in their order."""
    assert len(got) == len(specimens)
    for message, specimen in zip(got, specimens, strict=True):
        check_stored(message, specimen)


def with_lf(octets: bytes) -> bytes:
    """The octets as programs keep them in files: a line ends with LF."""
    return octets.replace(b"\r\n", b"\n")
