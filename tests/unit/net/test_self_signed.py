"""A certificate of our own making: for whom, for how long, who may read it, and who makes it first."""

import multiprocessing
import os
import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from postane.net.self_signed import LIFETIME, RENEWED, self_signed
from postane.net.tls import BadCertificate, Certificate, read_certificate, server_tls
from support.certificates import der

NOW = datetime.now(UTC).replace(microsecond=0)


def make(folder: Path, host: str = "mail.example.org", now: datetime = NOW) -> Certificate:
    return self_signed(folder / "tls", host, now)


def test_what_it_is_for_and_for_how_long(tmp_path: Path) -> None:
    made = make(tmp_path)
    certificate = read_certificate(made.chain)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["mail.example.org", "localhost"]
    assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    assert certificate.not_valid_before_utc < NOW
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == LIFETIME <= timedelta(days=825)
    assert server_tls([made]).context.get_ca_certs() == []


def test_only_its_owner_reads_the_key(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        made = make(tmp_path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(made.key.stat().st_mode) == 0o600
    assert stat.S_IMODE(made.key.parent.stat().st_mode) == 0o700
    assert sorted(path.name for path in made.key.parent.iterdir()) == ["certificate.pem", "key.pem", "lock"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_made_by_root_it_belongs_to_whom_the_folder_belongs_to(tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, 12346)
    made = make(tmp_path)
    for path in (made.chain, made.key, made.key.parent):
        assert (path.stat().st_uid, path.stat().st_gid) == (12345, 12346)


def test_it_stays_until_it_is_about_to_expire(tmp_path: Path) -> None:
    first = der(make(tmp_path).chain)
    assert der(make(tmp_path).chain) == first
    almost = NOW + LIFETIME - RENEWED - timedelta(days=2)
    assert der(make(tmp_path, now=almost).chain) == first
    renewed = make(tmp_path, now=almost + timedelta(days=2))
    assert der(renewed.chain) != first
    assert read_certificate(renewed.chain).not_valid_after_utc > NOW + LIFETIME


def test_another_host_name_needs_another_one(tmp_path: Path) -> None:
    first = der(make(tmp_path).chain)
    assert der(make(tmp_path, "other.example.org").chain) != first


@pytest.mark.parametrize("broken", ["certificate.pem", "key.pem"])
def test_half_of_one_is_made_whole(tmp_path: Path, broken: str) -> None:
    made = make(tmp_path)
    (tmp_path / "tls" / broken).write_text("not what it was")
    assert make(tmp_path) == made
    server_tls([made])
    (tmp_path / "tls" / broken).unlink()
    server_tls([make(tmp_path)])


@pytest.mark.parametrize(
    "host", ["bücher.example", "a_b", "x" * 80, "mail.example.org.", "..", "x" * 60 + "." + "y" * 60]
)
def test_any_host_name(tmp_path: Path, host: str) -> None:
    assert server_tls([make(tmp_path, host)])


def test_what_cannot_be_made_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "tls").write_text("a file")
    with pytest.raises(BadCertificate, match=r"cannot make a certificate in .*tls: .*tls\.certificate"):
        make(tmp_path)


def test_no_link_is_followed(tmp_path: Path) -> None:
    """Whoever owns the storage folder must not lead root astray."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "tls").symlink_to(elsewhere)
    with pytest.raises(BadCertificate, match="cannot make"):
        make(tmp_path)
    assert not list(elsewhere.iterdir())


def _make_in_a_process(folder: Path, gate: "multiprocessing.synchronize.Barrier") -> None:
    gate.wait()
    made = make(folder)
    ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(made.chain, made.key)


def test_of_many_that_start_at_once_one_makes_it(tmp_path: Path) -> None:
    fork = multiprocessing.get_context("fork")
    gate = fork.Barrier(6)
    processes = [fork.Process(target=_make_in_a_process, args=(tmp_path, gate)) for _ in range(6)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
    assert [process.exitcode for process in processes] == [0] * 6
