"""Messages that have broken mail programs before, octet for octet as they are submitted.

Each specimen has CRLF line ends and says by which ways it can come in. `stored` is what a maildrop holds of it behind
the trace header: the same octets, the last line complete. `check_stored` is the one comparison that every test uses.

Must not know: how a message is submitted or read.
"""

import base64
import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

KIB = 1024
MIB = 1024 * KIB
INLINE = 64 * KIB
"""The size up to which the embedded store keeps a body in its index."""

TRACE = re.compile(rb"(?:(?:Return-Path|Delivered-To|Received):[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*)*", re.IGNORECASE)


class Way(StrEnum):
    """How a message comes in."""

    DATA = "data"  # by a client that ends the message with a complete line, as all do
    BDAT = "bdat"
    PUT = "put"


EVERY_WAY = frozenset(Way)


@dataclass(frozen=True, slots=True)
class Specimen:
    """One message. `is_plain`: a program that rewrites mail can be expected to keep its header fields and body."""

    name: str
    octets: bytes = field(repr=False)
    ways: frozenset[Way] = EVERY_WAY
    is_plain: bool = False

    @property
    def stored(self) -> bytes:
        """The octets that come back, behind the trace header."""
        return complete(self.octets)


def complete(octets: bytes) -> bytes:
    """The octets with their last line complete."""
    return octets if not octets or octets.endswith(b"\r\n") else octets + b"\r\n"


def check_stored(got: bytes, specimen: Specimen) -> None:
    """`got` is the specimen, with nothing in front but whole trace header fields."""
    expected = specimen.stored
    at = len(got) - len(expected)
    assert at >= 0, f"{specimen.name}: {-at} octets are missing, got {got[:200]!r}"
    if got[at:] != expected:
        wrong = next(i for i, (left, right) in enumerate(zip(got[at:], expected, strict=True)) if left != right)
        start = max(0, wrong - 20)
        seen, wanted = got[at:][start : wrong + 40], expected[start : wrong + 40]
        raise AssertionError(f"{specimen.name}: octet {wrong} of {len(expected)}: got {seen!r}, not {wanted!r}")
    assert TRACE.fullmatch(got[:at]), f"{specimen.name}: in front of it stands {got[:at]!r}"


def trace_of(got: bytes, specimen: Specimen) -> bytes:
    """The trace header that stands in front of the specimen."""
    return got[: len(got) - len(specimen.stored)]


def letter(name: str, body: bytes = b"Hello.\r\n", fields: Iterable[bytes] = ()) -> bytes:
    """A message with an ordinary header."""
    header = [
        b"From: Ali Usta <ali@sender.test>",
        b"To: someone@postane.test",
        b"Subject: " + name.encode(),
        b"Date: Sun, 22 Nov 2026 10:11:12 +0300",
        b"Message-ID: <" + re.sub("[^a-z0-9]+", "-", name).encode() + b"@sender.test>",
        *fields,
    ]
    return b"".join(line + b"\r\n" for line in header) + b"\r\n" + body


def corpus() -> Sequence[Specimen]:
    """All of them, in a fixed order."""
    return (*_plain(), *_lines_and_dots(), *_headers(), *_octets(), *_sizes())


def by_way(way: Way) -> list[Specimen]:
    """Those that can come in by `way`."""
    return [specimen for specimen in corpus() if way in specimen.ways]


def plain() -> list[Specimen]:
    """Those that any program carries unharmed."""
    return [specimen for specimen in corpus() if specimen.is_plain]


def _make(name: str, body: bytes, *, is_plain: bool = False) -> Specimen:
    return Specimen(name, letter(name, body), is_plain=is_plain)


def _plain() -> Iterable[Specimen]:
    utf8 = [b"MIME-Version: 1.0", b"Content-Type: text/plain; charset=utf-8", b"Content-Transfer-Encoding: 8bit"]
    latin = [b"MIME-Version: 1.0", b"Content-Type: text/plain; charset=iso-8859-9", b"Content-Transfer-Encoding: 8bit"]
    yield _make("ordinary", b"Good morning.\r\n\r\nThe parcel is at the counter.\r\n", is_plain=True)
    text = "Günaydın, paket gişede. 小包が届きました 📮\r\n".encode()
    yield Specimen("8-bit utf-8", letter("8-bit utf-8", text, utf8), is_plain=True)
    text = "Günaydın, şişe, ığdır\r\n".encode("iso-8859-9")
    yield Specimen("8-bit latin-5", letter("8-bit latin-5", text, latin), is_plain=True)
    yield _attachment()


