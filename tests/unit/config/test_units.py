"""Sizes, durations and addresses as people write them."""

import os
from pathlib import Path

import pytest

from postane.config.units import (
    Endpoint,
    expand_user,
    format_duration,
    format_size,
    parse_duration,
    parse_endpoint,
    parse_host_name,
    parse_size,
)


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("50MB", 50 * 1024**2),
        ("64 kB", 65536),
        ("2GB", 2 * 1024**3),
        ("1.5k", 1536),
        ("1GiB", 1024**3),
        ("0", 0),
        (" 12 ", 12),
        (1000, 1000),
        ("9007199254740993", 2**53 + 1),
    ],
)
def test_sizes(text, octets):
    assert parse_size(text) == octets


@pytest.mark.parametrize("text", ["", "MB", "-1", "1e3", "5 parsecs", "1,5MB", -1, 1.5, True, None, "9" * 400, "٣MB"])
def test_what_is_no_size(text):
    with pytest.raises(ValueError, match='write for example "50MB"'):
        parse_size(text)


@pytest.mark.parametrize(("octets", "text"), [(0, "0"), (65536, "64kB"), (50 * 1024**2, "50MB"), (1025, "1025")])
def test_sizes_are_written_short(octets, text):
    assert format_size(octets) == text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10m", 600), ("60s", 60), ("1.5h", 5400), ("30d", 30 * 86400), ("250ms", 0.25), ("5", 5), (2.5, 2.5), (0, 0)],
)
def test_durations(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "m", "-1s", "10 parsecs", "10M", float("inf"), float("nan"), -1, True, None, "9" * 30, 10**400]
)
def test_what_is_no_duration(text):
    with pytest.raises(ValueError, match='write for example "10m"'):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(600, "10m"), (90, "90s"), (86400, "1d"), (0, "0s"), (0.0, "0s"), (0.5, "0.5s"), (1234567.5, "1234567.5s")],
)
def test_durations_are_written_short(seconds, text):
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("0.0.0.0:110", Endpoint("0.0.0.0", 110)),
        ("[::]:110", Endpoint("::", 110)),
        ("[fe80::1%eth0]:24", Endpoint("fe80::1%eth0", 24)),
        ("localhost:0", Endpoint("localhost", 0)),
        ("unix:/run/postane/lmtp.sock", Endpoint(path="/run/postane/lmtp.sock")),
    ],
)
def test_endpoints(text, endpoint):
    assert parse_endpoint(text) == endpoint
    assert str(endpoint) == text
    assert endpoint.is_unix is text.startswith("unix:")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "110",
        ":110",
        "[]:110",
        "host:",
        "host:65536",
        "host:-1",
        "host:٣",
        "::1:110",
        "[::1:110",
        "a b:1",
        "unix:",
        110,
        None,
    ],
)
def test_what_is_no_endpoint(text):
    with pytest.raises(ValueError, match='write "HOST:PORT"'):
        parse_endpoint(text)


@pytest.mark.parametrize(
    ("text", "is_loopback"),
    [
        ("127.0.0.1:1", True),
        ("127.255.0.9:1", True),
        ("[::1]:1", True),
        ("LocalHost:1", True),
        ("unix:/run/x", True),
        ("0.0.0.0:1", False),
        ("[::]:1", False),
        ("192.168.1.1:1", False),
        ("localhost.example.org:1", False),
    ],
)
def test_which_addresses_only_this_machine_reaches(text, is_loopback):
    assert parse_endpoint(text).is_loopback is is_loopback


@pytest.mark.parametrize("name", ["localhost", "mail.example.org", "my_host", "xn--rnek-5qa.com", "örnek.com", "a.b."])
def test_host_names(name):
    assert parse_host_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "bad host", "bad\nhost", "@example.org", "a..b", ".a", "a/b", "x" * 64, "a." * 200]
)
def test_what_is_no_host_name(name):
    with pytest.raises(ValueError, match="is not a host name"):
        parse_host_name(name)


def test_a_path_below_a_home(monkeypatch):
    monkeypatch.setenv("HOME", "/home/anna")
    assert expand_user("~/Mail") == Path("/home/anna/Mail")
    assert expand_user(Path("~")) == Path("/home/anna")
    assert expand_user("Mail/~x") == Path("Mail/~x")


def test_a_user_that_is_not_there_is_told():
    with pytest.raises(ValueError, match="there is no user nosuchuser: write the whole path in the place of ~nosuchu"):
        expand_user("~nosuchuser/Mail")


def test_a_user_without_a_home_is_told(monkeypatch):
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    with pytest.raises(ValueError, match="the home folder of this user is not known: write the whole path"):
        expand_user("~/Mail")


def test_a_path_that_the_system_cannot_open_is_told(monkeypatch):
    with pytest.raises(ValueError, match="there is a NUL in it"):
        expand_user("a\0b")
    monkeypatch.setattr(os, "fsencode", lambda path: str(path).encode("ascii"))
    with pytest.raises(ValueError, match=r"'caf\\xe9' cannot be a file's name in this locale: set LC_ALL=C\.UTF-8"):
        expand_user("caf\xe9")


def test_what_is_before_a_host_may_be_a_password_and_is_not_told():
    with pytest.raises(ValueError, match=r"^'\.\.\.@h:2500' is not an address; write") as raised:
        parse_endpoint("smtp://me:s3cr@t\n@h:2500")
    assert "s3cr" not in str(raised.value)
