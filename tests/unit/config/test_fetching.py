"""fetch.toml: every key is taken, and what is wrong is told with file, line, key and what would be right."""

import re
from pathlib import Path

import pytest

from postane.cli.fetch_group import COMMANDS as GROUP
from postane.config.fetching import COMMANDS, Account, Deliver, FetchConfig
from postane.config.problems import ConfigError
from postane.config.section import Section
from postane.config.text import parse_text

ACCOUNT = '[[account]]\nname = "work"\nurl = "pop3s://you@pop.example.org"\n'
DELIVER = '[[account.deliver]]\nmaildir = "~/Mail"\n'
PIN = "sha256:" + "0" * 64

WHOLE = f"""
state = "~/fetch.db"
hostname = "here.example.org"
at_once = 3
per_host = 1

[[account]]
name = "work"
url = "pop3://pop.example.org:1110"
user = "anna"
password = "secret"
keep = "30d"
enabled = false
every = "90s"
plaintext = "always"
tls = "required"
tls_ca = "ca.pem"
tls_pin = "{PIN}"
tls_minimum = "1.3"
client_certificate = "me.pem"
client_key = "me.key"
mechanisms = ["apop", "scram-sha-256", "User"]
timeout = "20s"
proxy = "socks5://127.0.0.1:1080"
window = 10
expunge_every = 50
max_size = "20MB"
oversize = "skip"
limit = 7
received = false
delivered_to = "anna@home.example"
multidrop = {{ header = "X-Original-To", domains = ["home.example"], prefix = "box-" }}
[[account.filters]]
header = "Subject"
matches = "(?i)spam"
do = "delete"
[[account.deliver]]
maildir = "~/Mail"
line_ends = "crlf"
[[account.deliver]]
mbox = "/var/mail/anna"
[[account.deliver]]
command = ["procmail", "-d", "anna"]
timeout = "5m"
[[account.deliver]]
command = "procmail"
[[account.deliver]]
lmtp = "unix:/run/lmtp.sock"
recipients = ["anna"]
sender = "null"
[[account.deliver]]
smtp = "mail.example.org:587"
recipients = ["anna@home.example"]
sender = "srs"
srs_domain = "home.example"
srs_secret = {{ file = "/etc/srs" }}
user = "relay"
password = {{ env = "RELAY" }}
tls = "required"
tls_ca = "ca.pem"
tls_pin = "{PIN}"
plaintext = "never"
[[account.deliver]]
imap = "imaps://anna@imap.example.org/Old"
password = {{ netrc = true }}
[[account.deliver]]
maildrop = "anna"
config = "/etc/postane/postane.toml"

[oauth.google]
client_id = "1"
client_secret = {{ keyring = "x" }}
store = "keyring"
[oauth.ours]
client_id = "2"
issuer = "https://login.example.org"
device_endpoint = "https://login.example.org/device"
browser_endpoint = "https://login.example.org/authorize"
token_endpoint = "https://login.example.org/token"
scope = "mail"
"""


def read(text: str) -> FetchConfig:
    return parse_text(text, "fetch.toml", FetchConfig)


def test_every_key_is_taken():
    config = read(WHOLE)
    (account,) = config.account
    assert config.state == Path("~/fetch.db").expanduser()
    assert (account.keep, account.every, account.timeout) == (30 * 86400.0, 90.0, 20.0)
    assert (account.max_size, account.mechanisms) == (20 * 1024**2, ("APOP", "SCRAM-SHA-256", "USER"))
    assert [each.kind for each in account.deliver] == [
        "maildir", "mbox", "command", "command", "lmtp", "smtp", "imap", "maildrop",
    ]  # fmt: skip
    assert account.password is not None
    assert account.password.text == "secret"
    assert config.oauth["google"].store == "keyring"
    for section in (config, account, account.deliver[5], account.filters[0], config.oauth["ours"]):
        assert_differs(section)


def assert_differs(section: Section) -> None:
    """The text above says something of every key of the table, but for those that belong to another kind."""
    elsewhere = {"maildir", "mbox", "command", "lmtp", "imap", "maildrop", "config", "line_ends"}
    elsewhere |= {"timeout", "client_secret", "store"}
    unsaid = set(type(section).model_fields) - section.model_fields_set
    assert unsaid <= (elsewhere if not isinstance(section, FetchConfig | Account) else set())


def test_what_is_not_said():
    (account,) = read(ACCOUNT + DELIVER).account
    assert (account.keep, account.plaintext, account.window, account.enabled) == (True, "loopback", 100, True)
    assert read("").state == Path("~/.local/state/postane/fetch.db").expanduser()


