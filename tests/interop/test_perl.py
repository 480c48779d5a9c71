"""Perl's Net::POP3, the client of a generation of scripts."""

import pytest

from support.corpus import Way, by_way, check_stored, corpus
from support.post import check_all, fill, read_all
from support.postoffice import Mailbox, PostOffice
from support.programs import missing, require, run

pytestmark = pytest.mark.interop

OPEN = """
use strict; use warnings; use Net::POP3;
my ($port, $user, $password, @rest) = @ARGV;
my $pop = Net::POP3->new("127.0.0.1", Port => $port, Timeout => 20) or die "no connection";
binmode STDOUT;
"""


def _perl(office: PostOffice, mailbox: Mailbox, program: str, *arguments: str) -> bytes:
    perl = require("perl")
    if run([perl, "-MNet::POP3", "-e", "1"], expect=None).returncode != 0:
        missing("Perl has no Net::POP3")
    words = [perl, "-e", OPEN + program, str(office.pop3[1]), mailbox.name, mailbox.password, *arguments]
    return run(words).stdout


def test_log_in_and_count(post_office: PostOffice, mailbox: Mailbox) -> None:
    fill(post_office, mailbox, corpus()[:3])
    octets = sum(map(len, read_all(post_office, mailbox)))
    said = _perl(post_office, mailbox, 'print $pop->login($user, $password), " ", join(" ", $pop->popstat); $pop->quit')
    assert said.decode() == f"3 3 {octets}"


def test_no_messages_is_no_error(post_office: PostOffice, mailbox: Mailbox) -> None:
    assert _perl(post_office, mailbox, 'print $pop->login($user, $password) // "refused"; $pop->quit') == b"0E0"


def test_apop(post_office: PostOffice, mailbox: Mailbox) -> None:
    fill(post_office, mailbox, corpus()[:1])
    program = 'print $pop->apop($user, $password) // "refused: " . $pop->message; $pop->quit'
    assert _perl(post_office, post_office.add_device(mailbox), program) == b"1"


def test_wrong_password(post_office: PostOffice, mailbox: Mailbox) -> None:
    program = 'print $pop->login($user, "wrong") // "refused: " . $pop->message'
    assert _perl(post_office, mailbox, program).startswith(b"refused: [AUTH]")


def test_get_the_whole_corpus(post_office: PostOffice, mailbox: Mailbox) -> None:
    specimens = by_way(Way.DATA)
    fill(post_office, mailbox, specimens)
    program = """
        my $count = $pop->login($user, $password);
        for my $number (1 .. $count) { my $text = join "", @{$pop->get($number)}; print length $text, "\\n", $text }
        $pop->quit;
    """
    got = _perl(post_office, mailbox, program)
    messages = []
    while got:
        length, _, got = got.partition(b"\n")
        messages.append(got[: int(length)].replace(b"\n", b"\r\n"))  # Net::Cmd gives lines with LF
        got = got[int(length) :]
    check_all(messages, specimens)


def test_top_uidl_and_delete(post_office: PostOffice, mailbox: Mailbox) -> None:
    fill(post_office, mailbox, corpus()[:2])
    program = """
        $pop->login($user, $password);
        my $all = $pop->uidl; print join(" ", sort keys %$all), "\\n";
        print $pop->uidl(2) eq $all->{2} ? "same\\n" : "different\\n";
        print scalar(@{$pop->top(1, 0)}) < scalar(@{$pop->get(1)}) ? "shorter\\n" : "not shorter\\n";
        print $pop->list(1), "\\n";
        $pop->delete(1); print join(" ", keys %{$pop->list}), "\\n";
        $pop->quit;
    """
    size = len(read_all(post_office, mailbox)[0])
    said = _perl(post_office, mailbox, program).decode().splitlines()
    assert said == ["1 2", "same", "shorter", str(size), "2"]
    (left,) = read_all(post_office, mailbox)
    check_stored(left, corpus()[1])


def test_reset(post_office: PostOffice, mailbox: Mailbox) -> None:
    fill(post_office, mailbox, corpus()[:2])
    _perl(post_office, mailbox, "$pop->login($user, $password); $pop->delete(1); $pop->reset; $pop->quit")
    check_all(read_all(post_office, mailbox), corpus()[:2])
