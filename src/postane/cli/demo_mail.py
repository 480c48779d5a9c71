"""The letters that wait in the demo's maildrop: the kinds of mail that mail programs must get right.

Everything is made here, pictures too; nothing is read from a file.
"""

import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

FIRST = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
"""When the first letter is said to have come; the others follow day by day."""


@dataclass(frozen=True, slots=True)
class SampleLetter:
    """A letter as it would have come in: `trace` is put before `octets`."""

    sender: str
    arrived: float
    trace: bytes = field(repr=False)
    octets: bytes = field(repr=False)


def sample_mail() -> Iterator[SampleLetter]:
    """The letters, oldest first."""
    makers = (_welcome, _turkish, _picture, _japanese, _attachments, _dots)
    for day, make in enumerate(makers):
        arrived = FIRST + timedelta(days=day, minutes=17 * day)
        message = make()
        message["To"] = "demo@localhost"
        message["Date"] = format_datetime(arrived)
        message["Message-ID"] = f"<sample-{day + 1}@postane.example>"
        sender = message["From"].addresses[0].addr_spec
        trace = f"Return-Path: <{sender}>\r\nDelivered-To: demo@localhost\r\n".encode("ascii")
        yield SampleLetter(sender, arrived.timestamp(), trace, message.as_bytes(policy=SMTP))


def _letter(sender: str, subject: str, text: str) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["Subject"] = subject
    message.set_content(text)
    return message


def _welcome() -> EmailMessage:
    text = (
        "This maildrop is yours.\n\nEvery letter here can be read with any POP3 client, kept or deleted,\n"
        "and new ones come in by SMTP. Nothing leaves this machine.\n"
    )
    return _letter("Postane <postmaster@postane.example>", "Welcome to the post office", text)


def _turkish() -> EmailMessage:
    text = "Merhaba,\n\nPostane açıldı: mektuplar gelir, bekler ve sahibine verilir.\nĞ ğ İ ı Ş ş Ç ç Ö ö Ü ü\n"
    return _letter("Gülşen Yıldız <gulsen@postane.example>", "Postane açıldı: ilk mektup", text)


def _picture() -> EmailMessage:
    message = _letter("Ada Stamp <ada@postane.example>", "A picture for you 🖼️📮", "The stamp is in the HTML part.\n")
    message.add_alternative('<p>Today&rsquo;s stamp:</p><p><img src="cid:stamp" alt="a stamp"></p>', subtype="html")
    html = message.get_payload(1)
    assert isinstance(html, EmailMessage), "add_alternative makes a multipart of two"
    html.add_related(_stamp_png(), "image", "png", cid="<stamp>", filename="stamp.png")
    return message


def _japanese() -> EmailMessage:
    text = "こんにちは。\n\n郵便局が開きました。手紙はここであなたを待っています。\n"
    message = _letter("郵便局 <yubin@postane.example>", "郵便局からのお知らせ", text)
    message.set_content(text, charset="iso-2022-jp")
    return message


def _attachments() -> EmailMessage:
    text = "Two files are attached: a table, and a page.\n"
    message = _letter("Accounts <accounts@postane.example>", "Postage, October", text)
    table = "day,letters,parcels\n" + "".join(f"2026-10-{day:02},{day * 37 % 211},{day % 9}\n" for day in range(1, 32))
    message.add_attachment(table, subtype="csv", filename="posta ücreti.csv")
    message.add_attachment(_page_pdf(), "application", "pdf", filename="page.pdf")
    return message


def _dots() -> EmailMessage:
    text = "Lines that begin with dots are dangerous on the wire:\n.\n..\n. one\n.. two\n\nFour above: all is well.\n"
    return _letter("Dot Line <dot@postane.example>", "Dots", text)


def _stamp_png(size: int = 160) -> bytes:
    """A stamp with a wavy postmark, as a PNG (8-bit RGB)."""
    rows = bytearray()
    for y in range(size):
        rows.append(0)  # no filter
        for x in range(size):
            rows += _stamp_pixel(x / size, y / size)
    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_png_chunk(kind, data) for kind, data in chunks)


def _stamp_pixel(x: float, y: float) -> bytes:
    edge = min(x, y, 1 - x, 1 - y)
    if edge < 0.05 + 0.015 * math.sin(60 * (x + y)):
        return b"\xff\xff\xff"  # the perforated border
    if abs(math.hypot(x - 0.66, y - 0.34) - 0.24) < 0.012 or abs(y - 0.62 - 0.03 * math.sin(22 * x)) < 0.008:
        return b"\x20\x20\x30"  # the postmark
    return bytes((200 - int(90 * y), 60 + int(60 * x), 70 + int(80 * y)))


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _page_pdf() -> bytes:
    """One page with a line of text, as a PDF."""
    drawing = b"BT /F1 24 Tf 72 720 Td (Postane: a page from the post office) Tj ET"
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawing), drawing),
    )
    document = bytearray(b"%PDF-1.4\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(document))
        document += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    start = len(document)
    document += b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table)
    document += b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(document)
