"""`postane fetch add`: find, try, ask, write down; and nothing is written before a login has succeeded."""

import os
import stat
import tomllib
from pathlib import Path

import pytest

from postane.cli.fetch_add import _server
from postane.cli.fetch_keep import keep_password
from postane.cli.words import Exit
from postane.config.fetch_file import load_fetch_config
from postane.config.fetch_words import HERE
from postane.credentials.base import NoSecret
from postane.credentials.keyrings import Keyring
from postane.discovery.base import Candidate, Method, Service, Way
from postane.discovery.find import Discovery
from postane.net.base import TlsMode
from postane.testing.faults import Listed, Missing
from postane.testing.hostile import hostile_server
from support.aside import aside
from support.terminal import Typist

PASSWORD = "tanstaaf"
ADDRESS = "mrose@example.org"

RING = '''
import json, pathlib
from keyring.backend import KeyringBackend

class Ring(KeyringBackend):
    """A keyring in a file."""
    priority = 1
    path = pathlib.Path.home() / "ring.json"

    def read(self):
        return json.loads(self.path.read_text()) if self.path.exists() else {}

    def get_password(self, service, user):
        return self.read().get(f"{service}/{user}")

    def set_password(self, service, user, text):
        self.path.write_text(json.dumps({**self.read(), f"{service}/{user}": text}))
'''


@pytest.fixture
def server():
    with aside(hostile_server([b"Subject: one\r\n\r\n1\r\n"], [Listed("EXPIRE 30")])) as server:
        yield server


