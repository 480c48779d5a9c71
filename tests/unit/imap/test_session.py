"""A session with an IMAP server: what is made of answers that are not as they should be. The library is played."""

import imaplib

import pytest
from imapclient.exceptions import IMAPClientError

from postane.imap import session as imap_session
from postane.imap.errors import ImapError, NoFolder
from postane.imap.session import CHUNK, ImapSession, Mail
from postane.net.base import Target


class Client:
    """The library, with one message of these octets. `says` is how long the server says that it is."""

    def __init__(self, octets: bytes, *, says: int | None = None) -> None:
        self.octets = octets
        self.said = len(octets) if says is None else says
        self.names_parts = True
        self.gives = CHUNK  # octets at once, at most
        self.is_nil = False
        self.refuses: Exception | None = None
        self.found: dict[bytes, object] = {b"RFC822.SIZE": self.said}
        self.marked: set[int] = set()
        self.capabilities: set[str] = set()
        self.expunged: list[int] = []
        self.selected: dict[bytes, object] = {b"UIDVALIDITY": 7}

    def search(self, criteria):
        assert criteria in (["ALL"], ["DELETED"])
        return [5] if criteria == ["ALL"] else sorted(self.marked)

    def has_capability(self, name):
        return name in self.capabilities

    def add_flags(self, uids, _flags, silent):
        self.marked |= set(uids)

    def remove_flags(self, uids, _flags, silent):
        self.marked -= set(uids)

    def uid_expunge(self, uids):
        self.expunged += sorted(self.marked & set(uids))

    def expunge(self):
        self.expunged += sorted(self.marked)
        self.marked.clear()

    def select_folder(self, _folder, readonly=False):
        return self.selected

    def noop(self):
        raise self.refuses

    logout = shutdown = noop

    def fetch(self, uids, wanted):
        if self.refuses is not None:
            raise self.refuses
        if wanted == ["RFC822.SIZE"]:
            return {5: self.found}
        at, _, count = wanted[0].partition("<")[2].strip(">").partition(".")
        name = b"BODY[]<%d>" % int(at) if self.names_parts else b"X"
        end = int(at) + min(int(count), self.gives)
        return {5: {name: None if self.is_nil else self.octets[int(at) : end], b"SEQ": 1}}


def session(client: Client) -> ImapSession:
    made = object.__new__(ImapSession)
    made._client = client
    made._target = Target("imap.example.org", 993)
    made._count = 1
    return made


def read(client: Client) -> bytes:
    return b"".join(session(client).chunks(Mail(5, client.said)))


@pytest.mark.parametrize("octets", [10, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK - 5])
@pytest.mark.parametrize("difference", [0, -7, -CHUNK, 7, CHUNK])
def test_a_message_is_whole_whatever_the_server_says_of_its_size(octets, difference):
    """There are servers that estimate RFC822.SIZE."""
    message = bytes(octets)
    assert read(Client(message, says=max(octets + difference, 0))) == message


def test_a_message_is_whole_though_the_server_gives_less_at_once_than_was_asked_for():
    client = Client(bytes(range(256)) * 40)
    client.gives = 1000
    assert read(client) == client.octets


def test_what_the_library_stumbles_over_is_nonsense_of_the_server():
    client = Client(b"x")
    client.refuses = ValueError("unexpected message list format")
    with pytest.raises(ImapError, match="unexpected message list format") as raised:
        read(client)
    assert raised.value.is_nonsense
    assert not raised.value.may_pass
    met = session(client)
    assert not met.is_alive()
    met.close()


@pytest.mark.parametrize("how", ["names_parts", "is_nil"])
def test_an_answer_without_the_message_is_no_empty_message(how):
    client = Client(b"Subject: x\r\n\r\n")
    setattr(client, how, not getattr(client, how))
    with pytest.raises(ImapError) as raised:
        read(client)
    assert raised.value.is_answer


def test_a_message_without_an_octet_is_one():
    assert read(Client(b"")) == b""


@pytest.mark.parametrize(("error", "is_answer"), [(IMAPClientError("no"), True), (imaplib.IMAP4.abort("gone"), False)])
def test_a_refusal_is_told_from_an_end(error, is_answer):
    client = Client(b"x")
    client.refuses = error
    with pytest.raises(ImapError) as raised:
        read(client)
    assert raised.value.is_answer is is_answer


def test_what_has_no_size_is_listed_all_the_same():
    client = Client(b"x")
    client.found = {b"FLAGS": ()}
    assert list(session(client).listing()) == [[Mail(5, 0)]]


def test_a_folder_without_lasting_uids_is_not_fetched_from():
    client = Client(b"x")
    client.selected = {}
    with pytest.raises(ImapError, match="UIDVALIDITY"):
        session(client).select("INBOX")


