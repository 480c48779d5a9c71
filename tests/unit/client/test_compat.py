"""The face of `poplib`: its names and signatures, and what it does otherwise than the original."""

import contextlib
import inspect
import poplib
import socket
import ssl
import sys
import threading

import pytest

from postane.client import compat


class Wire:
    """A server that says everything at once, whatever it is told, and what it was told."""

    def __init__(self, said: bytes, *, hangs_up: bool) -> None:
        self.near, self._far = socket.socketpair()
        self.near.settimeout(20)
        self._speaker = threading.Thread(target=self._speak, args=(said, hangs_up))
        self._speaker.start()

    def _speak(self, said: bytes, hangs_up: bool) -> None:
        with contextlib.suppress(OSError):  # the client has closed
            self._far.sendall(said)
            if hangs_up:
                self._far.shutdown(socket.SHUT_WR)

    def heard(self) -> bytes:
        """What the client said until it closed."""
        return b"".join(iter(lambda: self._far.recv(65536), b""))

    def close(self) -> None:
        self.near.close()
        self._speaker.join()
        self._far.close()


@pytest.fixture
def open_pop():
    """Opens a session on what a server says; closed afterwards."""
    with contextlib.ExitStack() as stack:

        def open_pop(*said, hangs_up=True):
            wire = stack.enter_context(contextlib.closing(Wire(b"".join(said), hangs_up=hangs_up)))

            class Pop(compat.POP3):
                def _create_socket(self, timeout):
                    return wire.near

            return stack.enter_context(contextlib.closing(Pop("pop.example.org"))), wire

        yield open_pop


GREETING = b"+OK ready <1896.697170952@dbc.mtview.ca.us>\r\n"


def test_every_public_name_of_the_original_is_there():
    theirs = {name for name in vars(poplib) if not name.startswith("_") and not inspect.ismodule(getattr(poplib, name))}
    assert theirs <= set(vars(compat))
    assert set(poplib.__all__) <= set(compat.__all__)


def test_what_catches_the_original_s_error_catches_ours():
    assert compat.error_proto is poplib.error_proto


@pytest.mark.parametrize("name", [name for name in vars(poplib.POP3) if inspect.isfunction(getattr(poplib.POP3, name))])
def test_every_method_takes_what_the_original_takes(name):
    theirs, ours = (inspect.signature(getattr(module.POP3, name)).parameters for module in (poplib, compat))
    assert list(ours) == list(theirs)
    assert [each.default for each in ours.values()] == [each.default for each in theirs.values()]


def test_a_message_comes_as_lines_and_octets(open_pop):
    pop, wire = open_pop(GREETING, b"+OK 9 octets\r\n", b"a\r\n..b\r\n\xff\r\n.\r\n", b"+OK bye\r\n")
    assert pop.retr(1) == (b"+OK 9 octets", [b"a", b".b", b"\xff"], 3 + 4 + 3)
    assert pop.quit() == b"+OK bye"
    assert wire.heard() == b"RETR 1\r\nQUIT\r\n"


def test_bare_line_feeds_end_lines(open_pop):
    pop, _ = open_pop(GREETING, b"+OK\n", b"1 7\n2 9\n.\n", b"+OK 2 16\n")
    assert pop.list() == (b"+OK", [b"1 7", b"2 9"], 8)
    assert pop.stat() == (2, 16)


def test_long_lines_work(open_pop):
    line = b"x" * 3_000_000
    pop, _ = open_pop(GREETING, b"+OK\r\n", line, b"\r\n.\r\n")
    assert pop.retr(1)[1:] == ([line], len(line) + 2)


def test_a_reply_longer_than_any_is_refused_and_the_next_one_is_the_next(open_pop):
    pop, _ = open_pop(GREETING, b"+OK " + b"x" * 80_000 + b"\r\n", b"+OK 1 2\r\n")
    with pytest.raises(compat.error_proto, match="line too long"):
        pop.noop()
    assert pop.stat() == (1, 2)