@pytest.fixture
def typist(fetch, monkeypatch):
    """Somebody who adds an account at a terminal, where there is no keyring."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")

    def begin(*words: str) -> Typist:
        return Typist(fetch.errand.command("add", ADDRESS, *words), fetch.home)

    return begin


def written(fetch) -> dict[str, object]:
    """The last account of fetch.toml."""
    return tomllib.loads(fetch.errand.config.read_text())["account"][-1]


def add(fetch, server, *words: str):
    """With the server named, and a password that is where one said."""
    (fetch.home / "pw").write_text(f"{PASSWORD}\n")
    (fetch.home / "pw").chmod(0o600)
    return fetch("add", ADDRESS, "--url", server.url, "--set", f"password.file={fetch.home}/pw", *words)


def test_an_account_is_added_and_can_be_fetched(fetch, server):
    outcome = add(fetch, server)
    assert outcome.code == 0
    config = fetch.errand.config
    assert outcome.out == f"example.org is in {config}; fetch it: postane fetch -c {config} example.org\n"
    assert "EXPIRE 30" in outcome.err
    assert "keeps mail: for 30 days" in outcome.err
    assert "has: 1 message, 19 B" in outcome.err
    table = written(fetch)
    assert (table["name"], table["url"], table["user"], table["keep"]) == ("example.org", server.url, "mrose", True)
    assert table["deliver"] == [{"maildir": "~/Mail/example.org"}]
    assert stat.S_IMODE(fetch.errand.config.stat().st_mode) == 0o600
    assert len(server.messages) == 1
    assert fetch("example.org").out.startswith("example.org: 1 delivered")
    assert len(list((fetch.home / "Mail" / "example.org" / "new").iterdir())) == 1


def test_what_is_set_is_written(fetch, server):
    settings = ["name=work", "keep=30d", "max_size=20MB", "limit=5", 'filters=[{header="Subject", matches="x"}]']
    outcome = add(
        fetch, server, "--maildir", "Mail/all of it", *(word for each in settings for word in ("--set", each))
    )
    assert outcome.code == 0, outcome
    (account,) = load_fetch_config(fetch.errand.config).account
    assert (account.name, account.keep, account.max_size, account.limit) == ("work", 30 * 86400.0, 20 * 1024**2, 5)
    assert account.filters[0].header == "Subject"
    assert account.deliver[0].maildir == fetch.home / "Mail" / "all of it"


def test_the_file_is_added_to_and_nothing_of_it_is_lost(fetch, server):
    before = '# mine\nat_once = 3\n[[account]]\nname = "example.org"\nurl = "pop3://a@h"\ndeliver = [{ mbox = "x" }]'
    real = fetch.home / "dotfiles.toml"
    real.write_text(before)
    fetch.errand.config.symlink_to(real)
    assert add(fetch, server, "--set", f"keep={HERE}").code == 0
    assert real.read_text().startswith(before + "\n")
    assert fetch.errand.config.is_symlink()
    assert (written(fetch)["name"], written(fetch)["keep"]) == (ADDRESS, HERE), "the domain's name was taken"
    assert sorted(path.name for path in fetch.home.iterdir()) == ["dotfiles.toml", "fetch.toml", "pw"]


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (("--set", "keep"), Exit.USAGE, "--set takes KEY=VALUE"),
        (("--set", "keep=30"), Exit.USAGE, "keep: 30 is not a way to keep mail"),
        (("--set", "keeep=true"), Exit.USAGE, 'the account: keeep: unknown key; did you mean "keep"?'),
        (("--set", "password.fille=x"), Exit.USAGE, 'the account: password.fille: unknown key; did you mean "file"?'),
        (("--set", "tls_pin=x"), Exit.USAGE, "tls_pin: a pin is sha256:"),
        (("--set", "limit=1", "--set", "limit.x=1"), Exit.USAGE, "limit is no table"),
        (("--set", "deliver=x"), Exit.USAGE, "deliver: 'x' does not fit; write tables: [[deliver]]"),
        (("--set", "deliver.mbx=x"), Exit.USAGE, 'deliver.mbx: unknown key; did you mean "mbox"?'),
        (("--url", "https://you:hidden@h"), Exit.USAGE, "url: the URL begins with none of pop3s"),
        (("--url", "pop3://mrose@127.0.0.1:1"), Exit.UNAVAILABLE, "nothing was written: no login succeeded"),
        (("--set", "user=nobody"), Exit.NO_PERMISSION, "nothing was written: no login succeeded"),
        (("--set", "tls=required"), Exit.PROTOCOL, "offers no TLS"),
    ],
)
def test_nothing_is_written_when_it_does_not_work(fetch, server, words, code, complaint):
    outcome = add(fetch, server, *words)
    assert outcome.code == code, outcome
    assert complaint in outcome.err
    assert "hidden" not in outcome.err
    assert not fetch.errand.config.exists()
    assert [path.name for path in fetch.home.iterdir()] == ["pw"]


def test_a_name_that_is_taken_is_told_before_anybody_is_asked(fetch, server):
    fetch.errand.add("work", url="pop3://a@h")
    before = fetch.errand.config.read_text()
    outcome = add(fetch, server, "--set", "name=work")
    assert outcome.code == Exit.USAGE
    assert "there is an account work already" in outcome.err
    assert fetch.errand.config.read_text() == before
    assert server.connections == 0


def test_a_file_that_cannot_be_added_to_is_told_and_stays(fetch, server):
    before = 'account = [{ name = "a", url = "pop3://a@h", deliver = [{ mbox = "x" }] }]\n'
    fetch.errand.config.write_text(before)
    assert add(fetch, server).code == Exit.CONFIG
    assert fetch.errand.config.read_text() == before


def test_who_cannot_be_asked_is_told_where_to_write_it(fetch, server):
    outcome = fetch("add", ADDRESS, "--url", server.url)
    assert outcome.code == Exit.NO_PERMISSION
    assert "nobody is asked for the password here: say where it is, as --set password.env=PW does" in outcome.err
    assert not fetch.errand.config.exists()


@pytest.mark.parametrize(("path", "words"), [(".", "it is a folder"), ("pw/fetch.toml", "pw is no folder")])
def test_a_file_that_cannot_be_written_is_told_before_anybody_is_asked(fetch, server, path, words):
    outcome = add(fetch, server, "-c", str(fetch.home / path))
    assert outcome.code == Exit.CANNOT_CREATE
    assert f"{fetch.home / path} cannot be written: " in outcome.err
    assert f"{words}; -c names another file" in outcome.err
    assert server.connections == 0


@pytest.mark.parametrize("words", [["--maildir", "pw/Mail"], ["--set", "deliver.mbox=pw/inbox"]])
def test_a_place_that_takes_no_mail_is_told_before_anybody_is_asked(fetch, server, words):
    outcome = add(fetch, server, *words)
    assert outcome.code == Exit.CANNOT_CREATE
    assert "postane: no mail can be put there: " in outcome.err
    assert "; --maildir or --set deliver.KIND=... names another place" in outcome.err
    assert server.connections == 0
    assert not fetch.errand.config.exists()


def test_what_the_system_refuses_to_write_is_told_by_the_name_of_the_file(fetch, server):
    outcome = add(fetch, server, "-c", "/proc/fetch.toml")
    assert outcome.code == Exit.CANNOT_CREATE
    assert "/proc/fetch.toml cannot be written: " in outcome.err
    assert ".new" not in outcome.err


def candidate(server, **more: object) -> Candidate:
    fields = {"service": Service.POP3, "host": "127.0.0.1", "port": server.port, "tls": TlsMode.OFFERED, **more}
    fields = {"logins": (ADDRESS, "mrose"), "methods": (), "way": Way.SRV, "place": "_pop3._tcp.example.org", **fields}
    return Candidate(**fields)  # type: ignore[arg-type]


def find(monkeypatch, *candidates: Candidate) -> None:
    async def search(_: str) -> Discovery:
        return Discovery(candidates, ("the web: no \x1b[31manswer",))

    monkeypatch.setattr("postane.fetching.search.search", search)


def add_found(fetch, *words: str):
    (fetch.home / "pw").write_text(f"{PASSWORD}\n")
    (fetch.home / "pw").chmod(0o600)
    return fetch("add", ADDRESS, "--set", f"password.file={fetch.home}/pw", *words)


def test_what_was_found_is_tried_until_a_login_succeeds(fetch, server, monkeypatch):
    find(monkeypatch, candidate(server, port=1, tls=TlsMode.IMPLICIT), candidate(server, methods=(Method.OAUTH2,)))
    outcome = add_found(fetch)
    assert outcome.code == 0, outcome
    assert "the web: no \\x1b[31manswer" in outcome.err
    assert "it takes access tokens" in outcome.err
    assert "trying pop3s://127.0.0.1:1" in outcome.err
    table = written(fetch)
    assert (table["url"], table["tls"], table["user"]) == (f"pop3://127.0.0.1:{server.port}", "if-offered", "mrose")
    assert fetch().out.startswith("example.org: 1 delivered")


def test_nobody_says_yes_where_nobody_is_there(fetch, server, monkeypatch):
    find(monkeypatch, candidate(server, confirmation="it was found without proof"))
    outcome = add_found(fetch)
    assert outcome.code == Exit.UNAVAILABLE
    assert "no server was found for mrose@example.org: name it with --url" in outcome.err
    assert server.connections == 0


@pytest.mark.parametrize(
    ("port", "tls", "service", "url", "said"),
    [
        (995, TlsMode.IMPLICIT, Service.POP3, "pop3s://127.0.0.1", None),
        (9995, TlsMode.IMPLICIT, Service.POP3, "pop3s://127.0.0.1:9995", None),
        (110, TlsMode.REQUIRED, Service.POP3, "pop3://127.0.0.1", "required"),
        (993, TlsMode.IMPLICIT, Service.IMAP, "imaps://127.0.0.1", None),
        (143, TlsMode.OFFERED, Service.IMAP, "imap://127.0.0.1", "if-offered"),
    ],
)
def test_a_server_is_written_as_a_url(server, port, tls, service, url, said):
    table = _server(candidate(server, port=port, tls=tls, service=service))
    assert (table["url"], table.get("tls")) == (url, said)


def test_a_password_in_the_url_is_not_shown(fetch, server):
    url = server.url.replace("mrose@", f"mrose:{PASSWORD}@")
    outcome = fetch("add", ADDRESS, "--url", url)
    assert outcome.code == 0, outcome
    assert PASSWORD not in outcome.out + outcome.err


def test_what_is_no_address_is_told(fetch):
    outcome = fetch("add", "example.org")
    assert outcome.code == Exit.USAGE
    assert "example.org" in outcome.err


def test_somebody_types_a_password_which_is_kept_in_a_file(fetch, server, typist):
    with typist("--url", server.url) as terminal:
        terminal.sees("Password of mrose at 127.0.0.1: ")
        terminal.type(f"{PASSWORD}\n")
        terminal.sees("Keep fetched mail at the server?")
        terminal.type("sometimes\n")
        terminal.sees("Keep fetched mail at the server?")
        terminal.type("false\n")
        terminal.sees("example.org is in")
        assert terminal.wait() == os.EX_OK
        assert PASSWORD not in terminal.text
        assert "there is no keyring here" in terminal.text
    kept = fetch.home / "passwords" / "example.org"
    assert (kept.read_text(), stat.S_IMODE(kept.stat().st_mode)) == (f"{PASSWORD}\n", 0o600)
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    assert (written(fetch)["password"], written(fetch)["keep"]) == ({"file": str(kept)}, False)
    assert PASSWORD not in fetch.errand.config.read_text()
    assert fetch().out.startswith("example.org: 1 delivered, 1 deleted at the server")


def test_or_in_the_keyring_where_there_is_one(fetch, server, typist, monkeypatch):
    (fetch.home / "ring.py").write_text(RING)
    monkeypatch.setenv("PYTHONPATH", str(fetch.home))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "ring.Ring")
    with typist("--url", server.url, "--set", "name=work") as terminal:
        terminal.sees("Password of mrose at 127.0.0.1: ")
        terminal.type(f"{PASSWORD}\n")
        terminal.sees("Keep fetched mail")
        terminal.type("\n")
        assert terminal.wait() == os.EX_OK
    assert written(fetch)["password"] == {"keyring": "postane fetch work"}
    assert not (fetch.home / "passwords").exists()
    assert fetch.errand.run().stdout.startswith(b"work: 1 delivered"), "it is found again"


def test_a_destination_can_be_set(fetch, server):
    assert add(fetch, server, "--set", f"deliver.mbox={fetch.home}/mbox").code == 0
    assert written(fetch)["deliver"] == [{"mbox": f"{fetch.home}/mbox"}]


def test_who_mistypes_a_password_may_try_again(fetch, server, typist):
    with typist("--url", server.url, "--set", "keep=true") as terminal:
        for typed in ("mistyped", "again", PASSWORD):
            terminal.sees("Password of mrose at 127.0.0.1: ")
            terminal.type(f"{typed}\n")
        terminal.sees("example.org is in")
        assert terminal.wait() == os.EX_OK
        assert terminal.text.count("the password was not taken: type it again") == 2
    assert fetch().out.startswith("example.org: 1 delivered")


def test_nothing_is_kept_of_a_password_that_is_refused(fetch, server, typist):
    with typist("--url", server.url) as terminal:
        for _ in range(3):
            terminal.sees("Password of mrose")
            terminal.type("mistyped\n")
        terminal.sees("nothing was written")
        assert terminal.wait() == Exit.NO_PERMISSION
    assert list(fetch.home.iterdir()) == []


def test_without_unique_ids_it_is_told(fetch, server):
    server.behave([Missing("UIDL")])
    assert "unique-ids: none: messages are known by their headers and sizes" in add(fetch, server).err


@pytest.mark.parametrize("key", ["password", "password.text"])
def test_a_password_is_no_argument(fetch, key):
    outcome = fetch("add", "you@example.org", "--set", f"{key}=hunter2", "-y")
    assert outcome.code == Exit.USAGE
    assert "password.env" in outcome.err
    assert "hunter2" not in outcome.err


def test_a_home_that_is_nobodys_is_told(fetch, server):
    outcome = add(fetch, server, "--maildir", "~nosuchuser/Mail")
    assert outcome.code == Exit.USAGE
    assert "there is no user nosuchuser" in outcome.err


def test_each_account_has_a_file_of_its_own_for_its_password(tmp_path, monkeypatch):
    async def has_none(*_):
        raise NoSecret("no keyring")

    monkeypatch.setattr(Keyring, "put", has_none)
    names = ["a/b", "a_b", "a%2Fb", "..", ".", "you@example.org"]
    files = {
        name: Path(keep_password({"name": name, "user": "u"}, f"of {name}", tmp_path / "fetch.toml")["file"])
        for name in names
    }
    assert {name: file.read_text() for name, file in files.items()} == {name: f"of {name}\n" for name in names}
    assert {file.parent for file in files.values()} == {tmp_path / "passwords"}
    assert files["you@example.org"].name == "you@example.org"
