"""`postane drop expire` as people use it."""

import asyncio
import json

from postane.maildrop.base import Holder, Lock
from postane.maildrop.embedded import embedded_store

MESSAGE = b"Subject: hello\r\n\r\nHello.\r\n"


def keep(shell, retention: str) -> None:
    shell.config.write_text(shell.config.read_text() + f'[maildrop]\nretention = "{retention}"\n')


def put(shell, *names: str) -> None:
    for name in names:
        assert shell(f"drop put {name}", given=MESSAGE).code == 0


def messages(shell, name: str) -> int:
    return len(json.loads(shell(f"drop show {name} --json").out))


def test_dry_run_only_tells(shell):
    put(shell, "anna", "anna")
    keep(shell, "1ms")
    done = shell("drop expire --dry-run --json")
    assert done.code == 0
    assert [(row["drop"], row["uid"]) for row in json.loads(done.out)] == [("anna", 1), ("anna", 2)]
    assert messages(shell, "anna") == 2


def test_what_was_removed_is_told(shell):
    put(shell, "anna", "anna")
    keep(shell, "1ms")
    done = shell("drop expire anna")
    assert (done.code, done.err) == (0, "2 removed\n")
    assert done.out.startswith("MAILDROP")
    assert messages(shell, "anna") == 0
    assert shell("drop expire").err == "nothing has outlived its time\n"


def test_only_those_named(shell):
    shell.add_user("ben")
    put(shell, "anna", "ben")
    keep(shell, "1ms")
    shell("drop expire ben")
    assert (messages(shell, "anna"), messages(shell, "ben")) == (1, 0)
    assert shell("drop expire nobody").code == 67


def test_an_accounts_own_retention_counts(shell):
    shell.add_user("ben")
    put(shell, "anna", "ben")
    shell("user set ben retention=1ms")
    shell("drop expire")
    assert (messages(shell, "anna"), messages(shell, "ben")) == (1, 0)


def test_a_drop_in_use_stays_and_is_told(shell):
    shell.add_user("ben")
    put(shell, "anna", "ben")
    keep(shell, "1ms")
    store = embedded_store(shell.storage)
    session = asyncio.run(store.open("anna", Holder("s", "", "POP3", 0.0), Lock()))
    done = shell("drop expire")
    asyncio.run(session.close())
    asyncio.run(store.close())
    assert done.code == 75
    assert "anna is in use" in done.err
    assert (messages(shell, "anna"), messages(shell, "ben")) == (1, 0)
