"""What a command line asks for, and what a conversation ends with."""

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from postane.cli.talk_house import Place, Verdict, connect, failure_code, failure_of, make_speech
from postane.cli.talk_options import TalkOptions
from postane.cli.words import Exit, Failure
from postane.net.base import LinkLost, Target, TlsMode, TlsPolicy, TooSlow, Unreachable, Untrusted
from postane.net.distrust import no_tls
from postane.talk.base import Answered, LoginFailed, Spoilt, Unsuitable
from postane.talk.counted_speech import Pop2Speech
from postane.talk.pop3_speech import Pop3Speech
from postane.wire.chart import Outcome

PIN = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("url", "options", "mode"),
    [
        ("pop3s://h", {}, TlsMode.IMPLICIT),
        ("pop3://h", {}, TlsMode.NONE),
        ("pop3://h", {"starttls": True}, TlsMode.REQUIRED),
        ("smtp://h", {"tls": "if-offered"}, TlsMode.OFFERED),
        ("lmtp:///run/x", {"tls": "required"}, TlsMode.REQUIRED),
        ("smtp://h", {"tls": "if-offered", "tls_pin": PIN}, TlsMode.REQUIRED),
    ],
)
def test_when_tls_begins(url, options, mode):
    assert Place(TalkOptions(url, **options)).target.tls.mode is mode


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("imap://h", {}),
        ("pop3s://h", {"starttls": True}),
        ("pop2://h", {"starttls": True}),
        ("pop3://h", {"tls": "sometimes"}),
        ("pop3://h", {"tls_pin": "x"}),
        ("pop3://h", {"tls_pin": PIN}),
        ("pop3://h", {"password_env": "NOBODY_HAS_THIS"}),
    ],
)
def test_what_cannot_be_is_refused(url, options):
    with pytest.raises(Failure) as caught:
        Place(TalkOptions(url, **options))
    assert caught.value.code is Exit.USAGE


def test_who_and_by_what(monkeypatch):
    monkeypatch.setenv("PW", "tanstaaf")
    place = Place(TalkOptions("pop3://mrose:other@h", password_env="PW", insecure=True, timeout=3))
    assert place.user == "mrose"
    assert not place.target.tls.is_checked
    assert place.target.timeout == 3
    assert place.take_password() == "tanstaaf"
    assert place.take_password() is None, "it is given once, so that a wrong one is not said again and again"
    assert Place(TalkOptions("pop3://mrose:other@h", user="anna")).user == "anna"
    assert str(place) == "pop3 with h:110"


def test_files(tmp_path: Path):
    place = Place(TalkOptions("pop3://h", transcript=tmp_path / "t.txt", lines=3))
    assert place.tee.limit == 3
    place.begin()
    place.write_new(str(tmp_path / "m"), b"octets")
    assert place.read_file(str(tmp_path / "m")) == b"octets"
    with pytest.raises(FileExistsError):
        place.write_new(str(tmp_path / "m"), b"")
    place.set_transcript(str(tmp_path / "second.txt"))
    assert len(place.tee.listeners) == 1
    place.end()
    assert place.tee.listeners == []
    with pytest.raises(Failure) as caught:
        place.begin()
    assert caught.value.code is Exit.CANNOT_CREATE


@pytest.mark.parametrize(
    ("error", "code"), [(TooSlow("x"), 75), (Unreachable("x"), 69), (LinkLost("x"), 69), (Untrusted("x"), 76)]
)
def test_the_network_has_its_codes(error, code):
    assert failure_of(error).code == code


def test_other_failures_have_theirs():
    assert [failure_code(kind("x")) for kind in (LoginFailed, Spoilt, Unsuitable)] == [77, 76, 69]


def answered(*pairs: tuple[str, Outcome | None], speech: Pop3Speech | Pop2Speech | None = None) -> Verdict:
    verdict = Verdict(speech or Pop3Speech())
    for verb, outcome in pairs:
        verdict(Answered(verb, outcome))
    return verdict


def test_the_verdict():
    yes, no, on = Outcome.ACCEPTED, Outcome.REFUSED, Outcome.CONTINUED
    assert answered(("STAT", no)).code == 0
    assert answered(("STAT", no), ("LIST", no)).refusals == 2
    assert answered(("PASS", no)).code == 77
    assert answered(("PASS", no), ("APOP", yes)).code == 0
    assert answered(("AUTH", on), ("response", no)).code == 77
    assert answered(("HELO", no)).code == 0
    assert answered(("HELO", no), speech=Pop2Speech()).code == 77
    assert answered(("PASS", no), ("STAT", None)).code == 76
    inside = Pop3Speech()
    inside.is_logged_in = True
    assert answered(("AUTH", no), speech=inside).code == 0
    wrong = answered()
    wrong.mistakes = 1
    assert wrong.code == 64


@pytest.mark.parametrize(("protocol", "name"), [("pop3", "POP3"), ("pop2", "POP2"), ("pop1", "POP1"), ("lmtp", "LMTP")])
def test_each_protocol_is_spoken(protocol, name):
    assert make_speech(protocol).protocol == name


def test_remedies_are_told_as_options():
    plain = Untrusted(no_tls(Target("h", 995, TlsPolicy(TlsMode.IMPLICIT))))
    assert failure_of(plain).text.endswith("STLS on port 110, which is a URL without the s, and --tls required")
    words = failure_of(Untrusted("give its authority (tls_ca) or pin it (tls_pin): sha256:00")).text
    assert words == "give its authority (--tls-ca) or pin it (--tls-pin): sha256:00"


def test_a_proxy_that_is_none_is_a_wrong_option():
    with pytest.raises(Failure, match="socks5://") as caught:
        Place(TalkOptions("pop3://h", proxy="foo"))
    assert caught.value.code is Exit.USAGE


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_file_of_authorities_that_is_none_is_told_before_anybody_is_connected_to(content, tmp_path):
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(Failure, match=r"--tls-ca: .*ca\.pem") as caught:
        Place(TalkOptions("pop3s://h", tls_ca=file))
    assert caught.value.code is Exit.NO_INPUT


@pytest.mark.parametrize(("url", "words"), [("pop3", "it is pop3s://$"), ("smtp", "it is smtps://$"), ("lmtp", "s$")])
async def test_who_waits_for_a_greeting_where_tls_comes_first_is_told(url, words):
    is_left = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.read()
        writer.close()
        is_left.set()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as server:
        place = Place(TalkOptions(f"{url}://127.0.0.1:{server.sockets[0].getsockname()[1]}", timeout=0.05))
        with pytest.raises(TooSlow, match=words):
            await connect(place, make_speech(place.url.protocol))
        await is_left.wait()
