"""Words for files that cannot be loaded: they name the file that is to blame."""

import ssl
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from postane.net.pem import explain_certificates, explain_pair
from support.certificates import LOCALHOST, Authority


def load(chain: Path, key: Path) -> OSError:
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(chain, key)
    except OSError as error:
        return error
    raise AssertionError("it was loaded")


def test_a_key_of_another_certificate(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    own = authority.issue("own", LOCALHOST)
    for key in (ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048)):
        other = authority.issue("other", LOCALHOST, key=key).key
        blamed, words = explain_pair(own.chain, other, load(own.chain, other))
        assert (blamed, words.startswith(f"{other} is not the key of the certificate in {own.chain}")) == (other, True)


def test_what_is_no_pem(tmp_path: Path) -> None:
    own, rubbish = Authority(tmp_path).issue("own", LOCALHOST), tmp_path / "rubbish"
    rubbish.write_bytes(b"rubbish")
    assert explain_pair(rubbish, own.key, load(rubbish, own.key))[0] == rubbish
    blamed, words = explain_pair(own.chain, rubbish, load(own.chain, rubbish))
    assert blamed == rubbish
    assert words == f"{rubbish} holds no private key in PEM: there is no line -----BEGIN PRIVATE KEY----- in it"
    assert "there is no line -----BEGIN CERTIFICATE-----" in explain_certificates(rubbish, ValueError())


def test_the_two_the_wrong_way_round(tmp_path: Path) -> None:
    own = Authority(tmp_path).issue("own", LOCALHOST)
    assert explain_pair(own.key, own.chain, load(own.key, own.chain))[0] == own.key


def test_what_is_damaged(tmp_path: Path) -> None:
    own = Authority(tmp_path).issue("own", LOCALHOST)
    own.key.write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    assert "one of them is damaged" in explain_pair(own.chain, own.key, load(own.chain, own.key))[1]
    own.chain.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n")
    assert explain_certificates(own.chain, ValueError()) == f"{own.chain}: the certificate in it is damaged"


def test_what_is_not_there(tmp_path: Path) -> None:
    own, gone = Authority(tmp_path).issue("own", LOCALHOST), tmp_path / "gone"
    assert explain_pair(own.chain, gone, load(own.chain, gone)) == (
        gone,
        f"cannot load {own.chain} with {gone}: No such file or directory",
    )
    assert explain_certificates(gone, FileNotFoundError(2, "No such file or directory")).endswith(
        "such file or directory"
    )