@pytest.mark.parametrize("keep", ['"until-deleted-here"', "true", "false"])
def test_ways_to_keep(keep):
    (account,) = read(f"{ACCOUNT}keep = {keep}\n{DELIVER}").account
    assert account.keep == {"true": True, "false": False}.get(keep, "until-deleted-here")


def test_secrets_are_not_shown():
    config = read(WHOLE.replace("socks5://", "socks5://me:hidden@").replace("pop3://", "pop3://anna:hidden@"))
    for shown in (repr(config), str(config.account[0])):
        assert "hidden" not in shown
        assert "secret'" not in shown


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('stat = "x"\n', 'fetch.toml:1: stat: unknown key; did you mean "state"?'),
        ("state = 5\n", "1: state: 5 is not a path; write a path in quotes"),
        ("at_once = 0\n", "1: at_once: 0 does not fit; write a number of at least 1"),
        ('hostname = "a b"\n', "1: hostname: 'a b' is not a host name"),
        ("account = 5\n", "1: account: 5 does not fit; write tables: [[account]]"),
        ('[account]\nname = "w"\n', "1: account: is one table, and there may be several: write [[account]], with two"),
        ('[[account]]\nname = "w"\n' + DELIVER, '1: account.url: is missing; write for example url = "pop3s://you@pop'),
        (ACCOUNT, '1: account: nobody said where its mail goes: add [[account.deliver]] and maildir = "~/Mail"'),
        (
            ACCOUNT + DELIVER + ACCOUNT + DELIVER,
            '7: account.name: several accounts are called "work": give each a name',
        ),
    ],
)
def test_a_wrong_file_is_told(text, complaint):
    with pytest.raises(ConfigError) as raised:
        read(text)
    assert complaint in str(raised.value)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (
            "keep = 30",
            '4: account.keep: 30 is not a way to keep mail; write true, false, "30d" or "until-deleted-here"',
        ),
        ('keep = "long"', "4: account.keep: 'long' is not a way to keep mail; write true, false, \"30d\""),
        ('every = "0s"', "4: account.every: 0.0 does not fit; write more than 0.0"),
        ("window = 101", "4: account.window: 101 does not fit; write a number of at most 100"),
        ('expunge_every = "50"', "4: account.expunge_every: '50' does not fit; write a whole number"),
        ('max_size = "big"', "4: account.max_size: 'big' is not a size; write for example"),
        ('oversize = "drop"', "4: account.oversize: 'drop' does not fit; write one of 'headers' or 'skip'"),
        ('enabled = "yes"', "4: account.enabled: 'yes' does not fit; write true or false"),
        ('tls = "maybe"', "4: account.tls: 'maybe' does not fit; write one of 'implicit', 'required', 'if-offered'"),
        ('tls = "none"', '1: account: the URL begins with TLS, which tls = "none" contradicts'),
        ('tls = "if-offered"', '1: account: the URL begins with TLS, which tls = "if-offered" contradicts'),
        ('tls_pin = "x"', "4: account.tls_pin: a pin is sha256: and 64 hexadecimal digits"),
        ('tls_minimum = "1.1"', "4: account.tls_minimum: '1.1' does not fit; write one of '1.2' or '1.3'"),
        ('mechanisms = ["FOO"]', '4: account.mechanisms: "FOO" is not in this version; there are '),
        ('mechanisms = ["apopp"]', '4: account.mechanisms: "apopp" is not in this version; did you mean "APOP"?'),
        ('tls_ca = ""', "4: account.tls_ca: '' is not a path"),
        ('tls_ca = "~nosuchuser/ca.pem"', "4: account.tls_ca: there is no user nosuchuser"),
        ('password = { file = "~nosuchuser/pw" }', "4: account.password.file: there is no user nosuchuser"),
        ('password = { netrc = "~nosuchuser/netrc" }', "4: account.password.netrc: there is no user nosuchuser"),
        ('client_key = "k.pem"', "1: account: client_certificate and client_key belong together: give both"),
        ('proxy = "ftp://me:hidden@h"', "4: account.proxy: the proxy's URL cannot be used: it is socks5://"),
        ("proxy = 5", "4: account.proxy: this does not fit; write a text in quotes"),
        (
            '[[account.filters]]\nheader = "S"\nmatches = "x"\nkeep = true',
            "7: account.filters.keep: belongs into [[account]]",
        ),
        (
            '[account.multidrop]\nheader = "S"\nstate = "hidden"',
            "6: account.multidrop.state: belongs into no section",
        ),
        (
            'tls_ca = "$HOME/ca.pem"',
            "4: account.tls_ca: '$HOME/ca.pem' begins with a $, which means nothing here: write ~",
        ),
        ('pasword = "hidden"', '4: account.pasword: unknown key; did you mean "password"?'),
        ("password = 5309", "4: account.password: a password is a text in quotes, or where it is: write { env ="),
        ("password = { text = 5309 }", "4: account.password.text: this does not fit; write a text in quotes"),
        ('password = { envv = "hidden" }', '4: account.password.envv: unknown key; did you mean "env"?'),
        ('password = { env = "A", file = "b" }', "4: account.password: one of env, file, command, keyring, netrc, oa"),
        ("password = { netrc = false }", "4: account.password: one of env, file, command, keyring, netrc, oauth"),
        ("password = { netrc = 5 }", "4: account.password.netrc: this does not fit; write true or false, or write a p"),
        ('[account.filters]\nheader = "S"', "4: account.filters: is one table, and there may be several: write [[acc"),
        ('[[account.filters]]\nheader = "S"', "4: account.filters.matches: is missing; write for example matches ="),
        ('[[account.filters]]\nheader = "S"\nmatches = "("', "6: account.filters.matches: '(' is not a regular expres"),
        (
            '[[account.filters]]\nheader = "Subject:"\nmatches = "x"',
            "5: account.filters.header: a field's name has no co",
        ),
        (
            '[[account.filters]]\nheader = "Reply To"\nmatches = "x"',
            "5: account.filters.header: 'Reply To' is not the n",
        ),
        ('[account.multidrop]\nheader = ""', "5: account.multidrop.header: '' is not the name of a header field"),
        (
            '[account.multidrop]\nheader = "To : "',
            '5: account.multidrop.header: a field\'s name has no colon: write "To"',
        ),
        ("[account.multidrop]", '4: account.multidrop.header: is missing; write for example header = "X-Original-To"'),
    ],
)
def test_a_wrong_account_is_told(line, complaint):
    with pytest.raises(ConfigError) as raised:
        read(f"{ACCOUNT}{line}\n{DELIVER}")
    assert complaint in str(raised.value)
    assert "hidden" not in str(raised.value)
    assert "5309" not in str(raised.value)


