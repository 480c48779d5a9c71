"""The parcels that are handed to destinations, for whoever wants no destination with them: a process that dies soon."""

from postane.sinks.base import Parcel
from postane.sinks.content import MemoryContent, whole

ARRIVED = 1_700_000_000.25


def parcel(number: int, data: bytes | None = None, *, lead: bytes = b"X-Lead: of ours\r\n", **more: object) -> Parcel:
    """The parcel of that number."""
    content = MemoryContent(b"Subject: %d\r\n\r\nmessage %d\r\n" % (number, number) if data is None else data)
    given = {"sender": "wmt@example.org", "arrived": ARRIVED + number, **more}
    return Parcel(f"work/uidl-{number}", "work", content, lead, **given)  # type: ignore[arg-type]


def octets(parcel: Parcel) -> bytes:
    """All of it."""
    return b"".join(whole(parcel))