def _attachment() -> Specimen:
    picture = base64.encodebytes(random.Random(1939).randbytes(MIB * 3 // 4)).replace(b"\n", b"\r\n")
    body = (
        b"--edge\r\nContent-Type: text/plain\r\n\r\nSee the picture.\r\n"
        b"--edge\r\nContent-Type: image/png; name=parcel.png\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + picture
        + b"--edge--\r\n"
    )
    fields = [b"MIME-Version: 1.0", b'Content-Type: multipart/mixed; boundary="edge"']
    return Specimen("1 MiB attachment", letter("1 MiB attachment", body, fields), is_plain=True)


def _lines_and_dots() -> Iterable[Specimen]:
    yield _make("lines of dots", b".\r\n..\r\n...\r\n....\r\n.x\r\n..x\r\nx.\r\n .\r\n", is_plain=True)
    yield _make("body of one dot", b".\r\n")
    yield _make("body of two dots", b"..\r\n")
    yield _make("first line a dot", b".\r\nThe rest.\r\n", is_plain=True)
    yield _make("last line a dot", b"The rest.\r\n.\r\n", is_plain=True)
    yield _make("last line a dot without end", b"The rest.\r\n.")
    yield _make("look-alikes of the end", b"\r\n.\r\n\r\n.\r\nQUIT\r\n\r\n..\r\n\r\nMAIL FROM:<x@y>\r\n.\r\n")
    yield _make("From lines", b"From the top\r\n>From below\r\n\r\nFrom ali@sender.test Sun Nov 22 10:11:12 2026\r\n")
    yield _make("blanks at line ends", b"soft \r\n tabs\t\t\r\n \t \r\n\t\r\n", is_plain=True)
    yield _make("empty lines", b"\r\n" * 50 + b"middle\r\n" + b"\r\n" * 50)
    yield _make("no final newline", b"The end comes suddenly")
    yield Specimen("starts with a dot", b".not a header\r\nSubject: starts with a dot\r\n\r\n.\r\n")


def _headers() -> Iterable[Specimen]:
    yield _make("empty body", b"", is_plain=True)
    yield Specimen("header only", letter("header only")[: -len(b"\r\nHello.\r\n")])
    yield Specimen("header only without end", b"Subject: header only without end")
    yield Specimen("empty header", b"\r\nThe body begins at once: empty header\r\n")
    yield Specimen("one empty line", b"\r\n")
    yield Specimen("nothing at all", b"", frozenset({Way.BDAT, Way.PUT}))
    many = [b"X-Field-%04d: value %d" % (number, number) for number in range(2000)]
    yield Specimen("2,000 header lines", letter("2,000 header lines", fields=many))
    folded = [b"References: " + b"\r\n ".join(b"<%06d@sender.test>" % number for number in range(1000))]
    yield Specimen("long folded header", letter("long folded header", fields=folded), is_plain=True)
    yield Specimen("header of 5,000 octets", letter("header of 5,000 octets", fields=[b"X-Long: " + b"y" * 4992]))
    yield Specimen("8-bit header", letter("8-bit header", fields=["X-Name: Çağrı Öztürk".encode()]))
    yield Specimen("no header at all", b"just words, no header at all\r\nand more\r\n")


def _octets() -> Iterable[Specimen]:
    yield _make("NUL", b"before\0after\r\n\0\r\n\0\0.\r\n.\0\r\n")
    every = bytes(octet for octet in range(256) if octet not in b"\r\n")
    yield _make("every octet", every + b"\r\n" + every[::-1] + b"\r\n")
    yield _make("5,000-octet lines", b"".join(bytes([97 + n]) * 5000 + b"\r\n" for n in range(20)))
    yield _make("line of 60,000 octets", b"z" * 60_000 + b"\r\nend\r\n")


def _sizes() -> Iterable[Specimen]:
    for size in (INLINE - 1, INLINE, INLINE + 1):
        head = letter(f"{size} octets", b"")
        yield Specimen(f"{size} octets", head + _filler(size - len(head)))
    for edge in (64 * KIB, 256 * KIB):
        for shift in (-3, -2, -1, 0, 1):
            yield _dot_at(edge + shift)
    yield _make("a MiB of dots", b".\r\n" * (MIB // 3))
    yield _make("a MiB of dot pairs", b"..\r\n" * (MIB // 4))


def _filler(octets: int) -> bytes:
    """So many octets of lines, the last one complete."""
    text = (b"x" * 62 + b"\r\n") * max(0, octets // 64 - 1)
    return text + b"y" * (octets - len(text) - 2) + b"\r\n"


def _dot_at(offset: int) -> Specimen:
    name = f"dot at {offset}"
    head = letter(name, b"")
    return Specimen(name, head + _filler(offset - len(head)) + b".a dot\r\n.\r\n..\r\n" + _filler(1000))
