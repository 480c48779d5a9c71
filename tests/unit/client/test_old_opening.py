"""The front doors of POP2 and POP1: what they take, and what they refuse at once."""

import pytest

from postane.client.errors import ClearTextRefused, ConnectionFailed
from postane.client.old_opening import connect_pop1, connect_pop2
from support.dialogue import DialogueLink


@pytest.mark.parametrize(
    ("connect", "url", "options", "words"),
    [
        (connect_pop2, "pop3://ayse:gizli@pop.example.org", {}, "begin with pop2"),
        (connect_pop1, "pop2://ayse:gizli@pop.example.org", {}, "begin with pop1"),
        (connect_pop2, "pop2://ayse:gizli@pop.example.org", {"tls": "required"}, "no word that begins TLS"),
        (connect_pop1, "pop1://ayse:gizli@pop.example.org:1", {"tls": "required"}, "no word that begins TLS"),
        (connect_pop1, "pop1://ayse:gizli@pop.example.org", {}, "no port of its own"),
        (connect_pop2, "pop2://ayse@pop.example.org", {}, "neither a password"),
        (connect_pop2, "pop2://ayse@pop.example.org", {"colour": "red"}, "no option colour"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_once(connect, url, options, words):
    with pytest.raises(ValueError, match=words):
        connect(url, **options)


async def test_pop2_over_a_given_connection():
    link = DialogueLink(b"+ POP2 there\r\n", (b"HELO ayse gizli\r\n", b"#0\r\n"), (b"QUIT\r\n", b"+\r\n"))
    async with connect_pop2("pop2://ayse@pop.example.org", password="gizli", stream=link) as pop:
        assert (pop.host, pop.count) == ("there", 0)
    assert link.is_done


async def test_pop1_over_a_given_connection():
    login = (b"USER ayse\r\n", b"+OK\r\n"), (b"PASS gizli\r\n", b"+OK\r\n")
    link = DialogueLink(b"+OK\r\n", *login, (b"QUIT\r\n", b"+OK\r\n"))
    async with connect_pop1("pop1://ayse:gizli@pop.example.org:1090", stream=link) as pop:
        assert pop.link is link
    assert link.is_done


async def test_where_a_password_may_cross_is_said_in_words():
    link = DialogueLink(b"+ POP2 there\r\n", private=False)
    with pytest.raises(ClearTextRefused):
        await connect_pop2("pop2://ayse:gizli@pop.example.org", stream=link)
    link = DialogueLink(b"+ POP2 there\r\n", (b"HELO ayse gizli\r\n", b"#3\r\n"), private=False)
    pop = await connect_pop2("pop2://ayse:gizli@pop.example.org", stream=link, plaintext="always")
    assert pop.count == 3


async def test_who_does_not_answer_is_told(unused_tcp_port):
    with pytest.raises(ConnectionFailed):
        await connect_pop2(f"pop2://ayse:gizli@127.0.0.1:{unused_tcp_port}")
