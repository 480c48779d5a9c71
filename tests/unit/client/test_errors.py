"""Whose fault it was, and whether it may pass."""

import copy
import pickle

import pytest

from postane.client.errors import (
    ConnectionFailed,
    ConnectionLost,
    InUse,
    LoginDelayed,
    LoginRefused,
    NotSecured,
    PopError,
    Refused,
    SysPerm,
    SysTemp,
    TimedOut,
    Unwilling,
    greeting_refusal,
    login_refusal,
    net_error,
    refusal,
)
from postane.net.base import LinkLost, NetError, TooSlow, Unreachable, Untrusted


@pytest.mark.parametrize(
    ("code", "kind", "may_pass"),
    [
        ("", Refused, False),
        ("IN-USE", InUse, True),
        ("LOGIN-DELAY", LoginDelayed, True),
        ("SYS/TEMP", SysTemp, True),
        ("SYS/PERM", SysPerm, False),
        ("SYS/PERM/DISK/FULL", SysPerm, False),  # RFC 2449 s8: what is below a known code
        ("SYS", Refused, False),
        ("NONSENSE", Refused, False),
    ],
)
def test_a_refusal_is_of_the_kind_that_its_code_tells(code, kind, may_pass):
    error = refusal("RETR", "no", code)
    assert (type(error), error.may_pass, error.verb, error.reply, error.code) == (kind, may_pass, "RETR", "no", code)
    assert error.text == (f"RETR was refused: [{code}] no" if code else "RETR was refused: no")


def test_a_refusal_without_words():
    assert refusal("DELE", "").text == "DELE was refused: without a reason"


def test_a_login_says_what_was_tried():
    error = login_refusal("AUTH", "wrong", "AUTH", "PLAIN")
    assert isinstance(error, LoginRefused)
    assert (error.mechanism, error.text, error.may_pass) == ("PLAIN", "the login by PLAIN was refused: wrong", False)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("maildrop already locked", InUse),
        ("Unable to lock maildrop: Mailbox is locked by POP server", InUse),
        ("[dns] lock busy!  Is another session active?", InUse),
        ("mail box in use", InUse),
        ("invalid password", LoginRefused),
        ("this account was blocked", LoginRefused),
    ],
)
def test_a_lock_is_understood_without_its_code(said, kind):
    assert type(login_refusal("PASS", said, "", "USER")) is kind


def test_a_first_word_that_refuses():
    assert type(greeting_refusal("too many")) is Unwilling
    assert type(greeting_refusal("later", "SYS/TEMP")) is SysTemp
    assert greeting_refusal("too many").may_pass


@pytest.mark.parametrize(
    ("error", "kind", "may_pass"),
    [
        (Unreachable("x"), ConnectionFailed, True),
        (LinkLost("x"), ConnectionLost, True),
        (TooSlow("x"), TimedOut, True),
        (Untrusted("x"), NotSecured, False),
        (NetError("x"), ConnectionLost, True),
    ],
)
def test_what_the_network_says(error, kind, may_pass):
    ours = net_error(error)
    assert (type(ours), ours.text, ours.may_pass) == (kind, "x", may_pass)


def test_a_strangers_words_move_no_cursor():
    assert PopError("a\x1b[2Jb\nc").text == "a?[2Jb?c"
    assert refusal("NOOP", "a\x1b\r").reply == "a??"


@pytest.mark.parametrize(
    "error", [PopError("x"), refusal("NOOP", "no", "IN-USE"), login_refusal("PASS", "no", "", "USER")]
)
def test_an_error_can_be_copied(error):
    for other in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert (type(other), other.text, vars(other)) == (type(error), error.text, vars(error))
