"""The demo's letters are what they claim to be."""

import email
import email.policy
import struct
import zlib
from email.message import EmailMessage

from postane.cli.demo_mail import SampleLetter, sample_mail
from postane.wire.crlf import BareCheck


def read(letter: SampleLetter) -> EmailMessage:
    message = email.message_from_bytes(letter.trace + letter.octets, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def test_every_letter_is_sound() -> None:
    letters = list(sample_mail())
    assert [letter.arrived for letter in letters] == sorted(letter.arrived for letter in letters)
    for letter in letters:
        check = BareCheck()
        check.feed(letter.trace + letter.octets)
        check.finish()
        assert not check.has_bare
        message = read(letter)
        assert not message.defects
        assert {"Return-Path", "From", "To", "Subject", "Date", "Message-ID"} <= set(message.keys())


def test_there_are_pictures_attachments_and_many_tongues() -> None:
    messages = [read(letter) for letter in sample_mail()]
    subjects = " ".join(str(message["Subject"]) for message in messages)
    assert all(word in subjects for word in ("📮", "Postane açıldı", "郵便局"))
    kinds = [part.get_content_type() for message in messages for part in message.walk()]
    assert {"image/png", "application/pdf", "text/csv", "text/html"} <= set(kinds)
    names = [part.get_filename() for message in messages for part in message.walk() if part.get_filename()]
    assert "posta ücreti.csv" in names
    assert any(message.get_body(("plain",)).get_content().startswith("こんにちは") for message in messages)


def test_the_picture_is_a_picture() -> None:
    (png,) = (
        part.get_content()
        for letter in sample_mail()
        for part in read(letter).walk()
        if part.get_content_type() == "image/png"
    )
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    start = png.index(b"IDAT")
    (length,) = struct.unpack(">I", png[start - 4 : start])
    pixels = zlib.decompress(png[start + 4 : start + 4 + length])
    assert len(pixels) == height * (1 + 3 * width)
    assert len(set(pixels)) > 20
