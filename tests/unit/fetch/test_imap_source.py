"""IMAP as a source: what becomes of single messages."""

from collections.abc import Iterator

import pytest

from postane.credentials.base import Secret, SecretKind
from postane.fetch.errors import FetchError, Trouble
from postane.fetch.imap_source import ImapSource
from postane.imap.errors import ImapError, NoFolder, NoWay
from postane.imap.session import Mail


class Session:
    """A folder of three, of which the second one is refused by `error`."""

    tls = "TLSv1.3"

    def __init__(self, error: ImapError) -> None:
        self.error = error

    def select(self, _folder: str) -> int:
        return 7

    def marked(self) -> set[int]:
        return {30}

    def listing(self) -> Iterator[list[Mail]]:
        yield [Mail(10, 5), Mail(20, 5), Mail(30, 5)]

    def header(self, uid: int) -> bytes:
        if uid == 20:
            raise self.error
        return b"A: %d\n\n" % uid

    def chunks(self, mail: Mail) -> Iterator[bytes]:
        yield self.header(mail.uid)
        yield b"body\n"

    def abort(self) -> None:
        pass


class Keeper:
    """A SecretSource that counts what it gives."""

    def __init__(self, kind: SecretKind = SecretKind.PASSWORD) -> None:
        self.kind = kind
        self.refused = 0

    async def get(self) -> Secret:
        return Secret(self.kind, f"secret {self.refused}")

    async def refuse(self) -> None:
        self.refused += 1


def made(enter, secret: Keeper) -> ImapSource:
    return ImapSource(enter, secret, "INBOX", "imap.example.org", "anna")


async def opened(error: ImapError) -> ImapSource:
    source = made(lambda _: Session(error), Keeper())
    await source.open()
    assert [item.unique_id async for piece in source.listing() for item in piece] == ["7.10", "7.20", "7.30"]
    return source


async def read(given) -> dict[int, bytes | str]:
    return {each.number: each.error or b"".join([chunk async for chunk in each.chunks()]) async for each in given}


async def test_one_message_that_is_refused_does_not_keep_the_others_from_coming():
    source = await opened(ImapError("it is damaged", is_answer=True))
    numbers = [1, 2, 3]
    assert await read(source.headers(numbers)) == {1: b"A: 10\r\n\r\n", 2: "it is damaged", 3: b"A: 30\r\n\r\n"}
    whole = {1: b"A: 10\r\n\r\nbody\r\n", 2: "it is damaged", 3: b"A: 30\r\n\r\nbody\r\n"}
    assert await read(source.retrieve(numbers)) == whole
    await source.leave()


async def test_a_connection_that_is_gone_ends_it():
    source = await opened(ImapError("reset by peer"))
    with pytest.raises(FetchError, match="reset by peer") as raised:
        await read(source.retrieve([1, 2, 3]))
    assert raised.value.trouble is Trouble.TEMPORARY
    await source.leave()


async def test_what_is_marked_as_deleted_is_listed_and_hidden():
    source = await opened(ImapError("x"))
    assert set(source.hidden) == {"7.30"}
    await source.leave()


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (ImapError("wrong", is_login=True), Trouble.LOGIN),
        (ImapError("not believed", is_trust=True), Trouble.PROTOCOL),
        (ImapError("no end", is_nonsense=True), Trouble.PROTOCOL),
        (ImapError("gone"), Trouble.TEMPORARY),
        (NoFolder("no folder Junkk"), Trouble.CONFIGURATION),
    ],
)
async def test_a_refused_login_is_told_to_who_keeps_the_password(error, trouble):
    def enter(_secret):
        raise error

    secret = Keeper()
    source = made(enter, secret)
    with pytest.raises(FetchError) as raised:
        await source.open()
    assert (raised.value.trouble, secret.refused) == (trouble, int(error.is_login))
    await source.leave()


@pytest.mark.parametrize("good", [1, 2])
async def test_a_token_that_is_refused_is_made_anew_once(good):
    def enter(secret):
        if secret.text != f"secret {good}":
            raise ImapError("wrong", is_login=True)
        return Session(ImapError("x"))

    secret = Keeper(SecretKind.TOKEN)
    source = made(enter, secret)
    if good == 1:
        assert (await source.open()).user == "anna"
    else:
        with pytest.raises(FetchError, match="wrong"):
            await source.open()
    assert secret.refused == 1
    await source.leave()


async def test_no_connection_is_told_as_with_any_other_protocol():
    def enter(_secret: Secret) -> Session:
        raise NoWay("nothing listens there")

    source = made(enter, Keeper())
    with pytest.raises(FetchError) as raised:
        await source.open()
    await source.leave()
    assert raised.value.trouble is Trouble.UNREACHABLE
