"""A listing as a table: what it costs to take in and to compare."""

import pytest

from postane.journal.base import Listed, Step
from postane.journal.sqlite_listing import NUMBERS, STEPS, Listing, read_sinks, write_sinks
from postane.journal.sqlite_schema import open_file
from support.journals import numbered


@pytest.fixture
def database(tmp_path):
    database = open_file(tmp_path / "fetch.db")
    database.execute("INSERT INTO account (id, name, is_running) VALUES (1, 'work', 1), (2, 'other', 1)")
    yield database
    database.close()


def take(database, keys, now=1.0, account=1):
    listing = Listing(f"listing_{account}", account)
    listing.begin(database)
    listing.add(database, numbered(keys))
    return listing, listing.take(database, now)


def test_the_numbers_of_the_steps_are_those_of_the_file():
    """They are written in files: a new step comes at the end."""
    assert {step.value: NUMBERS[step] for step in STEPS} == {
        "seen": 0,
        "fetched": 1,
        "delivered": 2,
        "skipped": 3,
        "deleted": 4,
    }


def test_a_listing_that_says_nothing_new_writes_one_row(database):
    take(database, "abcdef")
    before = database.total_changes
    listing = Listing("listing_1", 1)
    listing.begin(database)
    listing.add(database, numbered("abcdef"))
    rows = database.total_changes - before
    listing.take(database, 2.0)
    assert rows == 6, "in a table that ends with the connection"
    assert database.total_changes - before == rows + 1


def test_a_number_that_comes_twice_counts_once(database):
    listing = Listing("listing_1", 1)
    listing.begin(database)
    listing.add(database, [Listed(1, "a", 1), Listed(1, "b", 2), Listed(2, "c", 3)])
    assert listing.take(database, 1.0) == []
    assert [each.listed.key for each in listing.page(database, [None], (0, 9), 9)] == ["a", "c"]


def test_the_same_key_of_another_account_is_another_message(database):
    take(database, "ab", account=1)
    _, repeated = take(database, "ab", account=2)
    assert repeated == []
    assert database.execute("SELECT count(*) FROM message").fetchone() == (4,)


def test_between_two_numbers(database):
    listing, _ = take(database, "abcdef")
    keys = [each.listed.key for each in listing.page(database, [None], (1, 5), 3)]
    assert keys == ["b", "c", "d"]
    assert listing.last_number(database) == 6
    assert listing.page(database, [], (0, 6), 9) == []
    assert listing.page(database, [Step.SEEN, Step.DELETED], (0, 6), 9) == []


def test_it_can_be_dropped_twice(database):
    listing, _ = take(database, "a")
    listing.drop(database)
    listing.drop(database)


@pytest.mark.parametrize("names", [(), ("a",), ("a", 'b"\n', "ü,")])
def test_names_of_destinations(names):
    assert read_sinks(write_sinks(names)) == names


def test_no_names_at_all():
    assert read_sinks("") == ()
