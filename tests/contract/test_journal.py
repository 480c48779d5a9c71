"""One suite for every journal: what `postane.journal.base` promises. The journals are in `support.journals`."""

import asyncio

import pytest

from postane.journal.base import Compared, Counts, JournalError, Listed, Step
from support.journals import NOW, JournalHouse, compared, entries, keys_at, listed, numbered, pieces


@pytest.fixture(params=["memory", "sqlite"])
async def house(request, tmp_path):
    house = JournalHouse(request.param, tmp_path)
    yield house
    await house.journal.close()


@pytest.fixture
async def run(house):
    return await house.journal.begin("work")


# Listings


async def test_what_is_listed_for_the_first_time_is_new(run):
    assert await listed(run, "abcdefg") == []
    assert await compared(run) == [Compared(each, None, NOW, octets=each.octets) for each in numbered("abcdefg")]
    assert await run.count() == {None: 7}


async def test_what_was_listed_before_is_seen_and_the_rest_is_new(house, run):
    await listed(run, "abc")
    await run.finish(is_clean=True)
    house.clock.time += 60
    run = await (await house.again()).begin("work")
    await listed(run, "xbcd")
    assert await keys_at(run, None) == ["x", "d"]
    assert await keys_at(run, Step.SEEN) == ["b", "c"]
    assert await keys_at(run, Step.SEEN, None) == ["x", "b", "c", "d"]
    assert await run.count() == {None: 2, Step.SEEN: 2}
    assert [each.seen for each in await compared(run)] == [NOW + 60, NOW, NOW, NOW + 60]


async def test_numbers_and_octets_are_those_of_this_listing(house, run):
    await listed(run, "abc")
    await run.finish(is_clean=True)
    run = await house.journal.begin("work")
    now = [Listed(1, "c", 7), Listed(2, "b", 8)]
    await run.take_listing(pieces(now))
    assert [each.listed for each in await compared(run)] == now


async def test_a_listing_in_pieces_of_any_size_is_one(run):
    keys = [f"k{number}" for number in range(4500)]
    assert await run.take_listing(pieces(numbered(keys), 999)) == []
    assert await keys_at(run, None) == keys
    assert await run.count() == {None: 4500}


@pytest.mark.parametrize("piece", [1, 2, 3, 1000])
async def test_comparisons_come_in_pieces(run, piece):
    await listed(run, "abcdef")
    await run.record_skipped({"b": "", "e": ""})
    found = [[each.listed.key for each in some] async for some in run.compare(steps={None}, piece=piece)]
    assert all(0 < len(some) <= piece for some in found)
    assert [key for some in found for key in some] == list("acdf")


async def test_numbers_may_be_far_apart(run):
    far = [Listed(5, "a", 1), Listed(70_000, "b", 2), Listed(1_000_000, "c", 3)]
    await run.take_listing(pieces(far))
    assert [each.listed for each in await compared(run)] == far


async def test_an_empty_listing_and_none(run):
    assert (await compared(run), await run.count()) == ([], {})
    assert await listed(run, "") == []
    assert (await compared(run), await run.count()) == ([], {})


async def test_the_next_listing_takes_the_place_of_the_one_before(run):
    await listed(run, "abc")
    await listed(run, "cd")
    assert await keys_at(run) == ["c", "d"]
    assert await keys_at(run, None) == ["d"]


async def test_a_listing_that_breaks_off_notes_nothing(house, run):
    async def broken():
        yield numbered("abc")
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await run.take_listing(broken())
    assert await entries(house.journal, "work") == []
    assert (await compared(run), await run.count()) == ([], {})
    await listed(run, "bc")
    with pytest.raises(ConnectionResetError):
        await run.take_listing(broken())
    assert (await compared(run), await run.count()) == ([], {}), "nor is there the one before any more"


async def test_what_a_broken_listing_has_not_said_is_not_gone(house, run):
    await listed(run, "abc")
    await run.record_deleted(["c"])

    async def broken():
        yield numbered("a")
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await run.take_listing(broken())
    assert [each.key for each in await entries(house.journal, "work")] == ["a", "b", "c"]


# Keys that are not one message's


async def test_repeated_keys_are_given_back_and_not_noted(house, run):
    assert await listed(run, "abacdbb") == [
        *(Listed(1, "a", 100), Listed(2, "b", 200), Listed(3, "a", 300)),
        *(Listed(6, "b", 600), Listed(7, "b", 700)),
    ]
    assert await keys_at(run) == ["c", "d"]
    assert [each.key for each in await entries(house.journal, "work")] == ["c", "d"]


