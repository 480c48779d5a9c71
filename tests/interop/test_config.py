"""What a server says of its configuration before it serves, and on a reload."""

import signal
from collections.abc import Iterator

import pytest

from support.postoffice import PostOffice, wait_until

pytestmark = pytest.mark.interop

QUERY = "SELECT hash AS password FROM users"  # of nobody: without :user it would be that of anybody
WRONG = f'[[accounts]]\nkind = "postgresql"\nurl = "postgresql://nobody@127.0.0.1:1/none"\npassword_query = "{QUERY}"\n'


@pytest.fixture
def office() -> Iterator[PostOffice]:
    office = PostOffice()
    yield office
    office.kill()
    office.discard()


@pytest.mark.parametrize("command", ["serve", "config check"])
def test_a_table_that_no_store_understands_is_refused_before_anything_is_served(office, command):
    with office.config.open("a") as config:
        config.write(WRONG)
    done = office.run(command, expect=78)
    assert done.stdout == b""
    assert b": accounts.password_query: the query does not ask for :user" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["serve", "config check"])
def test_a_file_that_is_named_and_missing_is_told_with_its_line(office, command):
    text = office.config.read_text()
    office.config.write_text(f'{text}[tls]\ncertificate = "none.pem"\nkey = "none.pem"\n')
    line = text.count("\n") + 2
    done = office.run(command, expect=78)
    words = f"postane: {office.config}:{line}: tls.certificate: there is no file none.pem: make it, or name another"
    assert words in done.stderr.decode().splitlines()


def test_a_reload_of_a_table_that_no_store_understands_changes_nothing(office):
    with office:
        mailbox = office.fresh()
        workers = office.workers()
        good = office.config.read_text()
        office.config.write_text(good + WRONG)
        office.signal(signal.SIGHUP)
        wait_until(lambda: "reload refused" in office.read_log(), "the reload is refused")
        assert office.workers() == workers
        office.config.write_text(good)
        office.put(mailbox, b"Subject: x\r\n\r\nx\r\n")
