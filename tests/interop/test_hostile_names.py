"""Names, addresses and words that want to be something else: a terminal's command, a second line, a header, SQL, HTML.

They are said to a real server and to the commands of the operator, in every place that shows them again.
"""

import base64
import json
from collections.abc import Iterator

import pytest

from support.post import read_all
from support.postoffice import Mailbox, PostOffice, wait_until
from support.talk import Talk, log_in

pytestmark = pytest.mark.interop

HOSTILE = {
    "colour": "a\x1b[31mred\x1b[0m",
    "title of the terminal": "a\x1b]0;owned\x07",
    "8-bit control sequence": "a\x9b31m",
    "line end": "a\nadmin: logged in",
    "carriage return": "a\rroot",
    "header": "a\r\nX-Evil: 1\r\n\r\nbody",
    "line separator": "a\u2028b\u2029c",
    "right to left": "a\u202egpj.exe",
    "isolate": "a\u2066b\u2069",
    "zero width": "a\u200bb\ufeff",
    "markup": "[red]a[/red] [link=http://x]y[/link]",
    "SQL": "a'; DROP TABLE account; --",
    "SQL that is always true": "' OR '1'='1",
    "HTML": "<script>alert(1)</script>",
    "attribute of HTML": '"onmouseover="alert(1)',
    "path": "../../../etc/passwd",
    "JSON": '"}, {"event": "session", "account": "anna',
    "format": "%s%n{0}{name}$(id)`id`",
    "fail2ban": "x peer=203.0.113.5 why=no",
    "long": "a" * 240,
}
hostile = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
EVENTS = ("session", "login refused", "recipient refused")
LABELS = ("colour", "line end", "right to left", "markup", "SQL", "HTML", "JSON", "format")
SOURCES = (f"127.0.{6 + number // 250}.{1 + number % 250}" for number in range(500))


@pytest.fixture(scope="module", params=["json", "text"])
def post(request: pytest.FixtureRequest) -> Iterator[PostOffice]:
    """A server whose log tells everything."""
    settings = {
        "log": {"format": request.param, "level": "debug"},
        "auth": {"failure_delay": "0s", "lockout_after": 0},
    }
    with PostOffice(settings) as office:
        yield office


@pytest.fixture(scope="module")
def office() -> Iterator[PostOffice]:
    """A server for the operator's commands."""
    with PostOffice(
        {"log": {"format": "text"}, "auth": {"failure_delay": "0s", "lockout_after": 0}}, pool=12
    ) as office:
        yield office


@pytest.fixture
def box(post: PostOffice) -> Mailbox:
    """An account with nothing in it."""
    return post.fresh()


def check_shown(octets: bytes) -> None:
    """What a person sees: lines of printable characters."""
    for line in octets.decode().split("\n"):
        assert line.isprintable(), ascii(line)


def check_log(office: PostOffice) -> None:
    """Each line of the log is one of the server's, and harmless."""
    log = office.log.read_bytes()
    check_shown(log)
    for line in log.decode().splitlines():
        if line.startswith("{"):
            told = json.loads(line)
            assert told["event"] in EVENTS or told["level"] == "warning", line
    assert b"\nadmin:" not in log


def shown(office: PostOffice, command: str, *words: str, expect: int | None = 0) -> bytes:
    """What a command says on both ways out; on standard output as JSON too, which must be some."""
    done = office.run_forked(command, *words, expect=expect)
    check_shown(done.stdout)
    check_shown(done.stderr)
    return done.stdout + done.stderr


@hostile
def test_no_such_account_by_pop3(post: PostOffice, box: Mailbox, text: str) -> None:
    name = text.encode()
    with Talk(post.pop3, source=next(SOURCES)) as talk:
        talk.send(b"USER " + name + b"\r\nPASS x\r\n")
        talk.send(b"AUTH PLAIN " + base64.b64encode(b"\0" + name + b"\0x") + b"\r\nQUIT\r\n")
        said = _all(talk)
    check_replies(said, (b"+OK", b"-ERR"))
    assert b"script" not in said
    assert read_all(post, box) == []  # and the accounts are all there
    check_log(post)


def _all(talk: Talk) -> bytes:
    said = b""
    while octets := talk.socket.recv(65536):
        said += octets
    return said


def check_replies(said: bytes, words: tuple[bytes, ...]) -> None:
    """Every line of a reply is the server's."""
    assert said.endswith(b"\r\n")
    for line in said.removesuffix(b"\r\n").split(b"\r\n"):
        assert line.startswith(words), line
        check_shown(line)