async def test_repeated_keys_that_were_known_are_given_back_too(house, run):
    await listed(run, "abc")
    await run.finish(is_clean=True)
    run = await house.journal.begin("work")
    assert [each.number for each in await listed(run, "aabcd")] == [1, 2]
    assert await keys_at(run) == ["b", "c", "d"]


async def test_they_come_into_the_listing_by_other_keys(house, run):
    for step in (None, Step.DELIVERED):
        (first, second) = await listed(run, "aab")
        await run.rekey([Listed(first.number, "digest one", first.octets)])
        await run.rekey([Listed(second.number, "digest two", second.octets)])
        assert [(each.listed, each.step) for each in await compared(run)] == [
            (Listed(1, "digest one", 100), step),
            (Listed(2, "digest two", 200), step),
            (Listed(3, "b", 300), step),
        ]
        await run.record_delivered(["digest one", "digest two", "b"])
        await run.finish(is_clean=True)
        run = await (await house.again()).begin("work")


async def test_what_was_deleted_and_is_not_listed_any_more_is_forgotten(house, run):
    await listed(run, "abc")
    await run.record_deleted(["a", "b"])
    await listed(run, "bd")
    assert await keys_at(run, None) == ["d"]
    assert await keys_at(run, Step.DELETED) == ["b"]
    assert [each.key for each in await entries(house.journal, "work")] == ["b", "c", "d"]
    await listed(run, "ab")
    assert await keys_at(run, None) == ["a"], "another message, with a key that was somebody's before"


async def test_what_was_deleted_and_comes_into_the_listing_later_is_spared(house, run):
    """A server that has no unique-ids may say that it has deleted, and list the message again."""

    async def nothing():
        yield []

    digests = [Listed(1, "digest one", 100), Listed(2, "digest two", 200)]
    await run.take_listing(nothing(), spared="digest")
    await run.rekey(digests)
    await run.record_deleted(["digest one", "digest two"])
    await run.take_listing(nothing(), spared="digest")
    await run.rekey(digests[:1])
    assert await keys_at(run, Step.DELETED) == ["digest one"]
    assert [each.key for each in await entries(house.journal, "work")] == ["digest one"]
    await run.take_listing(nothing(), spared="digest")
    await run.rekey([])
    assert await entries(house.journal, "work") == []


async def test_what_was_delivered_and_is_not_listed_any_more_is_remembered(run):
    await listed(run, "abc")
    await run.record_delivered(["a"])
    await listed(run, "bc")
    await listed(run, "abc")
    assert await keys_at(run, Step.DELIVERED) == ["a"]


# Steps


async def test_the_steps_of_a_message(house, run):
    await listed(run, "a")
    times = {}
    for word, record in (
        ("fetched", run.record_fetched),
        ("delivered", run.record_delivered),
        ("deleted", run.record_deleted),
    ):
        house.clock.time += 10
        await record(["a"])
        times[word] = house.clock.time
        assert await keys_at(run, Step(word)) == ["a"]
        assert await run.count() == {Step(word): 1}
    (entry,) = await entries(house.journal, "work")
    assert (entry.account, entry.key, entry.octets) == ("work", "a", 100)
    assert (entry.seen, entry.listed, entry.step) == (NOW, NOW, Step.DELETED)
    assert {word: getattr(entry, word) for word in times} == times


async def test_what_was_recorded_is_known_to_the_next_run(house, run):
    await listed(run, "abcdef")
    await run.record_fetched("abc")
    await run.record_delivered(["a", "b"])
    await run.record_failed({"c": "disk full", "d": "cut off"})
    await run.record_failed({"d": "cut off again"})
    await run.record_skipped({"e": "too large"})
    run = await (await house.again()).begin("work")
    await listed(run, "abcdef")
    found = {each.listed.key: each for each in await compared(run)}
    assert {key: each.step for key, each in found.items()} == {
        **dict.fromkeys("ab", Step.DELIVERED),
        "c": Step.FETCHED,
        **dict.fromkeys("df", Step.SEEN),
        "e": Step.SKIPPED,
    }
    assert [each.attempts for each in found.values()] == [0, 0, 1, 2, 0, 0]
    assert found["a"].delivered == NOW
    reasons = {each.key: each.reason for each in await entries(house.journal, "work")}
    assert reasons == {**dict.fromkeys("abf", ""), "c": "disk full", "d": "cut off again", "e": "too large"}


async def test_a_delivery_ends_the_reason_and_keeps_the_attempts(house, run):
    await listed(run, "a")
    await run.record_failed({"a": "no room"})
    await run.record_delivered(["a"])
    (entry,) = await entries(house.journal, "work")
    assert (entry.reason, entry.attempts, entry.step) == ("", 1, Step.DELIVERED)


