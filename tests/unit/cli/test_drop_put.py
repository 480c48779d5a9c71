"""`postane drop put`: exit codes that an MTA acts on, line ends, several files."""

import json

import pytest


def test_it_tells_what_became_of_the_message(shell):
    done = shell("drop put anna", given=b"Subject: 1\n\none\n")
    assert done.code == 0
    uidl = json.loads(shell("drop show anna --json").out)[0]["uidl"]
    assert done.out == f"anna: message 1, 19 octets, unique-id {uidl}\n"
    done = shell("drop put anna --json", given=b"Subject: 1\n\none\n")
    (told,) = json.loads(done.out)
    assert (told["uid"], told["octets"], told["drop"]) == (2, 19, "anna")


@pytest.mark.parametrize("name", ["anna", "ANNA", "anna@postane.test", "info@postane.test", "Anna@localhost"])
def test_any_name_of_an_account_will_do(shell, name):
    assert shell(f"drop put {name}", given=b"Subject: 1\n\none\n").code == 0
    assert len(json.loads(shell("drop show anna --json").out)) == 1


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        (b"", b""),
        (b"A: b\n\nunix\n", b"A: b\r\n\r\nunix\r\n"),
        (b"A: b\r\n\r\nmail\r\n", b"A: b\r\n\r\nmail\r\n"),
        (b"A: b\r\rold mac\r", b"A: b\r\n\r\nold mac\r\n"),
        (b"A: b\n\r\nmixed\r\nno end", b"A: b\r\n\r\nmixed\r\nno end\r\n"),
        (b"A: b\n\n.\n..\n", b"A: b\r\n\r\n.\r\n..\r\n"),
    ],
)
def test_line_ends_become_those_of_mail(shell, given, stored):
    assert shell("drop put anna", given=given).code == 0
    assert shell("drop show anna -m 1").raw == stored


def test_a_line_end_on_the_edge_of_a_block_is_one(shell):
    given = b"x" * (64 * 1024 - 1) + b"\r\n" + b"y" * 70_000 + b"\r\n"
    shell("drop put anna", given=given)
    assert shell("drop show anna -m 1").raw == given


def test_several_files_are_several_messages(shell, tmp_path):
    files = []
    for number in range(3):
        files.append(tmp_path / f"{number}.eml")
        files[-1].write_bytes(b"Subject: %d\n" % number)
    done = shell("drop put anna", *map(str, files), "-", given=b"Subject: last\n")
    assert done.code == 0
    assert len(done.out.splitlines()) == 4
    assert shell("drop show anna -m 2").raw == b"Subject: 1\r\n"
    assert shell("drop show anna -m 4").raw == b"Subject: last\r\n"


def test_what_came_before_a_failure_is_told_as_stored(shell, tmp_path):
    (tmp_path / "1.eml").write_bytes(b"Subject: 1\n")
    done = shell("drop put anna --json", str(tmp_path / "1.eml"), str(tmp_path / "missing"))
    assert done.code == 66
    assert "missing" in done.err
    assert [receipt["uid"] for receipt in json.loads(done.out)] == [1]


def test_nobody(shell):
    done = shell("drop put nobody", given=b"Subject: 1\n")
    assert (done.code, done.out) == (67, "")
    assert "nobody" in done.err
    assert shell("drop put someone@elsewhere.test", given=b"Subject: 1\n").code == 67


def test_a_full_drop_asks_to_try_again(shell):
    shell.add_user("berta", "--quota", "10")
    done = shell("drop put berta", given=b"Subject: too much\n")
    assert done.code == 75
    assert "quota" in done.err
    assert json.loads(shell("drop list --json").out)[0]["messages"] == 0


def test_a_damaged_drop_asks_to_try_again_so_that_nothing_bounces(shell):
    shell("drop put anna", given=b"Subject: 1\n")
    (shell.folder_of("anna") / "index.sqlite").write_bytes(b"not a database" * 100)
    done = shell("drop put anna", given=b"Subject: 2\n")
    assert done.code == 75
    assert "index.sqlite" in done.err
    assert "Traceback" not in done.err