@hostile
def test_smtp_names_and_addresses(post: PostOffice, box: Mailbox, text: str) -> None:
    """HELO's name, the sender's and the recipient's address, raw and quoted, in UTF-8 or not."""
    word = text.encode()
    quoted = b'"' + word.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
    with Talk(post.smtp, source=next(SOURCES), greeting=False) as talk:
        talk.send(b"EHLO " + word + b"\r\nEHLO [" + word + b"]\r\nVRFY " + word + b"\r\n")
        for address in (word, quoted, quoted + b"@x.test", word + b"@x.test"):
            talk.send(b"MAIL FROM:<" + address + b"> SMTPUTF8\r\nRCPT TO:<" + address + b">\r\nRSET\r\n")
        talk.send(b"QUIT\r\n")
        said = _all(talk)
    check_replies(said, (b"220", b"221", b"25", b"5"))
    check_log(post)


def test_stored_messages(office: PostOffice) -> None:
    """Who sent them, what HELO said: in the trace fields, in the tables of the operator, in JSON."""
    box = office.fresh()
    for text in HOSTILE.values():
        word = text.encode()
        quoted = b'"' + word.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"@x.test'
        one_line = word.replace(b"\r\n", b" ").replace(b"\r", b" ").replace(b"\n", b" ")
        with Talk(office.lmtp, source=next(SOURCES), greeting=False) as talk:
            talk.send(b"LHLO " + one_line + b"\r\nLHLO x\r\nMAIL FROM:<" + quoted + b"> SMTPUTF8\r\n")
            talk.send(b"MAIL FROM:<fallback@x.test>\r\nRCPT TO:<" + box.address.encode() + b">\r\nDATA\r\n")
            talk.send(b"Subject: " + one_line + b"\r\n\r\nmarked\r\n.\r\nQUIT\r\n")
            check_replies(_all(talk), (b"220", b"221", b"25", b"354", b"5"))
    messages = read_all(office, box)
    assert len(messages) == len(HOSTILE)
    for message in messages:
        header, _, body = message.partition(b"\r\n\r\n")
        assert body == b"marked\r\n"
        fields = [line.partition(b":")[0] for line in header.split(b"\r\n") if not line.startswith((b" ", b"\t"))]
        assert fields == [b"Return-Path", b"Delivered-To", b"Received", b"Subject"]
    assert shown(office, "drop show", box.name).count(b"\n") == 1 + len(HOSTILE)
    senders = [row["sender"] for row in json.loads(office.run("drop show", box.name, "--json").stdout)]
    assert any("onmouseover" in sender for sender in senders)
    check_log(office)


@hostile
def test_what_the_operator_says(office: PostOffice, text: str) -> None:
    """Whatever is answered, also "there is no such thing", shows it harmlessly."""
    for command in ("user show", "drop show", "kick"):
        done = shown(office, command, "--", text, expect=None)
        assert b"Traceback" not in done
    check_log(office)


@pytest.mark.parametrize("text", [HOSTILE[each] for each in LABELS], ids=LABELS)
def test_labels_and_aliases(office: PostOffice, text: str) -> None:
    """What may not be a label or an alias is refused; what may be is shown as it is."""
    box = office.fresh()
    shown_before = office.run_forked("user show", box.name, "--json").stdout
    taken = office.run("user device add", "--secret-stdin", "--", box.name, text, given=b"secret of it\n", expect=None)
    check_shown(taken.stderr)
    alias = office.run_forked("user alias add", "--", box.name, f"{text}@x.test", expect=None)
    check_shown(alias.stderr)
    shown(office, "user show", box.name)
    told = json.loads(office.run_forked("user show", box.name, "--json").stdout)
    labels = [device["label"] for device in told["devices"]]
    assert labels == ([text.strip()] if taken.returncode == 0 else [])
    assert taken.returncode in (0, 65)
    assert alias.returncode in (0, 65)
    assert (told != json.loads(shown_before)) == (0 in (taken.returncode, alias.returncode))
    office.run_forked("user device revoke", "--", box.name, text, expect=0 if labels else None)


@pytest.mark.parametrize("name", ["[red]a[/red]", "a'b", "a&b", "%s", "çağrı", "a$(id)", "=cmd|x"])
def test_strange_names_that_may_be(office: PostOffice, name: str) -> None:
    """Each place shows them as they are, and they log in like others."""
    if office.run("user add", "--password-stdin", "--", name, given=b"a secret word\n", expect=None).returncode:
        pytest.skip("no name of an account")
    with log_in(office.pop3, name, "a secret word", source=next(SOURCES)) as talk:
        assert name in shown(office, "sessions").decode()
        assert name in [row["account"] for row in json.loads(office.run_forked("sessions", "--json").stdout)]
        assert talk.ask(b"QUIT").startswith(b"+OK")
    for command in ("user list", "drop list"):
        assert name in shown(office, command).decode()
        assert name in office.run_forked(command, "--json").stdout.decode()
    wait_until(lambda: name in office.log.read_text(), "the session is told")
    check_log(office)
    office.run_forked("user remove", "--yes", "--drop", "--", name)
