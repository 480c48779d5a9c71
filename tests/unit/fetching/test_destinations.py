"""From a table of fetch.toml to a destination; nothing is made and nobody is asked."""

import pytest

from postane.config.fetching import Account, Deliver, FetchConfig
from postane.config.problems import ConfigError
from postane.fetching.destinations import open_sink, open_sinks
from postane.fetching.post_office import PostOfficeSink
from postane.sinks.base import SinkError
from postane.sinks.command import CommandSink
from postane.sinks.maildir import MaildirSink
from postane.sinks.mbox import MboxSink

SECRET = {"text": "secret"}


def opened(**keys: object):
    table = Deliver.model_validate(keys)
    account = Account(name="work", url="pop3s://you@pop.example.org", deliver=(table,))
    return open_sink(FetchConfig(), account, table)


@pytest.mark.parametrize(
    ("keys", "kind", "name", "can_tell"),
    [
        ({"maildir": "/tmp/no such place/m"}, MaildirSink, "maildir:/tmp/no such place/m", True),
        ({"mbox": "/tmp/no such place/b"}, MboxSink, "mbox:/tmp/no such place/b", True),
        ({"command": ["procmail", "-d", "anna"]}, CommandSink, None, False),
        ({"command": "procmail -d anna"}, CommandSink, None, False),
        ({"maildrop": "anna", "config": "/no/such/file"}, PostOfficeSink, "maildrop:anna", True),
        ({"lmtp": "127.0.0.1:24"}, object, "lmtp:127.0.0.1:24 for you", False),
        ({"lmtp": "unix:/run/lmtp.sock"}, object, None, False),
        (
            {"smtp": "mail.example.org:587", "recipients": ["you@home.example"]},
            object,
            "smtp:mail.example.org:587 for you@home.example",
            False,
        ),
        ({"imap": "imaps://you@imap.example.org/Old", "password": SECRET}, object, None, None),
    ],
)
def test_each_kind_has_its_sink(keys, kind, name, can_tell):
    sink = opened(**keys)
    assert isinstance(sink, kind)
    assert name is None or sink.name == name
    assert can_tell is None or sink.can_tell is can_tell
    assert not sink.is_new
    assert opened(**keys).name == sink.name, "the journal knows it by its name"


def test_no_two_destinations_have_one_name():
    """Else what one of them has got would count for the other."""
    tables = [
        {"smtp": "m:24", "recipients": ["me@h"]}, {"lmtp": "m:24", "recipients": ["me"]},
        {"maildir": "/m"}, {"mbox": "/m"}, {"command": ["/m"]}, {"maildrop": "m"}, {"lmtp": "m:24"},
        {"smtp": "m:24", "recipients": ["you@h"]},
        {"imap": "imaps://you@m", "password": SECRET}, {"imap": "imaps://you@m/Old", "password": SECRET},
    ]  # fmt: skip
    assert len({opened(**keys).name for keys in tables}) == len(tables)


def names(*tables: dict[str, object], **keys: object) -> list[str]:
    account = Account.model_validate({"name": "work", "url": "pop3s://you@h", "deliver": tables, **keys})
    return [sink.name for sink in open_sinks(FetchConfig(), account)]


def test_all_destinations_of_an_account():
    both = {"smtp": "m:25", "recipients": ["anna@h", "bob@h"]}
    assert names({"maildir": "/m"}, both) == ["maildir:/m", "smtp:m:25 for anna@h bob@h"]


def test_a_destination_that_is_there_twice_is_refused():
    with pytest.raises(ConfigError, match="maildir:/m is there twice"):
        names({"maildir": "/m"}, {"maildir": "/m"})


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ({"imap": "imaps://imap.example.org"}, 'account work: imap: write "imaps://USER@imap.example.org/INBOX"'),
        ({"imap": "imaps://you@imap.example.org"}, "account work: imap: where is the password of you?"),
        (
            {"smtp": "h:587", "recipients": ["a@b"], "user": "relay"},
            "account work: smtp: where is the password of relay",
        ),
        ({"imap": "imaps://you@h", "password": {"oauth": "ours"}}, "account work: there is no [oauth.ours]"),
    ],
)
def test_what_is_missing_is_told_before_anything_is_fetched(keys, complaint):
    with pytest.raises(ConfigError) as raised:
        opened(**keys)
    assert complaint in str(raised.value)


async def test_no_mbox_is_waited_for_longer_than_its_timeout(tmp_path):
    (tmp_path / "box.lock").write_text("")
    sink = opened(mbox=str(tmp_path / "box"), timeout="10ms")
    with pytest.raises(SinkError, match="stays locked"):
        await sink.open()
    await sink.close()
