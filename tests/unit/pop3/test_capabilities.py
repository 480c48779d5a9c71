"""What CAPA tells."""

from postane.pop3.capabilities import Bound, Offer, capabilities, format_capabilities


def told(offer: Offer) -> set[str]:
    return set(capabilities(offer))


def test_what_is_always_there():
    always = {"TOP", "UIDL", "PIPELINING", "RESP-CODES", "AUTH-RESP-CODE", "IMPLEMENTATION Postane", "UTF8 USER"}
    assert told(Offer("Postane", is_login_possible=False)) == always


def test_user_is_told_where_a_password_may_cross():
    assert "USER" in told(Offer("Postane"))
    assert "USER" not in told(Offer("Postane", is_login_possible=False))


def test_stls_and_mechanisms_are_told_where_there_are_some():
    offer = told(Offer("Postane", is_stls_possible=True, mechanisms=("PLAIN", "LOGIN")))
    assert {"STLS", "SASL PLAIN LOGIN"} <= offer


def test_lang_is_told_where_there_is_a_choice():
    assert "LANG" in told(Offer("Postane", is_lang_possible=True))
    assert "LANG" not in told(Offer("Postane"))


def test_bounds_are_told_with_the_word_that_they_may_differ():
    assert {"EXPIRE 5 USER", "LOGIN-DELAY 900"} <= told(Offer("x", expire=Bound(5, True), login_delay=Bound(900)))
    assert {"EXPIRE NEVER", "LOGIN-DELAY 0"} <= told(Offer("x", expire=Bound(None), login_delay=Bound(0)))


def test_lines_are_written_as_they_are_sent():
    written = format_capabilities(Offer("Postane"))
    assert written.startswith(b"TOP\r\nUSER\r\n")
    assert written.endswith(b"IMPLEMENTATION Postane\r\n")
    assert not any(line.startswith(b".") for line in written.split(b"\r\n"))