@pytest.mark.parametrize(("url", "tls"), [("pop3://you@h", 'tls = "none"\n'), ("pop2://you@h", "")])
def test_a_pin_without_tls_is_told(url, tls):
    with pytest.raises(ConfigError, match="tls_pin is for TLS"):
        read(f'{ACCOUNT.replace("pop3s://you@pop.example.org", url)}{tls}tls_pin = "sha256:{"ab" * 32}"\n{DELIVER}')


@pytest.mark.parametrize("name", ["-q", "state", "add"])
def test_a_name_that_cannot_be_called_is_told(name):
    with pytest.raises(
        ConfigError, match=r"fetch\.toml:2: account\.name: .* means something else after `postane fetch`"
    ):
        read(ACCOUNT.replace("work", name) + DELIVER)


@pytest.mark.parametrize("name", ["", " "])
def test_an_account_without_a_name_is_told(name):
    with pytest.raises(ConfigError, match=r'fetch\.toml:2: account\.name: an account needs a name: write .* "work"'):
        read(ACCOUNT.replace("work", name) + DELIVER)


def test_no_command_is_forgotten():
    assert set(COMMANDS) == {"run", *GROUP}


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        (
            "https://you:hidden@h",
            'the URL begins with none of pop3s, pop3, pop2s, pop2, pop1s, pop1, imaps, imap; write "pop3s://you@',
        ),
        ("hidden:hidden", "the URL begins with none of pop3s"),
        ("pop3://you:hidden@h:port", "after the host comes a colon and a port from 1 to 65535"),
        ("imaps://you:hidden@", "the URL names no host"),
        ("imaps://you:hidden@h/Old@home", "in the name of a folder an @ is written as %40"),
        ("pop://you;AUTH=KERBEROS_V4@h", '"KERBEROS_V4" is not in this version'),
    ],
)
def test_a_wrong_url_is_told_without_its_password(url, complaint):
    with pytest.raises(ConfigError) as raised:
        read(ACCOUNT.replace("pop3s://you@pop.example.org", url) + DELIVER)
    assert str(raised.value).startswith("fetch.toml:3: account.url: ")
    assert complaint in str(raised.value)
    assert "hidden" not in str(raised.value)


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        (
            'maildir = "x"\nlmtp = "h:24"',
            "4: account.deliver: one of maildir, mbox, command, lmtp, smtp, imap, maildrop",
        ),
        ('recipients = ["a"]', "where mail goes, it has none; write maildir ="),
        ("command = 5", '5: account.deliver.command: 5 does not fit; write a text in quotes: "...", or write a list'),
        *(
            (
                f"command = {nothing}",
                "5: account.deliver.command: this is no command, and mail given to it would be gone",
            )
            for nothing in ('""', '"  "', '"# procmail"', "[]", '[""]', '["", "-d"]')
        ),
        ('smtp = "h:25"', '4: account.deliver: smtp needs to know to whom: write recipients = ["you@example.org"]'),
        ('lmtp = "h"', "5: account.deliver.lmtp: 'h' is not an address; write \"HOST:PORT\""),
        ('maildir = "x"\nsender = "srs"', 'sender = "srs" needs srs_domain and srs_secret'),
        ('imap = "pop3://h"', '5: account.deliver.imap: the URL begins with none of imaps, imap; write "imaps://you@'),
        ('maildir = "x"\npassword = ["hidden"]', "6: account.deliver.password: a password is a text in quotes"),
        ('imap = "imaps://you@h"\ntls = "none"', "the URL begins with TLS, which"),
        ('maildir = "x"\nline_ends = "cr"', "6: account.deliver.line_ends: 'cr' does not fit; write one of 'lf' or"),
    ],
)
def test_a_wrong_destination_is_told(lines, complaint):
    with pytest.raises(ConfigError) as raised:
        read(f"{ACCOUNT}[[account.deliver]]\n{lines}\n")
    assert complaint in str(raised.value)
    assert "hidden" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('oauth = "x"\n', "1: oauth: 'x' does not fit; write sections: [oauth.NAME]"),
        ('[oauth.ours]\nscope = "x"\n', "1: oauth.ours.client_id: is missing; write for example client_id ="),
        (
            '[oauth.ours]\nclient_id = "x"\nclient_sekret = "hidden"\n',
            'sekret: unknown key; did you mean "client_secret"',
        ),
        ('[oauth.ours]\nclient_id = "x"\nclient_secret = 5309\n', "3: oauth.ours.client_secret: a password is a text"),
        ('[oauth.ours]\nclient_id = "x"\nstore = "vault"\n', "3: oauth.ours.store: 'vault' does not fit; write one of"),
        ('[[oauth.ours]]\nclient_id = "x"\n', "1: oauth.ours: a list does not fit; write a section: [name]"),
    ],
)
def test_a_wrong_provider_is_told(text, complaint):
    with pytest.raises(ConfigError) as raised:
        read(text)
    assert complaint in str(raised.value)
    assert "hidden" not in str(raised.value)
    assert "5309" not in str(raised.value)


