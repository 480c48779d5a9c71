"""Into a session of POP2 or POP1: who gets in, and what is never sent."""

import pytest

from postane.client.entry import Entrance
from postane.client.errors import ClearTextRefused, ConnectionFailed, LoginRefused, NotOffered, NotSecured
from postane.client.login import LoginPolicy, Plaintext
from postane.client.old_entry import dial_pop1, dial_pop2
from postane.credentials.base import Secret, SecretKind
from postane.net.base import Target, TlsMode, TlsPolicy, Unreachable
from support.dialogue import DialogueLink

SECRET = Secret(SecretKind.PASSWORD, "gizli")
ENTRANCE = Entrance("ayse", SECRET)
TARGET = Target("pop.example.org", 109)
POP2 = (b"+ POP2 pop.example.org\r\n", (b"HELO ayse gizli\r\n", b"#3\r\n"))
POP1 = (b"+OK\r\n", (b"USER ayse\r\n", b"+OK\r\n"), (b"PASS gizli\r\n", b"+OK\r\n"))
BOTH = pytest.mark.parametrize(("enter", "dialogue"), [(dial_pop2, POP2), (dial_pop1, POP1)])


def dialling(link):
    async def dial(target):
        assert target is TARGET
        return link

    return dial


@BOTH
async def test_a_password_opens(enter, dialogue):
    link = DialogueLink(*dialogue)
    await enter(dialling(link), TARGET, ENTRANCE)
    assert link.is_done
    assert not link.is_aborted


@BOTH
async def test_without_a_name_nobody_logs_in(enter, dialogue):
    link = DialogueLink(*dialogue)
    await enter(dialling(link), TARGET, Entrance())
    assert link.said == []


@BOTH
@pytest.mark.parametrize(
    ("entrance", "private", "kind"),
    [
        (ENTRANCE, False, ClearTextRefused),
        (Entrance("ayse", SECRET, LoginPolicy(Plaintext.NEVER)), True, ClearTextRefused),
        (Entrance("ayse", Secret(SecretKind.TOKEN, "gizli")), True, NotOffered),
        (Entrance("ayse", None), True, NotOffered),
        (Entrance("ayse", SECRET, LoginPolicy(mechanisms=("APOP",))), True, NotOffered),
        (Entrance("ayse", Secret(SecretKind.PASSWORD, "wrong")), True, LoginRefused),
    ],
    ids=["in clear", "never", "token", "nothing", "other means", "wrong"],
)
async def test_whoever_may_not_enter_leaves_nothing_open(enter, dialogue, entrance, private, kind):
    greeting, (name, answer), *_ = dialogue
    wrong = [(b"HELO ayse wrong\r\n", b"- no\r\n")]
    if enter is dial_pop1:
        wrong = [(name, answer), (b"PASS wrong\r\n", b"-ERR no\r\n")]
    link = DialogueLink(greeting, *wrong, private=private)
    with pytest.raises(kind):
        await enter(dialling(link), TARGET, entrance)
    assert link.is_aborted
    assert b"gizli" not in b"".join(link.said)


@BOTH
async def test_tls_that_cannot_be_is_refused_before_anything(enter, dialogue):
    async def dial(target):
        raise AssertionError("nobody is called")

    with pytest.raises(NotSecured, match="no word that begins TLS"):
        await enter(dial, Target("pop.example.org", 109, TlsPolicy(TlsMode.REQUIRED)), ENTRANCE)


@BOTH
async def test_who_cannot_be_reached_is_told(enter, dialogue):
    async def dial(target):
        raise Unreachable("nothing listens there")

    with pytest.raises(ConnectionFailed, match="nothing listens there"):
        await enter(dial, TARGET, ENTRANCE)
