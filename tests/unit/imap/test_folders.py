"""The folders of an IMAP server: what is said of one that is not there, and what is made. The library is played."""

from fnmatch import fnmatch

import pytest
from imapclient.exceptions import IMAPClientError

from postane.imap.errors import ImapError, NoFolder
from postane.imap.folders import SHOWN, Folders, advice, misparted


class Client:
    """The library, with these folders; `refuses` is said to who makes one."""

    def __init__(self, *names: str, separator: bytes | None = b".", refuses: str = "") -> None:
        self.names = list(names)
        self.separator = separator
        self.refuses = refuses

    def list_folders(self, _directory="", pattern="*"):
        if not pattern:
            return [((b"\\Noselect",), self.separator, "")]
        above = [((b"\\Noselect", b"\\HasChildren"), self.separator, "Above")]
        all_ = above + [((b"\\HasNoChildren",), self.separator, name) for name in self.names]
        return [each for each in all_ if fnmatch(each[2], pattern)]

    def create_folder(self, name):
        if self.refuses:
            raise IMAPClientError(f"create failed: {self.refuses}")
        self.names.append(name)


def folders(*names: str, **more: object) -> Folders:
    return Folders(Client(*names, **more), "imap.example.org:993")  # type: ignore[arg-type]


def test_all_that_can_be_opened_is_named():
    assert folders("work", "INBOX", "Junk").names() == ["INBOX", "Junk", "work"]


@pytest.mark.parametrize(
    ("folder", "words"),
    [
        ("Junkk", "did you mean Junk? The URL ends with its name: .../Junk"),
        ("sent items", "did you mean Sent Items? The URL ends with its name: .../Sent%20Items"),
        ("lists/postane", "did you mean Lists.Postane? The URL ends with its name: .../Lists.Postane"),
        ("Drafts", "did you mean INBOX.Drafts? The URL ends with its name: .../INBOX.Drafts"),
        (
            "x",
            "it has INBOX, INBOX.Drafts, Junk, Lists.Postane, Sent Items; the URL ends with the name of one: .../INBOX",
        ),
    ],
)
def test_a_folder_that_is_not_there(folder, words):
    found = folders("INBOX", "INBOX.Drafts", "Junk", "Lists.Postane", "Sent Items")
    with pytest.raises(NoFolder) as raised:
        found.check(folder)
    assert raised.value.text == f"imap.example.org:993 has no folder {folder}: {words}"
    assert not raised.value.may_pass


def test_one_that_is_there_is_none_of_those():
    folders("INBOX", "Junk").check("Junk")
    folders().check("inbox")


def test_of_many_some_are_named():
    names = [f"a folder of number {number}" for number in range(SHOWN + 3)]
    assert " and 3 more; " in advice("x", names, "/")
    assert advice("x", [], "/") == "it names none at all"


@pytest.mark.parametrize(
    ("folder", "separator", "wanted"),
    [
        ("New/Sub", ".", "New.Sub"),
        ("a/b c", "\\", "a%5Cb%20c"),
        ("New/Sub", "/", ""),
        ("New/Sub", "", ""),
        ("New", ".", ""),
    ],
)
def test_what_parts_a_name(folder, separator, wanted):
    assert misparted(folder, separator).rpartition(" .../")[2] == wanted


def test_a_name_that_is_parted_otherwise_is_told_and_not_made():
    found = folders("INBOX")
    for call in (found.lacks, found.make):
        with pytest.raises(NoFolder, match=r'parts the names of folders by "\." .*\.\.\./New\.Sub'):
            call("New/Sub")
    assert found.names() == ["INBOX"]


def test_it_is_used_where_it_is_there_by_that_name():
    found = folders("New/Sub")
    assert not found.lacks("New/Sub")
    assert not found.make("New/Sub")


@pytest.mark.parametrize("separator", [b"/", None])
def test_a_folder_is_made_once(separator):
    found = folders(separator=separator)
    assert found.lacks("New/Sub")
    assert found.make("New/Sub")
    assert not found.make("New/Sub")


@pytest.mark.parametrize(("said", "is_lasting"), [("[CANNOT] no such name", True), ("[OVERQUOTA] full", False)])
def test_what_a_server_does_not_make(said, is_lasting):
    with pytest.raises(ImapError, match=r"the folder New cannot be made at .*: create failed") as raised:
        folders(refuses=said).make("New")
    assert isinstance(raised.value, NoFolder) is is_lasting
    assert raised.value.may_pass is not is_lasting


class Odd:
    """A library that has read a hostile server's answer."""

    def __init__(self, *listed: object) -> None:
        self.listed = list(listed)

    def list_folders(self, _directory="", pattern="*"):
        return self.listed


@pytest.mark.parametrize("listed", [((1,), b"/", "x"), (None, b"/", "x"), (b"x", 1, "x"), ((), 1, "x"), ()])
def test_an_odd_answer_is_the_servers_fault(listed):
    found = Folders(Odd(listed), "imap.example.org:993")  # type: ignore[arg-type]
    with pytest.raises(ImapError) as raised:
        (found.names(), found.separator())
    assert raised.value.is_nonsense


@pytest.mark.parametrize("name", ["a\x1b[2Jb", "\ud800", "a\r\nb", None, "x" * 1_000_000])
def test_names_that_nobody_types_are_not_told(name):
    found = Folders(Odd(((), None, "INBOX"), ((), None, name)), "imap.example.org:993")  # type: ignore[arg-type]
    assert found.names() == ["INBOX"]
    with pytest.raises(NoFolder) as raised:
        found.check("a")
    assert raised.value.text.isprintable()
    assert len(raised.value.text) < 300


def test_what_is_only_above_others_is_made_too():
    found = folders()
    assert found.lacks("Above")
    assert found.make("Above")


def test_a_name_that_is_a_pattern_is_not_every_other_one():
    found = folders("INBOX", "10* mail")
    assert found.lacks("1*")
    assert not found.lacks("10* mail")


def test_a_folder_that_somebody_else_makes_meanwhile_is_there():
    assert not folders(refuses="[ALREADYEXISTS] there is one").make("New")
