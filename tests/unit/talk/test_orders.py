"""What is for us and not for the server."""

from typing import Any

import pytest

from postane.net.base import Certificate
from postane.net.stream import TlsFacts
from postane.talk.base import LoginFailed, Mood, Remark, Said, Unsuitable
from postane.talk.conversation import Conversation
from postane.talk.counted_speech import Pop2Speech
from postane.talk.orders import Orders
from postane.talk.pop3_speech import Pop3Speech
from postane.talk.smtp_speech import SmtpSpeech
from postane.talk.speech import Speech
from support.by_hand import Heard, PlainTools, begin
from support.dialogue import DialogueLink

STAMPED = b"+OK <1896.697170952@dbc.mtview.ca.us>\r\n"
APOP = (b"APOP mrose c4c9334bac560ecc979e58001b3e22fb\r\n", b"+OK\r\n")
CAPA = (b"CAPA\r\n", b"+OK\r\nUSER\r\n.\r\n")


class Scene:
    """Orders in a conversation."""

    def __init__(self, conversation: Conversation, heard: Heard, link: DialogueLink, tools: PlainTools) -> None:
        self.conversation, self.heard, self.link, self.tools = conversation, heard, link, tools
        self.orders = Orders(conversation, tools)

    async def obey(self, *lines: str) -> str:
        """Give orders; what is told to a person of that."""
        del self.heard[:]
        for line in lines:
            await self.orders.obey(line)
        return "\n".join(each.text for each in self.heard.of(Remark) if each.mood is Mood.TEXT)


async def scene(speech: Speech, greeting: bytes, *turns: tuple[bytes, bytes], answers: Any = (), **how: Any) -> Scene:
    return Scene(*await begin(speech, greeting, *turns, **how), PlainTools(*answers))


async def test_help_tells_what_may_be_said():
    given = await scene(Pop3Speech(), STAMPED, hangs=True)
    told = await given.obey(".help")
    assert "in authorization there may be said:" in told
    assert "USER name: whose maildrop; PASS follows (RFC 1939 s7)" in told
    assert "RETR" not in told
    assert await given.obey(".help retr") == "RETR n: send message n (RFC 1939 s5)"
    assert ".login [NAME [MECHANISM]]" in await given.obey("/help .")
    assert (await given.obey(".help .tls")).startswith(".tls: ")
    with pytest.raises(Unsuitable, match="POP3 has no MAIL"):
        await given.obey(".help MAIL")


async def test_a_login_asks_for_the_password_in_secret():
    given = await scene(Pop3Speech(), STAMPED, CAPA, APOP, answers=["tanstaaf"])
    await given.obey(".login mrose")
    assert given.tools.asked == [("Password of mrose: ", True)]
    assert given.heard[-1] == Remark("logged in by APOP")
    assert "tanstaaf" not in repr(given.heard)


async def test_a_login_may_name_its_means_and_take_the_name_from_the_url():
    given = await scene(Pop3Speech(), STAMPED, APOP, answers=["tanstaaf"])
    given.tools.user = "mrose"
    await given.obey(".apop")
    assert given.heard.texts(Said) == ["APOP mrose ****"]
    given = await scene(
        Pop3Speech(), STAMPED, (b"USER mrose\r\n", b"+OK\r\n"), (b"PASS x y\r\n", b"-ERR\r\n"), answers=["x y"]
    )
    with pytest.raises(LoginFailed):
        await given.obey(".login mrose user")


async def test_a_login_asks_for_the_name_too():
    given = await scene(Pop3Speech(), STAMPED, CAPA, APOP, answers=["mrose", "tanstaaf"])
    await given.obey(".login")
    assert given.tools.asked == [("Name: ", False), ("Password of mrose: ", True)]


async def test_apop_stays_apop_where_the_name_is_asked_for():
    given = await scene(Pop3Speech(), STAMPED, APOP, answers=["mrose", "tanstaaf"])
    await given.obey(".apop")
    assert given.heard.texts(Said) == ["APOP mrose ****"]


async def test_external_needs_no_password():
    given = await scene(Pop3Speech(), STAMPED, (b"AUTH EXTERNAL bXJvc2U=\r\n", b"+OK\r\n"))
    await given.obey(".login mrose external")
    assert given.tools.asked == []
    assert given.conversation.speech.is_logged_in


async def test_without_a_name_or_a_password_nobody_logs_in():
    given = await scene(Pop3Speech(), STAMPED, CAPA)
    with pytest.raises(Unsuitable, match="whose account"):
        await given.obey(".login")
    with pytest.raises(Unsuitable, match="without a password"):
        await given.obey(".login mrose APOP")


async def test_smtp_says_hello_before_a_named_means():
    given = await scene(
        SmtpSpeech(),
        b"220 h\r\n",
        (b"EHLO client.test\r\n", b"250 AUTH PLAIN\r\n"),
        (b"AUTH PLAIN AG1yb3NlAHRhbnN0YWFm\r\n", b"235 ok\r\n"),
        answers=["tanstaaf"],
    )
    await given.obey(".login mrose plain")
    assert given.link.is_done


async def test_capa():
    given = await scene(Pop3Speech(), STAMPED, CAPA)
    await given.obey(".capa")
    assert given.link.is_done


async def test_starttls_is_refused():
    given = await scene(
        SmtpSpeech(), b"220 h\r\n", (b"EHLO client.test\r\n", b"250 h\r\n"), (b"STARTTLS\r\n", b"502 no\r\n")
    )
    with pytest.raises(Unsuitable, match="does not begin TLS"):
        await given.obey(".starttls")
    given = await scene(Pop2Speech(), b"+ POP2 h\r\n")
    with pytest.raises(Unsuitable, match="no word"):
        await given.obey(".starttls")