class Without(Client):
    """The library at a server that has INBOX and Junk, and opens nothing."""

    def __init__(self, says: str) -> None:
        super().__init__(b"x")
        self.says = says

    def select_folder(self, _folder, readonly=False):
        raise IMAPClientError(f"select failed: {self.says}")

    def list_folders(self, _directory="", pattern="*"):
        return [((), b".", name) for name in (("INBOX", "Junk") if pattern else ("",))]


@pytest.mark.parametrize("says", ["Mailbox doesn't exist: Jumk", "[NONEXISTENT] Unknown", "[CANNOT] no"])
def test_a_folder_that_is_not_there_is_told_with_what_is(says):
    with pytest.raises(NoFolder, match=r"imap\.example\.org:993 has no folder Jumk: did you mean Junk"):
        session(Without(says)).select("Jumk")


@pytest.mark.parametrize(
    ("folder", "says"), [("Junk", "it is damaged"), ("Jumk", "[NOPERM] not yours"), ("inbox", "no")]
)
def test_what_is_refused_for_another_reason_is_told_in_the_words_of_the_server(folder, says):
    with pytest.raises(ImapError) as raised:
        session(Without(says)).select(folder)
    assert not isinstance(raised.value, NoFolder)
    assert raised.value.text == f"folder {folder} at imap.example.org:993: select failed: {says}"
    assert raised.value.may_pass


class Searched(Client):
    """The library, with messages of these header fields, all of which a search finds."""

    def __init__(self, *headers: bytes) -> None:
        super().__init__(b"")
        self.headers = headers

    def search(self, _criteria):
        return list(range(1, len(self.headers) + 1))

    def fetch(self, uids, wanted):
        assert wanted == ["BODY.PEEK[HEADER.FIELDS (X-Mark)]"]
        return {uid: {b"SEQ": uid, b"BODY[HEADER.FIELDS (X-MARK)]": self.headers[uid - 1]} for uid in uids}


def test_a_field_that_somebody_sends_is_not_believed():
    ours = b"X-Mark: 1\r\n\r\n"
    forged = b"X-Mark: 2\r\nX-Mark: 1\r\nX-Mark: 3\r\n\r\n"
    found = session(Searched(forged, ours, b"\r\n"))
    assert found.having("X-Mark", "1") == [2]
    assert found.having("X-Mark", "3") == []
    assert list(found.values("X-Mark")) == ["2", "1", ""]


@pytest.mark.parametrize("capabilities", [{"UIDPLUS"}, set()], ids=["UIDPLUS", "without it"])
def test_what_others_have_marked_stays_and_stays_marked(capabilities):
    client = Client(b"")
    client.capabilities, client.marked = capabilities, {3, 5, 8}
    session(client).expunge([5])
    assert (client.expunged, client.marked - {5}) == ([5], {3, 8})


def test_who_has_marked_what_is_not_known():
    client = Client(b"")
    client.marked = {5}
    assert session(client).marked() == {5}
    assert list(session(client).listing()) == [[Mail(5, 0)]]


class Large(Client):
    """The library, with a folder of so many messages, of which some go while it is searched."""

    def __init__(self, count: int, goes: dict[int, int]) -> None:
        super().__init__(b"")
        self.uids = [10 * number for number in range(1, count + 1)]
        self.goes = goes
        self.longest = self.searches = 0
        self.selected = {b"UIDVALIDITY": 7, b"EXISTS": count}

    def search(self, criteria):
        numbers, what = criteria if len(criteria) > 1 else ("1:*", *criteria)
        assert what == "ALL"
        first, last = (len(self.uids) if each == "*" else int(each) for each in numbers.split(":"))
        found = self.uids[first - 1 : last]
        self.longest, self.searches = max(self.longest, len(found)), self.searches + 1
        del self.uids[: self.goes.get(self.searches, 0)]
        return found

    def fetch(self, uids, wanted):
        return {uid: {b"RFC822.SIZE": 1} for uid in uids}


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 19, 20, 21, 30, 95])
@pytest.mark.parametrize("goes", [{}, {1: 1}, {2: 3}])
def test_a_large_folder_is_searched_in_pieces_and_none_is_missed(monkeypatch, count, goes):
    monkeypatch.setattr(imap_session, "SEARCHED", 10)
    client = Large(count, goes)
    made = session(client)
    made.select("INBOX")
    found = {mail.uid for piece in made.listing() for mail in piece}
    assert found >= set(client.uids), "what went meanwhile may be among them"
    assert client.longest <= 10
    assert client.searches == max(1, -(-count // 10))
