"""What a generation serves by: certificates that are loaded, or made, or named as wrong."""

import ssl
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from postane.config.file import ConfigError, load_config
from postane.config.model import Config
from postane.net.client_names import NameKind
from postane.net.self_signed import RENEWED
from postane.net.tls import read_certificate
from postane.supervisor.plan import TICKET_KEYS, configured, make_plan
from support.certificates import LOCALHOST, Authority, Wish


def load(folder: Path, text: str) -> Config:
    (folder / "store").mkdir(exist_ok=True)
    path = folder / "postane.toml"
    path.write_text(f'hostname = "postane.test"\n[storage]\npath = "{folder}/store"\n{text}')
    return load_config(path)


def test_a_certificate_is_loaded_or_named_as_wrong(tmp_path: Path) -> None:
    own = Authority(tmp_path).issue("own", LOCALHOST)
    config = load(tmp_path, f'[tls]\ncertificate = "{own.chain}"\nkey = "{own.key}"\n')
    plan = make_plan(config, tmp_path / "postane.toml")
    assert configured(config) == own
    assert plan.files == (tmp_path / "postane.toml", own.chain, own.key)
    assert plan.self_made is None
    assert plan.tls.context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert not (tmp_path / "store" / "tls").exists()
    own.key.write_text("not a key")
    with pytest.raises(ConfigError, match=r"own\.key holds no private key in PEM"):
        make_plan(config, None)


def test_one_is_made_where_none_is_named(tmp_path: Path) -> None:
    config = load(tmp_path, "")
    plan = make_plan(config, None)
    assert configured(config) is None
    assert plan.self_made is not None
    assert plan.self_made.chain == tmp_path / "store" / "tls" / "certificate.pem"
    first = plan.self_made.chain.read_bytes()
    assert make_plan(config, None).self_made == plan.self_made
    assert plan.self_made.chain.read_bytes() == first, "it stays"


def test_ticket_keys_are_not_used_for_ever(tmp_path: Path) -> None:
    """RFC 9325 s3.4."""
    before = time.time()
    plan = make_plan(load(tmp_path, ""), None)
    assert before <= plan.renewal - TICKET_KEYS.total_seconds() <= time.time()


def test_another_plan_is_due_when_the_certificate_that_was_made_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postane.supervisor.plan.TICKET_KEYS", timedelta(days=9999))
    plan = make_plan(load(tmp_path, ""), None)
    assert plan.self_made is not None
    end = read_certificate(plan.self_made.chain).not_valid_after_utc
    assert datetime.fromtimestamp(plan.renewal, UTC) == end - RENEWED


def test_where_none_can_be_made_it_is_said(tmp_path: Path) -> None:
    config = load(tmp_path, "")
    (tmp_path / "store" / "tls").write_text("a file")
    with pytest.raises(ConfigError, match="tls: cannot make a certificate"):
        make_plan(config, None)


def test_all_that_is_configured_is_spoken_and_watched(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    own, more = authority.issue("own", LOCALHOST), authority.issue("more", Wish(dns=["more.example"]))
    config = load(
        tmp_path,
        f'[tls]\ncertificate = "{own.chain}"\nkey = "{own.key}"\nminimum = "1.3"\nclient_ca = "{authority.path}"\n'
        'client_certificates = "required"\nclient_name = "common-name"\n'
        f'[[tls.sni]]\ncertificate = "{more.chain}"\nkey = "{more.key}"\n',
    )
    plan = make_plan(config, None)
    assert set(plan.files) == {own.chain, own.key, more.chain, more.key, authority.path}
    assert plan.tls.client_name is NameKind.COMMON_NAME
    assert len(plan.tls.end_points) == 2
    for context in plan.tls.end_points:
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.minimum_version is ssl.TLSVersion.TLSv1_3
    authority.path.write_text("no authority")
    with pytest.raises(ConfigError, match=r"authority\.pem holds no certificate in PEM"):
        make_plan(config, None)


def test_it_tells_what_clients_see_and_what_they_will_refuse(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    own, old = authority.issue("own", LOCALHOST), authority.issue("old", Wish(dns=["old.example"], ends=-0.5))
    for each in (own, old):
        each.key.chmod(0o600)
    config = load(
        tmp_path,
        f'[tls]\ncertificate = "{own.chain}"\nkey = "{own.key}"\n'
        f'[[tls.sni]]\ncertificate = "{old.chain}"\nkey = "{old.key}"\n',
    )
    plan = make_plan(config, None)
    assert [each.chain for each in plan.shown] == [own.chain, old.chain]
    assert plan.shown[1].names == ("old.example",)
    (words,) = plan.warnings
    assert words.startswith(f"tls: {old.chain} expired on ")
    own.key.chmod(0o644)
    assert len(make_plan(config, None).warnings) == 2
    assert make_plan(load(tmp_path, ""), None).warnings == ()
