"""Any octets from a server, whatever was typed before: no exception, the same events however they are cut."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postane.smtp.states import Dialect
from postane.talk.challenges import explain
from postane.talk.completion import entry_for, offers
from postane.talk.counted_speech import Pop1Speech, Pop2Speech
from postane.talk.hiding import hide, secret_start
from postane.talk.pop3_speech import Pop3Speech
from postane.talk.reading import readable
from postane.talk.smtp_speech import SmtpSpeech
from postane.talk.speech import Speech
from support.by_hand import hear

SPEECHES: dict[str, Callable[[], Speech]] = {
    "POP3": Pop3Speech,
    "POP2": Pop2Speech,
    "POP1": Pop1Speech,
    "SMTP": SmtpSpeech,
    "LMTP": lambda: SmtpSpeech(Dialect.LMTP),
}

TYPED = st.sampled_from(
    (
        *("USER a", "PASS b", "HELO a b", "EHLO me", "LHLO me", "CAPA", "LIST", "RETR", "RETR 1", "READ 1", "RCEV"),
        *("ACKS", "AUTH LOGIN", "AUTH", "*", "STLS", "STARTTLS", "MAIL FROM:<>", "RCPT TO:<a@b>", "DATA", "UIDL"),
        *("BDAT 3 LAST", "BDAT x", "BDAT 4", ".", "", "nonsense", "QUIT", "XTND", "STAT", "DELE 1"),
    )
)
WORDS = [
    *(b"+OK\r\n", b"-ERR\r\n", b"+ \r\n", b"+ eA==\r\n", b"+OK 2 3\r\n", b"+OK\n", b"- no\r\n", b"#3\r\n", b"=4\r\n"),
    *(b"#0\r\n", b"220 h\r\n", b"250-h\r\n", b"250 AUTH X\r\n", b"334 eA==\r\n", b"354 go\r\n", b"421 bye\r\n"),
    *(b"535 no\r\n", b"999 x\r\n", b".\r\n", b"..\r\n", b"1 2\r\n", b"x", b"\r", b"\n", b"\0", b"\xff\r\n"),
]
HEARD = st.lists(st.one_of(st.sampled_from(WORDS), st.binary(max_size=8)), max_size=6).map(b"".join)


def events(make: Callable[[], Speech], turns: list[tuple[str | None, bytes]], step: int) -> tuple[list[Any], Speech]:
    speech, told = make(), []
    for line, octets in turns:
        if line is not None and not speech.is_shaking:
            speech.say(line)
        for at in range(0, len(octets), step):
            told += hear(speech, octets[at : at + step])
        if speech.is_shaking and not speech.trailing:
            speech.secure()
    return told + hear(speech, b""), speech


@pytest.mark.parametrize("protocol", SPEECHES)
@given(turns=st.lists(st.tuples(st.one_of(st.none(), TYPED), HEARD), max_size=8), step=st.integers(1, 5))
def test_any_octets_and_any_split(protocol: str, turns: list[tuple[str | None, bytes]], step: int) -> None:
    whole, speech = events(SPEECHES[protocol], turns, 1 << 20)
    parts, other = events(SPEECHES[protocol], turns, step)
    assert whole == parts
    assert speech.state == other.state
    for before in ("", "R", "AUTH ", ".login a ", "MAIL "):
        list(offers(speech, before))
        entry_for(speech, before)


@pytest.mark.parametrize("verb", ["PASS", "pass", "AUTH PLAIN", "APOP mrose", " PASS"])
@given(secret=st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=6))
def test_a_secret_is_never_shown(verb: str, secret: str) -> None:
    speech = Pop3Speech()
    hear(speech, b"+OK\r\n")
    line = f"{verb} {secret}"
    assert secret not in hide(line, secret_start(speech, line))
    assert secret not in hide(line, secret_start(speech, line, is_complete=False))


@given(mechanism=st.sampled_from(["PLAIN", "SCRAM-SHA-256", "OAUTHBEARER"]), challenge=st.binary(max_size=60))
def test_any_challenge_is_explained(mechanism: str, challenge: bytes) -> None:
    assert explain(mechanism, challenge)


@given(octets=st.binary(max_size=300))
def test_any_message_is_readable(octets: bytes) -> None:
    for head in (b"", b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n", b"Subject: =?utf-8?b?"):
        assert all(isinstance(line, str) for line in readable(head + octets))
