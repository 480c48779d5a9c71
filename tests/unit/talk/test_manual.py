"""The manual is complete: a line for each verb of each protocol."""

import re
from pathlib import Path

import pytest

from postane.pop1.commands import Verb as Pop1Verb
from postane.pop2.commands import Verb as Pop2Verb
from postane.pop3.commands import Verb as Pop3Verb
from postane.smtp.commands import Verb as SmtpVerb
from postane.talk.manual import MANUAL, ORDERS


@pytest.mark.parametrize(
    ("protocol", "verbs"), [("POP3", Pop3Verb), ("POP2", Pop2Verb), ("POP1", Pop1Verb), ("SMTP", SmtpVerb)]
)
def test_each_verb_has_its_line(protocol, verbs):
    assert set(MANUAL[protocol]) == {verb.value for verb in verbs if verb.value.isupper()}
    assert all(entry.what and entry.source for entry in MANUAL[protocol].values())


def test_a_line_names_its_rfc():
    assert str(MANUAL["POP3"]["RETR"]) == "RETR n: send message n (RFC 1939 s5)"


def test_an_order_has_no_rfc():
    assert str(ORDERS[".show"]) == ".show N: fetch message N and make it readable"


def test_the_page_has_the_same_orders():
    page = (Path(__file__).parents[3] / "docs" / "talk.md").read_text()
    rows = re.findall(r"^\| (`\..*?) \|", page, re.MULTILINE)
    assert re.findall(r"`(.+?)`", " ".join(rows)) == [entry.usage for entry in ORDERS.values()]


def test_orders_begin_with_a_dot():
    assert all(name.startswith(".") for name in ORDERS)
