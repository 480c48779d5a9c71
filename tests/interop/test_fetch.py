"""`postane fetch` from our own server, by each protocol, into each destination; what it says and what it ends with."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.certificates import Authority, Wish
from support.corpus import Way, check_stored, corpus
from support.errand import Errand
from support.post import count, deliver, fill, read_all
from support.postoffice import Mailbox, PostOffice, wait_until
from support.talk import log_in

pytestmark = pytest.mark.interop

SPECIMENS = [specimen for specimen in corpus() if Way.DATA in specimen.ways]
LOOPBACK = {"listen": ["127.0.0.1:0"]}
TLS_SERVICES = ("pop3s", "pop2s", "pop1s")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def house(authority: Authority) -> Iterator[PostOffice]:
    """A server that speaks everything."""
    pair = authority.issue("server", Wish(dns=["localhost"], addresses=["127.0.0.1"]))
    services = dict.fromkeys(("pop2", "pop1", *TLS_SERVICES), LOOPBACK)
    with PostOffice({**services, "tls": {"certificate": str(pair.chain), "key": str(pair.key)}}, pool=24) as office:
        yield office


@pytest.fixture
def box(house: PostOffice) -> Mailbox:
    return house.fresh()


def url(house: PostOffice, box: Mailbox, service: str = "pop3") -> str:
    return f"{service}://{box.name}@localhost:{house.address(service)[1]}"


def errand(folder: Path, house: PostOffice, box: Mailbox, service: str = "pop3", **keys: object) -> Errand:
    if "tls_ca" not in keys:
        keys.setdefault("tls", "none")
    return Errand(folder, url=url(house, box, service), **{"password": box.password, **keys})


@pytest.mark.parametrize("service", ["pop3", "pop2", "pop1"])
def test_every_octet_comes_by_every_protocol(tmp_path, house, box, service):
    fill(house, box, SPECIMENS)
    fetching = errand(tmp_path, house, box, service)
    told = fetching.fetch()
    assert (told["delivered"], told["failed"]) == (len(SPECIMENS), 0)
    for octets, specimen in zip(fetching.messages(), SPECIMENS, strict=True):
        check_stored(octets, specimen)
    assert fetching.fetch()["fetched"] == 0
    assert count(house, box) == len(SPECIMENS)


@pytest.mark.parametrize("service", ["pop3", "pop2", "pop1", *TLS_SERVICES])
def test_what_is_not_kept_is_gone(tmp_path, house, authority, box, service):
    deliver(house, box, [b"Subject: %d\r\n\r\nbody\r\n" % number for number in range(5)])
    fetching = errand(tmp_path, house, box, service, keep=False, tls_ca=str(authority.path))
    told = fetching.fetch()
    assert (told["delivered"], told["deleted"]) == (5, 5)
    assert count(house, box) == 0
    assert fetching.fetch()["listed"] == 0


def test_stls_is_used_where_it_is_offered(tmp_path, house, authority, box):
    deliver(house, box, [b"Subject: x\r\n\r\nbody\r\n"])
    fetching = errand(tmp_path, house, box, tls_ca=str(authority.path), received=True, plaintext="never")
    assert fetching.fetch()["delivered"] == 1
    (message,) = fetching.messages()
    assert b"with POP3 (TLSv1.3)" in message


def test_on_this_machine_tls_is_taken_as_it_is_offered(tmp_path, house, box):
    other = Errand(tmp_path, url=url(house, box), password=box.password, received=True)
    deliver(house, box, [b"Subject: x\r\n\r\nbody\r\n"])
    assert other.fetch()["delivered"] == 1
    assert b"with POP3 (TLSv1.3)" in other.messages()[0]
    other.change(tls="required")
    assert "certificate" in other.fetch(expect=76)["error"], "who asks for TLS asks for one that can be believed"


def test_a_server_that_is_not_believed_gets_no_password(tmp_path, house, box):
    other = Errand(tmp_path, url=url(house, box, "pop3s"), password=box.password)
    told = other.fetch(expect=76)
    assert "certificate" in told["error"]
    assert "sha256:" in told["error"], "what to write is told"


def test_a_pin_is_enough(tmp_path, house, box):
    other = Errand(tmp_path, url=url(house, box, "pop3s"), password=box.password)
    pin = next(word for word in other.fetch(expect=76)["error"].replace(",", " ").split() if word.startswith("sha256:"))
    other.change(tls_pin=pin.rstrip(".;)"))
    assert other.fetch()["ok"]
    other.change(tls_pin="sha256:" + "0" * 64)
    assert "pin" in other.fetch(expect=76)["error"]


def test_a_device_by_apop(tmp_path, house, box):
    device = house.add_device(box)
    deliver(house, box, [b"Subject: x\r\n\r\nbody\r\n"])
    fetching = errand(tmp_path, house, device, mechanisms=["APOP"])
    assert fetching.fetch()["delivered"] == 1


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "PLAIN", "LOGIN", "USER"])
def test_a_mechanism_may_be_named(tmp_path, house, box, mechanism):
    assert errand(tmp_path, house, box, mechanisms=[mechanism]).fetch()["ok"]


def test_several_destinations_get_all_of_it(tmp_path, house, box):
    other = house.fresh()
    fill(house, box, SPECIMENS)
    script = tmp_path / "take"
    script.write_text(f'#!/bin/sh\ncat > "{tmp_path}/taken.$(date +%s%N)"\n')
    script.chmod(0o755)
    fetching = errand(
        tmp_path,
        house,
        box,
        keep=False,
        deliver=[
            {"maildir": str(tmp_path / "work"), "line_ends": "crlf"},
            {"mbox": str(tmp_path / "mbox")},
            {"command": [str(script)]},
            {"maildrop": other.name, "config": str(house.config)},
        ],
    )
    told = fetching.fetch()
    assert (told["delivered"], told["deleted"]) == (len(SPECIMENS), len(SPECIMENS))
    assert len(list(tmp_path.glob("taken.*"))) == len(SPECIMENS)
    for got in (fetching.messages(), read_all(house, other)):
        for octets, specimen in zip(got, SPECIMENS, strict=True):
            check_stored(octets, specimen)


def test_of_two_accounts_the_one_that_works_is_fetched(tmp_path, house, box):
    deliver(house, box, [b"Subject: x\r\n\r\nbody\r\n"])
    fetching = errand(tmp_path, house, box)
    fetching.add("broken", url="pop3://nobody@127.0.0.1:1", password="x")
    done = fetching.run("--json", expect=69)
    told = {each["account"]: each for each in json.loads(done.stdout)["accounts"]}
    assert told["work"]["delivered"] == 1
    assert told["broken"]["trouble"] == "unreachable"
    assert fetching.fetch("work")["ok"]


def test_exit_codes(tmp_path, house, box):
    fetching = errand(tmp_path, house, box)
    assert fetching.fetch()["ok"]
    fetching.change(password="wrong")
    assert fetching.fetch(expect=77)["trouble"] == "login"
    fetching.change(password={"env": "NO_SUCH_VARIABLE"})
    assert "NO_SUCH_VARIABLE" in fetching.fetch(expect=77)["error"]
    fetching.run("nobody", expect=64)
    fetching.config.write_text('[[account]]\nname = "x"\nurl = "http://example.org"\n')
    said = fetching.run(expect=78).stderr.decode()
    assert f"{fetching.config}:3" in said
    assert "pop3s://" in said


def test_a_drop_in_use_may_pass(tmp_path, house, box):
    with log_in(house.pop3, box.name, box.password):
        told = errand(tmp_path, house, box).fetch(expect=75)
    assert "IN-USE" in told["error"]


def test_a_line_for_an_account_in_a_pipe(tmp_path, house, box):
    deliver(house, box, [b"Subject: x\r\n\r\nbody\r\n"])
    fetching = errand(tmp_path, house, box)
    assert fetching.run().stdout.decode().startswith("work: 1 delivered, ")
    assert fetching.run("--quiet").stdout == b""


def test_a_dry_run_does_nothing(tmp_path, house, box):
    deliver(house, box, [b"Subject: x\r\n\r\nbody\r\n"] * 2)
    fetching = errand(tmp_path, house, box, keep=False)
    lines = fetching.run("--dry-run").stdout.decode().splitlines()
    assert [line.partition(": ")[2].split(",")[0] for line in lines[:2]] == ["message 1", "message 2"]
    assert "fetch and delete" in lines[0]
    assert count(house, box) == 2
    assert fetching.messages() == []


def test_the_state_can_be_looked_at_and_changed(tmp_path, house, box):
    deliver(house, box, [b"Subject: x\r\n\r\nbody\r\n"] * 3)
    fetching = errand(tmp_path, house, box)
    assert b"3 marked as seen" in fetching.run("state", "mark-seen", "work").stdout
    assert fetching.fetch()["fetched"] == 0
    entries = json.loads(fetching.run("state", "list", "work", "--json").stdout)
    assert [each["step"] for each in entries] == ["skipped"] * 3
    assert b"1 forgotten" in fetching.run("state", "forget", "work", entries[0]["key"]).stdout
    assert fetching.fetch()["delivered"] == 1
    assert b"2 forgotten" in fetching.run("state", "forget", "work", *(each["key"] for each in entries[1:])).stdout
    assert fetching.fetch()["delivered"] == 2
    shutil.rmtree(fetching.state.parent)
    assert b"3 found" in fetching.run("state", "rebuild", "work").stdout
    assert fetching.fetch()["fetched"] == 0
    assert b"delivered" in fetching.run("state", "list").stdout


def test_watching_fetches_what_comes_and_ends_well(tmp_path, house, box):
    fetching = errand(tmp_path, house, box, every="200ms")
    process = subprocess.Popen(fetching.command("--watch"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        for number in range(3):
            deliver(house, box, [b"Subject: %d\r\n\r\nbody\r\n" % number])
            wait_until(lambda: len(fetching.messages()) == number + 1, "the message is fetched")  # noqa: B023
    finally:
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
    assert out.decode().count("1 delivered") in (2, 3), "the last one may have been stopped before it was told"
    assert process.returncode == os.EX_OK, err
    assert b"Traceback" not in err


@pytest.mark.parametrize("destination", ["maildir", "mbox"])
def test_what_a_reader_has_renamed_or_rewritten_stays_at_the_server(tmp_path, house, box, destination):
    """Only what is gone is deleted: of three messages one is as it came, one is not to be known at first sight."""
    deliver(house, box, [b"Subject: %d\r\n\r\nbody\r\n" % number for number in range(3)])
    place = tmp_path / "box"
    keys = {"keep": "until-deleted-here", "received": True, "deliver": [{destination: str(place)}]}
    fetching = errand(tmp_path, house, box, **keys)
    assert fetching.fetch()["delivered"] == 3
    assert fetching.fetch()["deleted"] == 0
    if destination == "maildir":
        _, renamed, gone = sorted((place / "new").iterdir())
        renamed.rename(place / "cur" / "1700000000_0.77.host,U=2,FMD5=7e33429f656f1e6e9d79b29c3f82c57e:2,S")
        gone.unlink()
    else:
        first, rewritten, _ = place.read_bytes().split(b"From ", 3)[1:]
        lines = [each for each in rewritten.splitlines(keepends=True) if not each.startswith(b"X-Postane-Fetch")]
        place.write_bytes(b"From " + first + b"From " + b"".join([lines[0], b"Status: RO\n", *lines[1:]]))
    assert fetching.fetch()["deleted"] == 1
    assert count(house, box) == 2


@pytest.mark.parametrize("destination", ["maildir", "mbox"])
def test_an_empty_one_in_its_place_deletes_nothing_then_or_later(tmp_path, house, box, destination):
    """A disk that is not mounted, and a mail server that makes the folders that it misses."""
    deliver(house, box, [b"Subject: %d\r\n\r\nbody\r\n" % number for number in range(3)])
    place = tmp_path / "box"
    fetching = errand(tmp_path, house, box, keep="until-deleted-here", deliver=[{destination: str(place)}])
    assert fetching.fetch()["delivered"] == 3
    place.rename(tmp_path / "away")
    if destination == "maildir":
        for folder in ("new", "cur", "tmp", ".Archive/new", ".Archive/cur"):
            (place / folder).mkdir(parents=True)
    else:
        place.touch()
    deliver(house, box, [b"Subject: new\r\n\r\nbody\r\n"])
    told = fetching.fetch()
    assert (told["delivered"], told["deleted"]) == (1, 0)
    assert (
        "is another than before, and empty: what was delivered until now is not deleted at the server" in told["note"]
    )
    assert fetching.fetch()["deleted"] == 0
    assert count(house, box) == 4


@pytest.mark.parametrize("destination", ["maildir", "mbox"])
def test_one_that_its_reader_has_emptied_empties_the_mailbox(tmp_path, house, box, destination):
    deliver(house, box, [b"Subject: %d\r\n\r\nbody\r\n" % number for number in range(3)])
    place = tmp_path / "box"
    fetching = errand(tmp_path, house, box, keep="until-deleted-here", deliver=[{destination: str(place)}])
    assert fetching.fetch()["delivered"] == 3
    if destination == "maildir":
        for file in (place / "new").iterdir():
            file.unlink()
    else:
        os.truncate(place, 0)
    assert fetching.fetch()["deleted"] == 3
    assert count(house, box) == 0


@pytest.mark.parametrize("destination", ["maildir", "mbox"])
def test_one_that_was_put_back_from_a_copy_goes_on_as_it_was(tmp_path, house, box, destination):
    deliver(house, box, [b"Subject: %d\r\n\r\nbody\r\n" % number for number in range(3)])
    place, copy = tmp_path / "box", tmp_path / "copy"
    fetching = errand(tmp_path, house, box, keep="until-deleted-here", deliver=[{destination: str(place)}])
    assert fetching.fetch()["delivered"] == 3
    (shutil.copytree if destination == "maildir" else shutil.copy)(place, copy)
    place.rename(tmp_path / "away")
    copy.rename(place)
    assert fetching.fetch()["deleted"] == 0
    if destination == "maildir":
        next((place / "new").iterdir()).unlink()
    else:
        place.write_bytes(place.read_bytes().rpartition(b"From ")[0])
    assert fetching.fetch()["deleted"] == 1