async def test_many_fetched_ones_are_noted_without_a_delivery(house, run):
    keys = [f"k{number}" for number in range(2500)]
    await listed(run, keys)
    await run.record_fetched(keys)
    assert await run.count() == {Step.FETCHED: 2500}
    await run.finish(is_clean=True)
    assert len(await entries(house.journal, "work", [Step.FETCHED])) == 2500


async def test_destinations_that_have_a_message_are_known_until_all_have_it(house, run):
    await listed(run, "ab")
    await run.record_sink(["a", "b"], "maildir:/one")
    await run.record_sink(["a"], 'mbox:"two"\n,')
    await run.record_sink(["a"], "maildir:/one")
    run = await (await house.again()).begin("work")
    await listed(run, "ab")
    assert [each.sinks for each in await compared(run)] == [("maildir:/one", 'mbox:"two"\n,'), ("maildir:/one",)]
    assert await keys_at(run, Step.SEEN) == ["a", "b"]
    await run.record_delivered(["a"])
    assert [each.sinks for each in await entries(house.journal, "work")] == [(), ("maildir:/one",)]


async def test_keys_that_nobody_has_listed_are_recorded_too(house, run):
    await run.record_skipped({"x": "marked as seen"})
    await run.record_delivered(["y"])
    await run.record_failed({"z": "why"})
    await listed(run, "xyz")
    assert [each.step for each in await compared(run)] == [Step.SKIPPED, Step.DELIVERED, Step.SEEN]


async def test_what_is_recorded_behind_the_reader_is_not_given_twice(run):
    await listed(run, "abcdef")
    given = []
    async for some in run.compare(steps={None, Step.FETCHED}, piece=2):
        given += [each.listed.key for each in some]
        await run.record_fetched(given)
    assert given == list("abcdef")


async def test_words_are_remembered(house, run):
    assert await run.recall("uidvalidity") is None
    await run.remember("uidvalidity", "7")
    await run.remember("uidvalidity", "8")
    run = await (await house.again()).begin("work")
    assert await run.recall("uidvalidity") == "8"
    other = await house.journal.begin("other")
    assert await other.recall("uidvalidity") is None


async def test_any_text_is_a_key(house, run):
    keys = ["ü", "a'b", 'a"b', " ", "", "%s", "?1", "0", "0.0", "x" * 500]
    await listed(run, keys)
    await run.record_delivered(keys)
    assert await keys_at(run, Step.DELIVERED) == keys


# Runs


async def test_one_run_at_a_time(house, run):
    with pytest.raises(JournalError, match=r"work is in use .* then try again"):
        await house.journal.begin("work")
    other = await house.journal.begin("other")
    await other.finish(is_clean=True)
    await run.finish(is_clean=True)
    await (await house.journal.begin("work")).finish(is_clean=True)


@pytest.mark.parametrize("is_clean", [True, False])
async def test_the_next_run_knows_how_the_last_one_ended(house, run, is_clean):
    assert not run.is_suspect
    await run.finish(is_clean=is_clean)
    for _ in range(2):
        run = await (await house.again()).begin("work")
        assert run.is_suspect is not is_clean
        await run.finish(is_clean=is_clean)


async def test_a_run_that_never_ended_makes_the_next_one_suspect(house, run):
    run = await (await house.again()).begin("work")
    assert run.is_suspect
    await run.finish(is_clean=True)
    assert not (await house.journal.begin("work")).is_suspect


async def test_a_run_that_is_over_records_nothing(house, run):
    await listed(run, "a")
    await run.finish(is_clean=True)
    await run.finish(is_clean=False)
    for record in (run.record_delivered, run.record_fetched, run.record_deleted):
        with pytest.raises(JournalError, match="over"):
            await record(["a"])
    assert not (await house.journal.begin("work")).is_suspect


async def test_counts(house, run):
    assert await house.journal.counts() == [Counts("work", {}, None, False)]
    await listed(run, "abc")
    await run.record_delivered("a")
    house.clock.time += 60
    await run.finish(is_clean=True)
    await house.journal.begin("alpha")
    assert await house.journal.counts() == [
        Counts("alpha", {}, None, False),
        Counts("work", {Step.SEEN: 2, Step.DELIVERED: 1}, NOW + 60, True),
    ]


@pytest.mark.parametrize("is_clean", [True, False])
async def test_only_a_clean_run_that_had_a_listing_counts_as_the_last_one(house, run, is_clean):
    await listed(run, "a")
    await run.finish(is_clean=True)
    house.clock.time += 60
    run = await house.journal.begin("work")
    if not is_clean:
        await listed(run, "a")
    await run.finish(is_clean=is_clean)
    assert [each.last_run for each in await house.journal.counts()] == [NOW]


