"""CRAM-MD5 from the states of MD5."""

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postane.accounts.cram_context import CONTEXT_OCTETS, CramContext

CHALLENGE = b"<1896.697170952@postoffice.reston.mci.net>"


def test_the_digest_of_the_rfc():
    """RFC 2195 s2."""
    assert CramContext.of(b"tanstaaftanstaaf").digest(CHALLENGE) == b"b913a602c7eda7a495b4e6e7334d3890"


def test_it_is_written_as_dovecot_writes_it():
    written = "cd3ba7deaad6e5ca23448ba42e379747a9e0f7f1fbc00c8a81bbaac395731b56"  # doveadm pw -s CRAM-MD5 -p secret
    assert CramContext.of(b"secret").octets().hex() == written
    assert CramContext.parse(bytes.fromhex(written)) == CramContext.of(b"secret")


@given(st.binary(max_size=200), st.binary(max_size=400))
def test_it_is_the_same_as_hmac(secret, challenge):
    context = CramContext.of(secret)
    assert context.digest(challenge).decode() == hmac.new(secret, challenge, "md5").hexdigest()
    assert CramContext.parse(context.octets()) == context


@pytest.mark.parametrize("size", [0, CONTEXT_OCTETS - 1, CONTEXT_OCTETS + 1])
def test_no_other_size_is_read(size):
    with pytest.raises(ValueError, match="32 octets"):
        CramContext.parse(bytes(size))


def test_it_is_not_shown():
    assert str(CramContext.of(b"secret").outer[0]) not in repr(CramContext.of(b"secret"))
