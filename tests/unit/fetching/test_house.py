"""From fetch.toml to jobs that are run."""

import asyncio
import re

import pytest

from postane.config.fetching import FetchConfig
from postane.config.problems import ConfigError
from postane.fetch.account import Account, Action, Filter, Keep, KeepKind, Multidrop, Oversize
from postane.fetching.house import open_journal, opened_rounds
from postane.testing.hostile import hostile_server

PLAIN = {"name": "work", "url": "pop3://you:x@pop.example.org", "deliver": [{"mbox": "x"}]}


def config(folder, *tables: dict[str, object], **top: object) -> FetchConfig:
    accounts = [{**PLAIN, **table} for table in tables]
    return FetchConfig.model_validate({"state": str(folder / "fetch.db"), "account": accounts, **top})


async def account(folder, **keys: object) -> Account:
    settings = config(folder, keys, hostname="here.example")
    async with opened_rounds(settings, settings.account) as rounds:
        (job,) = rounds.jobs
    return job.account


async def test_an_account_as_it_is_without_a_word(tmp_path):
    assert await account(tmp_path) == Account(
        "work", hostname="here.example", host="pop.example.org", mailbox="pop3 you@pop.example.org:110 INBOX"
    )


async def test_an_account_of_which_all_is_said(tmp_path):
    made = await account(
        tmp_path,
        keep="30d",
        expunge_every=5,
        max_size="1kB",
        oversize="skip",
        filters=[{"header": "Subject", "matches": "(?i)spam", "do": "delete"}],
        multidrop={"header": "X-Original-To", "domains": ["Home.Example"], "prefix": "box-"},
        received=False,
        delivered_to="anna@home.example",
        limit=7,
        every="1m",
    )
    assert made == Account(
        name="work",
        keep=Keep(KeepKind.AGED, 30 * 86400.0),
        expunge_every=5,
        max_size=1024,
        oversize=Oversize.SKIP,
        filters=(Filter("Subject", re.compile("(?i)spam"), Action.DELETE),),
        multidrop=Multidrop("X-Original-To", frozenset({"home.example"}), "box-"),
        adds_received=False,
        delivered_to="anna@home.example",
        hostname="here.example",
        limit=7,
        every=60.0,
        host="pop.example.org",
        mailbox="pop3 you@pop.example.org:110 INBOX",
    )


@pytest.mark.parametrize(
    ("said", "keep"),
    [
        (True, Keep(KeepKind.ALL)),
        (False, Keep(KeepKind.NONE)),
        ("until-deleted-here", Keep(KeepKind.HERE)),
        ("1h", Keep(KeepKind.AGED, 3600.0)),
    ],
)
async def test_what_is_kept(tmp_path, said, keep):
    assert (await account(tmp_path, keep=said)).keep == keep


async def test_only_the_chosen_ones_are_jobs_and_nothing_is_made_before_they_run(tmp_path):
    settings = config(tmp_path, {"name": "a"}, {"name": "b"}, at_once=3, per_host=1)
    async with opened_rounds(settings, settings.account[1:]) as rounds:
        assert [job.account.name for job in rounds.jobs] == ["b"]
        assert (rounds.limits.at_once, rounds.limits.per_host) == (3, 1)
        assert [progress.account for progress in rounds.progresses()] == ["b"]
    assert list(tmp_path.iterdir()) == []


async def test_what_cannot_be_had_is_told_before_anything_is_fetched(tmp_path):
    settings = config(tmp_path, {"password": {"oauth": "ours"}})
    with pytest.raises(ConfigError, match=r"there is no \[oauth.ours\]"):
        async with opened_rounds(settings, settings.account):
            pytest.fail("it began")


async def test_a_whole_round(tmp_path):
    async with hostile_server([b"Subject: one\r\n\r\n1\r\n"]) as server:
        table = {
            "url": server.url,
            "password": "tanstaaf",
            "keep": False,
            "deliver": [{"maildir": str(tmp_path / "m")}],
        }
        settings = config(tmp_path, table)
        ended: list[str] = []
        async with opened_rounds(settings, settings.account, ended=lambda each: ended.append(each.account)) as rounds:
            progresses = rounds.progresses()
            await rounds.once(progresses)
        assert (progresses[0].delivered, progresses[0].deleted, progresses[0].worst) == (1, 1, None)
        assert ended == ["work"]
        assert len(list((tmp_path / "m" / "new").iterdir())) == 1
    journal = open_journal(settings)
    assert [each.account for each in await journal.counts()] == ["work"]
    await journal.close()


async def test_the_journal_is_closed_whatever_happens(tmp_path):
    settings = config(tmp_path, {})

    async def stopped() -> None:
        async with opened_rounds(settings, settings.account) as rounds:
            await rounds.journal.begin("work")
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await stopped()
    journal = open_journal(settings)
    run = await journal.begin("work")
    assert run.is_suspect, "it did not end"
    await run.finish(is_clean=True)
    await journal.close()