def test_the_longest_reply_is_what_the_module_says(open_pop, monkeypatch):
    monkeypatch.setattr(compat, "_MAXLINE", len(GREETING))
    pop, _ = open_pop(GREETING, b"+OK" + b"x" * len(GREETING) + b"\r\n")
    with pytest.raises(compat.error_proto, match="line too long"):
        pop.noop()


@pytest.mark.parametrize("body", [b"x" * 20, b"x\r\n" * 20])
def test_what_has_no_end_is_given_up(open_pop, monkeypatch, body):
    monkeypatch.setattr(compat, "_MAXBODY", 10)
    pop, _ = open_pop(GREETING, b"+OK\r\n1234567\r\n.\r\n", b"+OK\r\n", body, hangs_up=False)
    assert pop.retr(1) == (b"+OK", [b"1234567"], 9)
    with pytest.raises(compat.error_proto, match="message too long"):
        pop.retr(2)
    assert (pop.sock, pop.file) == (None, None)


@pytest.mark.parametrize("rest", [b"", b"a", b"a\r\n", b"a\r\n.", b"a\r\n.\r"])
def test_a_message_that_breaks_off_is_never_given(open_pop, rest):
    pop, _ = open_pop(GREETING, b"+OK\r\n", rest)
    with pytest.raises(compat.error_proto, match="EOF"):
        pop.retr(1)


def test_a_reply_that_breaks_off_is_never_given(open_pop):
    pop, _ = open_pop(GREETING, b"+OK 1 10")
    with pytest.raises(compat.error_proto, match="EOF"):
        pop.stat()


def test_a_refusal_carries_the_octets_of_the_server(open_pop):
    pop, _ = open_pop(GREETING, b"-ERR [IN-USE] locked\r\n")
    with pytest.raises(compat.error_proto) as caught:
        pop.pass_("secret")
    assert caught.value.args == (b"-ERR [IN-USE] locked",)


@pytest.mark.parametrize("answer", [b"+OK", b"+OK 1", b"+OK one two", b"+OK -1 2"])
def test_an_answer_to_stat_that_is_none_is_an_error_of_the_protocol(open_pop, answer):
    pop, _ = open_pop(GREETING, answer + b"\r\n")
    with pytest.raises(compat.error_proto, match="not an answer to STAT"):
        pop.stat()


def test_a_greeting_that_refuses_closes_the_connection(open_pop):
    with pytest.raises(compat.error_proto, match="go away") as caught:
        open_pop(b"-ERR go away\r\n")
    pop = next(trace.locals["self"] for trace in caught.traceback if "self" in trace.locals)
    assert (pop.sock, pop.file) == (None, None)


def test_after_the_end_everything_is_eof(open_pop):
    pop, _ = open_pop(GREETING, b"-ERR [SYS/TEMP] not all removed\r\n")
    with pytest.raises(compat.error_proto, match="not all removed"):
        pop.quit()
    assert (pop.sock, pop.file) == (None, None)
    for command in (pop.noop, pop.stat, pop.quit):
        with pytest.raises(compat.error_proto, match="EOF"):
            command()


@pytest.mark.parametrize("octet", ["\r", "\n", "\r\nDELE 1", "\0", "\x7f"])
def test_an_argument_cannot_bring_a_second_command(open_pop, octet):
    pop, wire = open_pop(GREETING)
    with pytest.raises(ValueError, match="Control characters"):
        pop.user(f"ayse{octet}")
    pop.close()
    assert wire.heard() == b""


def test_apop_digests_the_last_stamp_of_the_greeting(open_pop):
    # RFC 1939 s7: the example of APOP
    greeting = b"+OK <POP3> server ready <1896.697170952@dbc.mtview.ca.us>\r\n"
    pop, wire = open_pop(greeting, b"+OK maildrop has 1 message\r\n")
    assert pop.apop("mrose", "tanstaaf").startswith(b"+OK")
    pop.close()
    assert wire.heard() == b"APOP mrose c4c9334bac560ecc979e58001b3e22fb\r\n"


