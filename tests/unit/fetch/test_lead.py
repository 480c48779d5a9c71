"""The header fields that a fetched message gets."""

from postane.fetch.account import Account
from postane.fetch.lead import format_lead
from postane.fetch.source import Facts

FACTS = Facts("POP3", "pop.example.org", "192.0.2.1", "anna", "TLSv1.3")


def test_where_it_was_fetched_from():
    account = Account("work", delivered_to="anna@home.example", hostname="here.example")
    assert format_lead(account, FACTS, "u1", 1_790_000_000).decode() == (
        "Delivered-To: anna@home.example\r\n"
        "Received: from pop.example.org ([192.0.2.1])\r\n"
        "\tby here.example with POP3 (TLSv1.3)\r\n"
        "\tid u1\r\n"
        "\t(user anna);\r\n"
        "\tMon, 21 Sep 2026 14:13:20 +0000\r\n"
    )


def test_nothing_where_nothing_is_wanted():
    assert format_lead(Account("work", adds_received=False), FACTS, "u1", 0.0) == b""


def test_nobody_can_write_a_field_of_his_own():
    facts = Facts("POP3", "evil\r\nX: y", "", "anna\r\nX: y", "")
    lead = format_lead(Account("work", delivered_to="a\r\nX: y"), facts, "u\r\nX: y\x00", 0.0)
    assert b"\nX" not in lead
    assert all(line.startswith((b"Delivered-To:", b"Received:", b"\t")) for line in lead.split(b"\r\n")[:-1])