# Entries


async def test_entries_are_given_by_step_and_the_oldest_first(house, run):
    await listed(run, "ba")
    await (await house.journal.begin("other")).record_delivered(["x"])
    house.clock.time += 1
    await listed(run, "cba")
    await run.record_delivered(["a"])
    assert [each.key for each in await entries(house.journal, "work")] == ["b", "a", "c"]
    assert [each.key for each in await entries(house.journal, "work", [Step.SEEN])] == ["b", "c"]
    assert [each.key for each in await entries(house.journal, "work", [Step.SKIPPED])] == []
    assert await entries(house.journal, "nobody") == []


async def test_entries_know_when_their_server_last_had_them(house, run):
    await listed(run, "ab")
    house.clock.time += 60
    await listed(run, "bc")
    house.clock.time += 60
    await listed(run, "c")
    times = {each.key: each.listed - NOW for each in await entries(house.journal, "work")}
    assert times == {"a": 0, "b": 60, "c": 120}
    house.clock.time += 60
    await listed(run, "ab")
    times = {each.key: each.listed - NOW for each in await entries(house.journal, "work")}
    assert times == {"a": 180, "b": 180, "c": 120}


async def test_forgetting_some(house, run):
    await listed(run, "abc")
    await run.record_delivered("abc")
    await run.finish(is_clean=True)
    assert await house.journal.forget("work", ["a", "c", "nothing"]) == 2
    assert await house.journal.forget("nobody", ["a"]) == 0
    run = await (await house.again()).begin("work")
    await listed(run, "abc")
    assert await keys_at(run, None) == ["a", "c"]


async def test_forgetting_all(house, run):
    await listed(run, "abc")
    await run.remember("a", "word")
    await run.finish(is_clean=False)
    assert await house.journal.forget("work") == 3
    assert await house.journal.counts() == []
    run = await (await house.again()).begin("work")
    assert not run.is_suspect
    assert await run.recall("a") is None


async def test_pruning_forgets_what_was_not_listed_for_long(house, run):
    await listed(run, "abcd")
    house.clock.time += 60
    await listed(run, "bcd")
    house.clock.time += 60
    await listed(run, "cd")
    await run.finish(is_clean=True)
    assert await house.journal.prune("nobody", NOW + 1000) == 0
    assert await house.journal.prune("work", NOW) == 0
    assert await house.journal.prune("work", NOW + 60) == 1
    assert [each.key for each in await entries(house.journal, "work")] == ["b", "c", "d"]
    assert await house.journal.prune("work", NOW + 120) == 1
    assert await house.journal.prune("work", NOW + 1000) == 2


async def test_nothing_is_forgotten_under_a_run(house, run):
    await listed(run, "a")
    with pytest.raises(JournalError, match="work is in use"):
        await house.journal.forget("work")
    with pytest.raises(JournalError, match="work is in use"):
        await house.journal.prune("work", NOW + 1)
    assert await keys_at(run) == ["a"]


# Several at once


async def test_accounts_do_not_mix(house):
    runs = {name: await house.journal.begin(name) for name in ("one", "two", "three")}
    for name, run in runs.items():
        await listed(run, ["a", name])
    await runs["one"].record_delivered(["a"])
    assert [len(await keys_at(run, Step.DELIVERED)) for run in runs.values()] == [1, 0, 0]
    await listed(runs["two"], [])
    assert await keys_at(runs["three"]) == ["a", "three"]


async def test_many_record_at_the_same_time(house):
    names = [f"account {number}" for number in range(8)]
    keys = [f"k{number}" for number in range(60)]

    async def fetch(name):
        run = await house.journal.begin(name)
        await listed(run, keys)
        for begin in range(0, 60, 10):
            await run.record_fetched(keys[begin : begin + 10])
            await run.record_delivered(keys[begin : begin + 10])
        await run.finish(is_clean=True)

    await asyncio.gather(*map(fetch, names))
    assert await (await house.again()).counts() == [Counts(name, {Step.DELIVERED: 60}, NOW, True) for name in names]


async def test_what_was_begun_is_recorded_although_nobody_waits(house, run):
    await listed(run, "a")
    recording = asyncio.ensure_future(run.record_delivered(["a"]))
    await asyncio.sleep(0)
    recording.cancel()
    await asyncio.gather(recording, return_exceptions=True)
    await run.finish(is_clean=True)
    assert [each.step for each in await entries(house.journal, "work")] == [Step.DELIVERED]


async def test_closing_is_idempotent(house, run):
    await house.journal.close()
    await house.journal.close()
    with pytest.raises(JournalError):
        await run.record_delivered(["a"])
