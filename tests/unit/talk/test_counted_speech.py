"""POP2 and POP1 by hand: bodies are counted, whatever stands in them."""

import pytest

from postane.talk.base import OPEN, Answered, Heard, Tone
from postane.talk.counted_speech import Pop1Speech, Pop2Speech
from postane.wire.chart import Outcome
from support.by_hand import hear


def reading_pop2() -> Pop2Speech:
    speech = Pop2Speech()
    hear(speech, b"+ POP2 host ready\r\n")
    speech.say("HELO mrose secret")
    hear(speech, b"#2 messages\r\n")
    return speech


def test_pop2_from_the_greeting_to_the_mailbox():
    speech = Pop2Speech()
    assert hear(speech, b"+ POP2 host ready\r\n")[-1] == Answered(OPEN, Outcome.ACCEPTED)
    assert speech.verbs == {"HELO", "QUIT"}
    speech.say("HELO mrose secret")
    assert hear(speech, b"#2 messages\r\n") == [Heard(b"#2 messages", Tone.YES), Answered("HELO", Outcome.ACCEPTED)]
    assert speech.numbers == [1, 2]
    assert speech.is_logged_in
    assert speech.verbs == {"FOLD", "READ", "QUIT"}


@pytest.mark.parametrize("step", [1, 3, 100])
def test_a_message_has_as_many_octets_as_were_told(step):
    speech = reading_pop2()
    speech.say("READ 1")
    hear(speech, b"=12 characters\r\n")
    speech.say("RETR")
    octets, told = b"- a\r\n=3 b\r\nc", []
    for at in range(0, len(octets), step):
        told += hear(speech, octets[at : at + step])
    assert [each.octets for each in told if isinstance(each, Heard)] == [b"- a", b"=3 b", b"c"]
    assert told[-1] == Answered("RETR", Outcome.ACCEPTED)
    assert speech.body == octets
    assert speech.verbs == {"ACKS", "ACKD", "NACK"}
    speech.say("ACKS")
    assert hear(speech, b"=0 no more\r\n")[-1] == Answered("ACKS", Outcome.ACCEPTED)


def test_where_there_is_no_message_none_is_read():
    speech = reading_pop2()
    speech.say("READ 9")
    hear(speech, b"=0\r\n")
    speech.say("RETR")
    assert hear(speech, b"- nothing to send\r\n")[-1] == Answered("RETR", Outcome.REFUSED)
    assert speech.is_over


def test_a_message_that_breaks_off_makes_no_sense():
    speech = reading_pop2()
    speech.say("READ 1")
    hear(speech, b"=100\r\n")
    speech.say("RETR")
    hear(speech, b"half")
    assert hear(speech, b"")[-1] == Answered("RETR", None)


def test_a_refusal_ends_pop2():
    speech = Pop2Speech()
    assert hear(speech, b"- too busy\r\n") == [Heard(b"- too busy", Tone.NO), Answered(OPEN, Outcome.REFUSED)]
    assert speech.is_over
    speech = Pop2Speech()
    hear(speech, b"+ POP2 host\r\n")
    speech.say("HELO a b")
    assert hear(speech, b"- no\r\n")[-1] == Answered("HELO", Outcome.REFUSED)
    assert speech.is_over
    assert not speech.is_logged_in


def test_pop1_reads_a_mailbox_under_either_name():
    for verb in ("RCEV", "recv"):
        speech = Pop1Speech()
        hear(speech, b"+OK ready\r\n")
        for line, reply in (("USER mrose", b"+OK\r\n"), ("PASS x", b"+OK\r\n"), ("RETR", b"#5\r\n")):
            speech.say(line)
            hear(speech, reply)
        assert speech.is_logged_in
        speech.say(verb)
        assert hear(speech, b"+O\r\n")[0].octets == b"+O"
        assert hear(speech, b"!")[-1] == Answered("RCEV", Outcome.ACCEPTED)
        assert speech.verbs == {"RCVD", "RSET"}


def test_an_empty_mailbox_is_there_at_once():
    speech = Pop1Speech()
    hear(speech, b"+OK\r\n")
    for line, reply in (("USER mrose", b"+OK\r\n"), ("PASS x", b"+OK\r\n"), ("RETR", b"#0\r\n")):
        speech.say(line)
        hear(speech, reply)
    speech.say("RCEV")
    assert hear(speech, b"") == [Answered("RCEV", Outcome.ACCEPTED)]


def test_a_wrong_password_leads_back():
    speech = Pop1Speech()
    hear(speech, b"+OK\r\n")
    for line, reply in (("USER mrose", b"+OK\r\n"), ("PASS x", b"-ERR no\r\n")):
        speech.say(line)
        hear(speech, reply)
    assert speech.verbs == {"USER", "QUIT"}
    assert not speech.is_logged_in


def test_what_is_no_reply_is_told():
    speech = Pop2Speech()
    assert hear(speech, b"220 smtp\r\n") == [Heard(b"220 smtp", Tone.ASTRAY), Answered(OPEN, None)]
    speech = reading_pop2()
    assert hear(speech, b"+ unasked\r\n") == [Heard(b"+ unasked", Tone.ASTRAY)]