def test_apop_without_a_stamp_says_nothing(open_pop):
    pop, wire = open_pop(b"+OK ready\r\n")
    with pytest.raises(compat.error_proto, match="APOP not supported"):
        pop.apop("mrose", "tanstaaf")
    pop.close()
    assert wire.heard() == b""


def test_capa_gives_names_and_words(open_pop):
    pop, _ = open_pop(GREETING, b"+OK\r\n", b"TOP\r\nSASL PLAIN APOP\r\n\r\n\xffX\r\n.\r\n", b"-ERR what\r\n")
    assert pop.capa() == {"TOP": [], "SASL": ["PLAIN", "APOP"], "\ufffdX": []}
    with pytest.raises(compat.error_proto, match="CAPA not supported by server"):
        pop.capa()


def test_what_came_before_tls_ends_the_session(open_pop):
    pop, wire = open_pop(GREETING, b"+OK\r\nSTLS\r\n.\r\n", b"+OK begin\r\n+OK injected\r\n", hangs_up=False)
    with pytest.raises(compat.error_proto, match="the server spoke before TLS"):
        pop.stls()
    assert (pop.sock, pop.file) == (None, None)
    assert wire.heard() == b"CAPA\r\nSTLS\r\n"  # and not one octet of a handshake


def test_a_handshake_that_fails_closes(open_pop):
    pop, wire = open_pop(GREETING, b"+OK\r\nSTLS\r\n.\r\n", b"+OK begin\r\n")
    with pytest.raises(OSError, match="EOF"):
        pop.stls()
    assert (pop.sock, pop.file) == (None, None)
    assert wire.heard().startswith(b"CAPA\r\nSTLS\r\n\x16")


def test_stls_that_is_not_offered_is_not_said(open_pop):
    pop, wire = open_pop(GREETING, b"+OK\r\nTOP\r\n.\r\n")
    with pytest.raises(compat.error_proto, match="STLS not supported"):
        pop.stls()
    pop.close()
    assert wire.heard() == b"CAPA\r\n"


def test_a_debug_log_shows_verbs_and_no_secrets(open_pop, capsys):
    pop, _ = open_pop(GREETING, *[b"+OK\r\n"] * 4)
    pop.set_debuglevel(2)
    pop.user("mrose")
    pop.pass_("tanstaaf")
    pop.apop("mrose", "tanstaaf")
    shown = capsys.readouterr().out
    assert "*cmd* 'USER mrose'" in shown
    assert "*cmd* 'PASS ***'" in shown
    assert "*put* b'APOP mrose ***'" in shown
    assert "*get* b'+OK\\r\\n'" not in shown  # a reply is shown as such
    assert "*resp* b'+OK'" in shown
    assert "tanstaaf" not in shown
    assert "c4c9334bac560ecc979e58001b3e22fb" not in shown


def test_the_audit_events_are_those_of_the_original(open_pop):
    heard = []
    is_on = [True]
    sys.addaudithook(lambda event, args: heard.append((event, args[1:])) if is_on and event[:6] == "poplib" else None)
    pop, _ = open_pop(GREETING, b"+OK\r\n")
    pop.noop()
    is_on.clear()  # a hook can never be taken away
    assert heard == [("poplib.connect", ("pop.example.org", 110)), ("poplib.putline", (b"NOOP",))]


def test_a_timeout_of_nothing_is_refused():
    with pytest.raises(ValueError, match="timeout=0"):
        compat.POP3("127.0.0.1", 1, timeout=0)


@pytest.mark.parametrize("given", [{"keyfile": "k"}, {"certfile": "c"}])
def test_a_context_and_a_file_exclude_each_other(given):
    with pytest.raises(ValueError, match="mutually exclusive"):
        compat.POP3_SSL("127.0.0.1", 1, context=ssl.create_default_context(), **given)
