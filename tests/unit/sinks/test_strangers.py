"""What messages without a key of ours tell of themselves."""

from pathlib import Path

import pytest

from postane.fetch.account import Account
from postane.fetch.lead import format_lead, id_in_lead
from postane.fetch.source import Facts
from postane.sinks.keys import field_line
from postane.sinks.strangers import HEADER, mbox_strangers, read_strangers

ACCOUNT = Account("work")
FACTS = Facts("POP3", "pop.example.org", "192.0.2.1", "anna", "TLSv1.3")


def lead(key: str) -> bytes:
    return format_lead(ACCOUNT, FACTS, key, 1_700_000_000.0)


@pytest.mark.parametrize("key", ["u1", "12", "a b<c>", "sha256:0123#2", "x" * 200])
def test_it_is_known_by_the_received_field_of_ours(key):
    name = id_in_lead(ACCOUNT, key)
    for octets in (lead(key), lead(key).replace(b"\r\n", b"\n"), lead(key).replace(b"\r\n\t", b" ")):
        found = read_strangers([b"Status: RO\n" + octets + b"Subject: a\n\nbody\n"])
        assert found.resembling({"one": name, "other": "another"}) == {"one"}


def test_it_is_known_by_a_field_with_its_mark_that_stands_elsewhere_now():
    found = read_strangers([b"Subject: a\r\n" + field_line("work/1") + b"\r\nbody\r\n"])
    assert found.resembling({"work/1": "u1", "work/2": ""}) == {"work/1", "work/2"}


def test_what_stands_in_a_body_is_nothing():
    found = read_strangers([b"Subject: a\n\n" + lead("u1") + field_line("one")])
    assert found.resembling({"one": "u1"}) == set()


def test_without_an_id_it_may_be_any_of_them():
    assert read_strangers([]).resembling({"one": ""}) == set()
    assert read_strangers([b""]).resembling({"one": ""}) == {"one"}


def test_an_mbox_gives_the_header_parts_of_those_that_do_not_begin_with_our_field(tmp_path: Path):
    ours = b"From a Mon Jan  1 00:00:00 2024\n" + field_line("k").replace(b"\r\n", b"\n") + b"Subject: ours\n\nbody\n\n"
    long = b"X: " + b"y" * (2 * HEADER) + b"\n"
    path = tmp_path / "mbox"
    path.write_bytes(
        ours
        + b"From b Mon Jan  1 00:00:00 2024\nSubject: one\n\n>From x\nbody\n\n"
        + ours
        + b"From c Mon Jan  1 00:00:00 2024\n" + long + b"\nbody\n\n"
        + b"From d Mon Jan  1 00:00:00 2024\nSubject: torn"
    )  # fmt: skip
    with path.open("rb") as file:
        file.read(100)
        first, second, third = mbox_strangers(file.fileno())
    assert (first, third) == (b"Subject: one\n", b"Subject: torn")
    assert long.startswith(second)
    assert len(second) <= 2 * HEADER
