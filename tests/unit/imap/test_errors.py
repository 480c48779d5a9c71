"""From the libraries' errors to one of ours."""

import errno
import imaplib
import socket
import ssl

import pytest
from imapclient.exceptions import IMAPClientError, LoginError

from postane.imap.bounded import Unbounded
from postane.imap.errors import ImapError, NoWay, shaking_hands, told


@pytest.mark.parametrize(
    ("words", "is_login"),
    [
        ("login failed: [AUTHENTICATIONFAILED] no", True),
        ("login failed: no", True),
        ("login failed: [UNAVAILABLE] Temporary authentication failure", False),
        ("login failed: [INUSE] later", False),
    ],
)
def test_a_login_that_may_pass_is_no_refused_one(words, is_login):
    with pytest.raises(ImapError) as raised, told("x"):
        raise LoginError(words)
    assert (raised.value.is_login, raised.value.may_pass) == (is_login, not is_login)


def broken_off() -> None:
    try:
        raise imaplib.IMAP4.abort("socket error: EOF")
    except IMAPClientError as error:
        raise LoginError(str(error))  # noqa: B904 - as the library does


def test_a_server_that_goes_in_the_middle_of_a_login_has_not_refused_it():
    with pytest.raises(ImapError) as raised, told("x"):
        broken_off()
    assert not raised.value.is_login


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Unbounded("the server announces 10 octets"), "announces 10"),
        (ssl.SSLEOFError(8, "EOF"), "x: EOF"),
    ],
)
def test_what_ends_a_session_is_told(error, words):
    with pytest.raises(ImapError, match=words) as raised, told("x"):
        raise error
    assert raised.value.may_pass is isinstance(error, ssl.SSLError)
    assert not raised.value.is_answer


@pytest.mark.parametrize(
    ("error", "is_unreachable"),
    [
        (socket.gaierror(socket.EAI_NONAME, "no such name"), True),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), True),
        (OSError(errno.EHOSTUNREACH, "no route"), True),
        (OSError(errno.ENETUNREACH, "no network"), True),
        (ConnectionResetError(errno.ECONNRESET, "reset"), False),
        (TimeoutError(), False),
    ],
)
def test_no_connection_is_no_broken_one(error, is_unreachable):
    with pytest.raises(ImapError) as raised, told("x"):
        raise error
    assert (isinstance(raised.value, NoWay), raised.value.may_pass) == (is_unreachable, True)


@pytest.mark.parametrize(
    "error", [ValueError("list"), KeyError(b"UID"), AttributeError("upper"), RecursionError("deep")]
)
def test_what_the_library_cannot_read_is_nonsense(error):
    with pytest.raises(ImapError) as raised, told("x"):
        raise error
    assert (raised.value.is_nonsense, raised.value.is_answer) == (True, False)


def explain(error: ssl.SSLError) -> str:
    return f"not believed: {error}"


def test_a_handshake_that_fails_needs_a_person():
    with pytest.raises(ImapError, match=r"not believed: .*self-signed") as raised, told("x"), shaking_hands(explain):
        raise ssl.SSLCertVerificationError(1, "self-signed")
    assert (raised.value.is_trust, raised.value.may_pass) == (True, False)


def test_a_handshake_that_breaks_off_may_pass():
    with pytest.raises(ImapError, match="EOF") as raised, told("x"), shaking_hands(explain):
        raise ssl.SSLEOFError(8, "EOF")
    assert raised.value.may_pass


@pytest.mark.parametrize(
    ("said", "told_as"),
    [
        ("b'[AUTHENTICATIONFAILED] No way.'", "[AUTHENTICATIONFAILED] No way."),
        ('b"it\'s caf\\xc3\\xa9"', "it's caf\xe9"),
        ("b'without an end", "b'without an end"),
        ("b'a' b'b' + c", "b'a' b'b' + c"),
    ],
)
def test_a_refused_login_is_told_in_the_servers_words_and_of_whom(said, told_as):
    with pytest.raises(ImapError) as raised, told("anna at h:143"):
        raise LoginError(said)
    assert raised.value.text == f"anna at h:143: the login was refused: {told_as}"


@pytest.mark.parametrize("ms", ["0.001 + 0.000", "0.010 + 0.000 + 0.009"])
def test_how_long_a_server_took_is_not_told(ms):
    with pytest.raises(ImapError, match=r"^x: no such folder: Sent \(old\)$"), told("x"):
        raise IMAPClientError(f"no such folder: Sent (old) ({ms} secs).")
