"""A passwd-file of Dovecot's own making: every scheme that `doveadm pw` writes, and a server that lives by the file."""

import poplib
from collections.abc import Iterator

import pytest

from postane.accounts.base import LoginRefused
from postane.accounts.kept import schemes
from postane.accounts.passwd_file import PasswdFile, PasswdFileAccounts
from support.postoffice import PostOffice
from support.programs import require, run

pytestmark = pytest.mark.interop

ENCODED = ("SHA256.HEX", "SSHA512.HEX", "SSHA.B64", "SHA512.B64")


@pytest.fixture(scope="module")
def lines() -> dict[str, str]:
    """A line for each scheme, whose user has the scheme's name."""
    doveadm = require("doveadm")
    made = {}
    for scheme in (*schemes(), *ENCODED):
        value = run([doveadm, "pw", "-s", scheme, "-p", f"secret of {scheme}"]).stdout.decode().strip()
        made[scheme] = f"{scheme.lower()}:{value}:1000:1000::/tmp::userdb_quota_rule=*:storage=1G"
    return made


@pytest.mark.parametrize("scheme", [*schemes(), *ENCODED])
async def test_what_dovecot_writes_is_checked(lines, tmp_path, scheme):
    path = tmp_path / "users"
    path.write_text(f"# by doveadm\n{lines[scheme]}\n")
    path.chmod(0o640)
    store = PasswdFileAccounts(PasswdFile(path))
    proof = await store.verify_password(scheme.lower(), f"secret of {scheme}")
    assert (proof.account.name, proof.account.quota.octets) == (scheme.lower(), 1024**3)
    for wrong in (f"secret of {scheme.lower()}", "", f"secret of {scheme}\0", lines[scheme]):
        with pytest.raises(LoginRefused):
            await store.verify_password(scheme.lower(), wrong)
    await store.close()


def test_the_schemes_are_those_that_dovecot_has():
    known = run([require("doveadm"), "pw", "-l"]).stdout.decode().split()
    assert set(schemes()) <= set(known)


class Users:
    """The file of a server, and a connection for each login."""

    def __init__(self, office: PostOffice) -> None:
        self.office = office
        self.path = office.folder / "users"
        self.write("")

    def write(self, text: str) -> None:
        new = self.path.with_suffix(".new")
        new.write_text(text)
        new.chmod(0o640)
        new.replace(self.path)

    def enters(self, name: str, password: str, *, by_apop: bool = False) -> bool:
        """Whether a client gets in; told apart from everything else that may go wrong."""
        client = poplib.POP3(*self.office.pop3, timeout=30)
        try:
            if by_apop:
                client.apop(name, password)
            else:
                client.user(name)
                client.pass_(password)
        except poplib.error_proto as error:
            assert b"[AUTH]" in error.args[0], error
            return False
        finally:
            client.quit()
        return True


@pytest.fixture(scope="module")
def users() -> Iterator[Users]:
    """A server whose accounts are those of the machine's own list first, and then those of a passwd-file."""
    office = PostOffice()
    users = Users(office)
    with office.config.open("a") as config:
        config.write(f'[[accounts]]\nkind = "local"\n[[accounts]]\nkind = "passwd-file"\npath = "{users.path}"\n')
    with office:
        office.add_user("resident")
        yield users


def test_an_edit_counts_at_once_in_every_worker(users, lines):
    for password in ("one", "two", "three"):
        users.write(f"tim:{{PLAIN}}{password}\n{lines['BLF-CRYPT']}\n")
        for _ in range(4):  # whichever worker takes it
            assert users.enters("tim", password)
            assert users.enters("tim", password, by_apop=True)
            assert users.enters("blf-crypt", "secret of BLF-CRYPT")
            assert not users.enters("tim", "zero")
    users.write("")
    assert not users.enters("tim", "three")


def test_mail_for_who_is_in_the_file_is_taken_and_read(users):
    users.write("tim:{PLAIN}one\n")
    users.office.run("drop put", "tim", given=b"Subject: hello\r\n\r\nTim\r\n")
    client = poplib.POP3(*users.office.pop3, timeout=30)
    client.user("tim@postane.test")
    client.pass_("one")
    assert client.retr(1)[1][-1] == b"Tim"
    client.quit()


def test_a_name_of_the_list_before_it_is_not_the_files(users):
    users.write("resident:{PLAIN}stolen\ntim:{PLAIN}one\n")
    assert not users.enters("resident", "stolen")
    assert not users.enters("resident", "stolen", by_apop=True)
    assert users.enters("resident", "pw-resident-1939")


def test_while_the_file_is_away_the_others_go_on_and_nobody_is_told_of_a_wrong_password(users):
    users.write("tim:{PLAIN}one\n")
    assert users.enters("tim", "one")
    users.path.unlink()
    assert users.enters("resident", "pw-resident-1939")
    client = poplib.POP3(*users.office.pop3, timeout=30)
    client.user("tim")
    with pytest.raises(poplib.error_proto, match="SYS/TEMP"):
        client.pass_("one")
    client.close()


def test_a_broken_line_is_in_the_log_with_its_number_and_without_its_secret(users):
    users.write("# first\ntim:{PLAIN}one\nanna:{ROT13}uvaqre\n")
    assert users.enters("tim", "one")
    log = users.office.read_log()
    assert f"{users.path}:3" in log
    assert "uvaqre" not in log