async def test_tls_is_told():
    given = await scene(Pop3Speech(), STAMPED, private=False, hangs=True)
    assert "whoever listens" in await given.obey(".tls")
    given.link.tls = TlsFacts("TLSv1.3", "AES", {"tls-exporter": b"x"})
    given.link.certificate = Certificate("CN=host", "CN=ca", ("host",), 0.0, "ab" * 32)
    told = await given.obey(".tls")
    for words in ("TLSv1.3", "AES", "tls-exporter", "CN=host", "CN=ca", "1970-01-01 00:00 UTC", f"sha256:{'ab' * 32}"):
        assert words in told


MESSAGE = b"Subject: hi\r\n\r\n..dot\r\nend\r\n"
RETR = (b"RETR 1\r\n", b"+OK\r\n" + MESSAGE + b".\r\n")


async def test_a_message_is_shown_or_given_raw():
    given = await scene(Pop3Speech(), STAMPED, RETR, RETR)
    assert await given.obey(".show 1") == "Subject:  hi\n\n.dot\nend"
    assert await given.obey(".raw 1") == "Subject: hi\n\n.dot\nend"


@pytest.mark.parametrize("line", [".show", ".show x", ".raw 0", ".lines -1", ".wait", ".wait soon", ".wait nan"])
async def test_a_number_is_wanted(line):
    given = await scene(Pop3Speech(), STAMPED, hangs=True)
    with pytest.raises(Unsuitable, match=r"which number|how long"):
        await given.obey(line)
    assert given.link.said == []


async def test_a_message_is_saved():
    given = await scene(Pop3Speech(), STAMPED, RETR, RETR)
    with pytest.raises(Unsuitable, match="no message was fetched"):
        await given.obey(".save m.eml")
    assert "in m.eml" in await given.obey(".save m.eml 1")
    assert given.tools.files == {"m.eml": b"Subject: hi\r\n\r\n.dot\r\nend\r\n"}
    await given.conversation.say("RETR 1")
    await given.obey(".save again.eml")
    assert given.tools.files["again.eml"] == given.tools.files["m.eml"]


async def test_a_file_is_sent():
    given = await scene(
        SmtpSpeech(),
        b"220 h\r\n",
        (b"EHLO me\r\n", b"250 h\r\n"),
        (b"MAIL FROM:<>\r\n", b"250 ok\r\n"),
        (b"RCPT TO:<a@b>\r\n", b"250 ok\r\n"),
        (b"DATA\r\n", b"354 go\r\n"),
        (b"Subject: x\r\n\r\n..dot\r\n.\r\n", b"250 stored\r\n"),
    )
    given.tools.files["m.eml"] = b"Subject: x\n\n.dot\n"
    for line in ("EHLO me", "MAIL FROM:<>", "RCPT TO:<a@b>"):
        await given.conversation.say(line)
    await given.obey(".send m.eml")
    assert given.link.is_done
    with pytest.raises(Unsuitable, match="No such file"):
        await given.obey(".send none.eml")


async def test_a_file_is_not_sent_where_nobody_takes_it():
    given = await scene(SmtpSpeech(), b"220 h\r\n", (b"DATA\r\n", b"503 no\r\n"))
    given.tools.files["m"] = b"x"
    with pytest.raises(Unsuitable, match="does not take a message"):
        await given.obey(".send m")
    given = await scene(Pop3Speech(), STAMPED)
    with pytest.raises(Unsuitable, match="takes no messages"):
        await given.obey(".send m")


async def test_a_response_is_coded_and_hidden():
    given = await scene(
        Pop3Speech(),
        STAMPED,
        (b"AUTH LOGIN\r\n", b"+ VXNlcm5hbWU6\r\n"),
        (b"bXJvc2U=\r\n", b"+ UGFzc3dvcmQ6\r\n"),
        (b"dGFuc3RhYWY=\r\n", b"+OK\r\n"),
        answers=["tanstaaf"],
    )
    with pytest.raises(Unsuitable, match="no challenge"):
        await given.obey(".respond x")
    await given.conversation.say("AUTH LOGIN")
    await given.obey(".respond mrose", ".respond")
    assert given.conversation.speech.is_logged_in
    assert given.tools.asked == [("Response: ", True)]
    assert given.heard.texts(Said) == ["****", "****"]


async def test_a_line_with_a_dot_is_said():
    given = await scene(Pop3Speech(), STAMPED, (b".help\r\n", b"-ERR what\r\n"))
    await given.obey(".say .help")
    assert given.link.is_done


async def test_the_place_is_told():
    given = await scene(Pop3Speech(), STAMPED, hangs=True)
    await given.obey(".lines 5", ".lines", ".transcript t.txt", ".transcript", ".wait 0")
    assert given.tools.limits == [5, None]
    assert given.tools.transcripts == ["t.txt", None]


async def test_leaving_says_quit_where_that_is_possible():
    given = await scene(Pop3Speech(), STAMPED, (b"QUIT\r\n", b"+OK\r\n"))
    await given.obey(".quit")
    assert given.orders.is_leaving
    assert given.link.is_done
    given = await scene(Pop3Speech(), STAMPED, (b"AUTH LOGIN\r\n", b"+ VXNlcm5hbWU6\r\n"), hangs=True)
    await given.conversation.say("AUTH LOGIN")
    await given.obey(".quit")
    assert given.link.said == [b"AUTH LOGIN\r\n"]


async def test_what_is_unknown_is_explained():
    given = await scene(Pop3Speech(), STAMPED, hangs=True)
    with pytest.raises(Unsuitable, match=r"there is no \.nonsense"):
        await given.obey(".nonsense x")
