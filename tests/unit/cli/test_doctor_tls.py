"""What is told of certificates."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from postane.cli import doctor_tls
from postane.cli.doctor_tls import examine_tls
from postane.cli.findings import Finding, Severity
from postane.config.file import load_config
from postane.config.model import Config
from postane.net.tls import Certificate
from postane.supervisor.plan import make_plan
from support.certificates import LOCALHOST, Authority, Wish

NOW = datetime.now(UTC)
HOST = Wish(dns=["postane.test"], ends=80)


def configure(folder: Path, own: Certificate | None, more: str = "") -> Config:
    (folder / "store").mkdir(mode=0o700, exist_ok=True)
    path = folder / "postane.toml"
    named = "" if own is None else f'certificate = "{own.chain}"\nkey = "{own.key}"\n'
    path.write_text(f'hostname = "postane.test"\n[storage]\npath = "{folder}/store"\n[tls]\n{named}{more}')
    return load_config(path)


def examine(folder: Path, own: Certificate | None, more: str = "", later: float = 0.0) -> list[Finding]:
    found = list(examine_tls(configure(folder, own, more), NOW + timedelta(days=later)))
    return [each for each in found if each.severity is not Severity.OK]


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """One that this system trusts."""
    authority = Authority(tmp_path)
    monkeypatch.setattr(doctor_tls, "_trusted", lambda: {authority.certificate.subject})
    return authority


def test_nothing_is_wrong(tmp_path: Path, authority: Authority) -> None:
    assert examine(tmp_path, authority.issue("own", HOST)) == []
    assert examine(tmp_path, authority.issue("own", HOST, above=[authority])) == []
    assert examine(tmp_path, authority.issue("own", Wish(dns=["*.test"], ends=80))) == []


@pytest.mark.parametrize(
    ("later", "severity", "words"),
    [
        (58.5, None, ""),
        (59.5, Severity.WARNING, "expires in 20 days"),
        (79.5, Severity.WARNING, "expires in 0 days"),
        (80.5, Severity.ERROR, "expired on"),
        (-2, Severity.ERROR, "is not good before"),
    ],
)
def test_how_long_it_is_good(
    tmp_path: Path, authority: Authority, later: float, severity: Severity | None, words: str
) -> None:
    found = examine(tmp_path, authority.issue("own", HOST), later=later)
    assert [each.severity for each in found] == ([] if severity is None else [severity])
    assert all(words in each.words and each.remedy for each in found)


def test_whom_it_is_for(tmp_path: Path, authority: Authority) -> None:
    (found,) = examine(tmp_path, authority.issue("own", Wish(dns=["other.test", "b.test"], ends=80)))
    assert found.severity is Severity.WARNING
    assert "is not for postane.test, but for other.test, b.test" in found.words


def test_the_certificates_of_sni_too(tmp_path: Path, authority: Authority) -> None:
    own, more = authority.issue("own", HOST), authority.issue("more", Wish(dns=["x.test"], ends=-0.5))
    sni = f'[[tls.sni]]\ncertificate = "{more.chain}"\nkey = "{more.key}"\n'
    (found,) = examine(tmp_path, own, sni)
    assert "more.pem expired on" in found.words


def test_a_key_that_is_anothers(tmp_path: Path, authority: Authority) -> None:
    own, other = authority.issue("own", HOST), authority.issue("other", HOST)
    (found,) = examine(tmp_path, Certificate(own.chain, other.key))
    assert found.severity is Severity.ERROR
    assert "other.key is not the key of the certificate in" in found.words


@pytest.mark.parametrize(("mode", "is_wrong"), [(0o600, False), (0o640, False), (0o644, True), (0o660, True)])
def test_who_may_read_the_key(tmp_path: Path, authority: Authority, mode: int, is_wrong: bool) -> None:
    own = authority.issue("own", HOST)
    own.key.chmod(mode)
    found = examine(tmp_path, own)
    assert [each.severity for each in found] == ([Severity.ERROR] if is_wrong else [])


def test_a_chain_that_lacks_a_link(tmp_path: Path, authority: Authority) -> None:
    between = Authority(tmp_path, "between", parent=authority)
    assert examine(tmp_path, between.issue("own", HOST, above=[between])) == []
    public = replace(HOST, issuer_at="http://ca.test/between.cer")
    (found,) = examine(tmp_path, between.issue("own", public))
    assert found.severity is Severity.WARNING
    assert "ends below between" in found.words
    assert "fullchain.pem" in found.remedy


def test_an_authority_of_one_s_own_is_no_mistake(tmp_path: Path, authority: Authority) -> None:
    own = Authority(tmp_path, "private").issue("own", HOST)
    assert examine(tmp_path, own) == []
    told = [each.words for each in examine_tls(configure(tmp_path, own), NOW)]
    assert f"{own.chain} ends below private, which this system does not know: clients must" in told


def test_a_chain_in_the_wrong_order(tmp_path: Path, authority: Authority) -> None:
    stranger = Authority(tmp_path, "stranger")
    (found,) = examine(tmp_path, authority.issue("own", HOST, above=[stranger]))
    assert found.severity is Severity.ERROR
    assert "certificate 2 has not signed the one before it" in found.words


def test_one_that_is_signed_by_itself(tmp_path: Path, authority: Authority) -> None:
    made = make_plan(configure(tmp_path, None), None).self_made
    assert made is not None
    (found,) = examine(tmp_path, made)
    assert found.severity is Severity.WARNING
    assert "signed by itself" in found.words


def test_none_is_configured(tmp_path: Path) -> None:
    (found,) = examine(tmp_path, None)
    assert "will make one that no client trusts" in found.words
    made = make_plan(configure(tmp_path, None), None).self_made
    assert made is not None
    (found,) = examine(tmp_path, None)
    assert f"{made.chain} was made, which no client trusts" in found.words
    made.key.chmod(0o644)
    assert [each.severity for each in examine(tmp_path, None)] == [Severity.WARNING, Severity.ERROR]
    made.chain.write_text("broken")
    assert "holds no certificate" in examine(tmp_path, None)[1].words


def test_the_authorities_of_clients(tmp_path: Path, authority: Authority) -> None:
    own = authority.issue("own", LOCALHOST)
    asked = f'client_certificates = "optional"\nclient_ca = "{authority.path}"\n'
    assert not [each for each in examine(tmp_path, own, asked) if each.about == "client_ca"]
    found = [each for each in examine(tmp_path, own, asked, later=400) if each.about == "client_ca"]
    assert [each.severity for each in found] == [Severity.ERROR]
    assert "authority expired" in found[0].words
    authority.path.write_text("nothing")
    found = [each for each in examine(tmp_path, own, asked) if each.about == "client_ca"]
    assert "holds no certificate" in found[0].words


def test_what_this_system_trusts_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authorities = [Authority(tmp_path, name) for name in ("first", "second")]
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(b"".join(each.path.read_bytes() for each in authorities))
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    assert doctor_tls._trusted() == {each.certificate.subject for each in authorities}


def test_this_system_is_asked() -> None:
    doctor_tls._trusted()
