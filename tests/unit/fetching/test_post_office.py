"""The post office on this machine as a destination."""

import pytest

from postane.app import open_maildrops, open_registry
from postane.config.file import load_config
from postane.fetching.post_office import PostOfficeSink
from postane.sinks.base import Outcome, SinkError
from support.sink_houses import drop_messages, octets, parcel


@pytest.fixture
def office(tmp_path):
    """The file of a post office with anna in it, who is info@postane.test too."""
    path = tmp_path / "postane.toml"
    path.write_text(f'hostname = "postane.test"\n[storage]\npath = "{tmp_path}/storage"\n')
    registry = open_registry(load_config(path))
    registry.add("anna", password="correct horse", aliases=["info@postane.test"])
    registry.close()
    return path


async def held(path) -> list[bytes]:
    """What anna's drop has."""
    store = open_maildrops(load_config(path))
    try:
        return await drop_messages(store, "anna")
    finally:
        await store.close()


@pytest.mark.parametrize("name", ["anna", "info@postane.test"])
async def test_mail_goes_to_the_drop_of_an_account(office, name):
    sink = PostOfficeSink(office, name)
    await sink.open()
    assert [each.outcome for each in await sink.deliver([parcel(1), parcel(2)])] == [Outcome.DELIVERED] * 2
    assert await sink.find([parcel(1).key, parcel(3).key]) == {parcel(1).key}
    await sink.close()
    await sink.close()
    assert await held(office) == [octets(parcel(1)), octets(parcel(2))]


async def test_the_next_run_knows_what_is_there(office):
    for outcome in (Outcome.DELIVERED, Outcome.PRESENT):
        sink = PostOfficeSink(office, "anna")
        await sink.open()
        assert (await sink.deliver([parcel(1)]))[0].outcome is outcome
        await sink.close()


async def test_nobody_of_that_name_is_told(office):
    sink = PostOfficeSink(office, "bob@postane.test")
    with pytest.raises(
        SinkError, match=r"maildrop:bob@postane\.test: there is no such account: see postane user"
    ) as raised:
        await sink.open()
    assert not raised.value.may_pass
    await sink.close()


async def test_a_post_office_that_cannot_be_read_is_told(tmp_path):
    sink = PostOfficeSink(tmp_path / "none.toml", "anna")
    with pytest.raises(SinkError, match=r"none\.toml: cannot be read") as raised:
        await sink.open()
    assert not raised.value.may_pass


async def test_accounts_that_cannot_be_read_are_told(office, tmp_path):
    found = [path for path in (tmp_path / "storage").iterdir() if path.is_file() and path.name.startswith("accounts")]
    assert found
    for path in found:
        path.write_bytes(b"no database at all" * 1000)
    sink = PostOfficeSink(office, "anna")
    with pytest.raises(SinkError, match="maildrop:anna: "):
        await sink.open()
    await sink.close()
