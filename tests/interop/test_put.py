"""`postane drop put`: what scripts deliver with, the whole corpus, and files with Unix line ends."""

import pytest

from support.corpus import Specimen, Way, by_way, check_stored, corpus
from support.post import check_all, read_all, with_lf
from support.postoffice import Mailbox, PostOffice

pytestmark = pytest.mark.interop

SOME = [specimen for specimen in corpus() if specimen.name.startswith(("lines of", "1 MiB", "no final", "NUL"))]


@pytest.mark.parametrize("specimen", by_way(Way.PUT), ids=[specimen.name for specimen in by_way(Way.PUT)])
def test_put_in_pop_out(post_office: PostOffice, mailbox: Mailbox, specimen: Specimen) -> None:
    post_office.put(mailbox, specimen.octets)
    (message,) = read_all(post_office, mailbox)
    check_stored(message, specimen)


@pytest.mark.parametrize("specimen", SOME, ids=[specimen.name for specimen in SOME])
def test_unix_line_ends_become_those_of_mail(post_office: PostOffice, mailbox: Mailbox, specimen: Specimen) -> None:
    post_office.put(mailbox, with_lf(specimen.octets))
    (message,) = read_all(post_office, mailbox)
    check_stored(message, specimen)


def test_put_while_a_session_is_open(post_office: PostOffice, mailbox: Mailbox) -> None:
    specimens = corpus()[:2]
    for specimen in specimens:  # as a script starts it
        post_office.run("drop put", mailbox.name, given=specimen.octets)
    check_all(read_all(post_office, mailbox), specimens)


def test_put_for_nobody_fails(post_office: PostOffice) -> None:
    done = post_office.run("drop put", "no-such-user", given=corpus()[0].octets, expect=67)
    assert b"no-such-user" in done.stderr
