"""A process that delivers one large message and tells by how many MiB that made it grow.

Run as a program: `sink_large.py KIND WHERE OCTETS`; WHERE is a folder, or the port of a server.
"""

import asyncio
import dataclasses
import resource
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from postane.maildrop.embedded import embedded_store
from postane.net.base import Target, TlsMode, TlsPolicy
from postane.net.dial import dial
from postane.sinks.base import Sink
from postane.sinks.command import CommandSink
from postane.sinks.content import Spool
from postane.sinks.maildir import MaildirSink
from postane.sinks.maildrop import MaildropSink
from postane.sinks.mbox import MboxSink
from postane.sinks.smtp import SmtpSink
from postane.sinks.smtp_session import SmtpServerAt
from postane.smtp.states import Dialect
from support.parcels import parcel

KINDS: Mapping[str, Callable[[str], Sink]] = {
    "maildir": lambda where: MaildirSink(f"{where}/M"),
    "mbox": lambda where: MboxSink(f"{where}/m"),
    "maildrop": lambda where: MaildropSink(embedded_store(Path(where)), "anna"),
    "command": lambda _: CommandSink("cat > /dev/null"),
    "smtp": lambda where: SmtpSink(
        dial, SmtpServerAt(Target("127.0.0.1", int(where), TlsPolicy(TlsMode.NONE)), Dialect.SMTP, "x"), ["a@b.c"]
    ),
}


async def main(kind: str, where: str, size: int) -> None:
    """Deliver a small one, then the large one."""
    sink = KINDS[kind](where)
    await sink.open()
    await sink.deliver([parcel(1)])
    spool = Spool()
    block = b"0123456789abcdef" * 4095 + b"01234567890123\r\n"
    for _ in range(size // len(block)):
        spool.write(bytes(bytearray(block)))
    before = _peak()
    (answer,) = await sink.deliver([dataclasses.replace(parcel(2), content=spool.finish())])
    print(answer.outcome.value, _peak() - before, flush=True)
    spool.discard()
    await sink.close()


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (2**20 if sys.platform == "darwin" else 2**10)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