def test_a_destination_knows_its_kind():
    assert Deliver(maildrop="anna").kind == "maildrop"


@pytest.mark.parametrize(
    ("url", "line", "complaint"),
    [
        ("pop2://you@h", 'tls = "required"', "POP2 has no STLS: write pop2s://"),
        ("pop1://you@h:1", 'tls = "if-offered"', "POP1 has no STLS: write pop1s://"),
        ("imap://you@h", 'proxy = "socks5://h"', "proxy is for POP alone"),
        ("imaps://you@h", 'mechanisms = ["SCRAM-SHA-256"]', "mechanisms is for POP alone"),
    ],
)
def test_what_would_not_be_heeded_is_refused(url, line, complaint):
    with pytest.raises(ConfigError, match=re.escape(complaint)):
        read(f"{ACCOUNT.replace('pop3s://you@pop.example.org', url)}{line}\n{DELIVER}")


def test_a_path_means_the_same_in_the_next_run():
    (account,) = read(ACCOUNT + '[[account.deliver]]\nmaildir = "Mail"').account
    assert account.deliver[0].maildir == Path.cwd() / "Mail"


def test_a_user_without_a_home_says_where_the_state_is(monkeypatch):
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    with pytest.raises(
        ConfigError, match=r'home folder of this user is not known.*: write state = "/a/path/fetch\.db"'
    ):
        read(ACCOUNT + '[[account.deliver]]\nmaildir = "/srv/Mail"')
    assert read('state = "/srv/fetch.db"').state == Path("/srv/fetch.db")
