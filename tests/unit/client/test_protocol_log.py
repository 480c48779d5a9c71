"""A dialogue as a person may see it. That no secret is in it: test_login.py."""

from postane.client.protocol_log import ProtocolLog
from postane.pop3.commands import Apop, Auth, AuthResponse, Pass, Retr, User
from postane.pop3.replies import err, ok


def test_what_is_shown():
    lines: list[str] = []
    log = ProtocolLog(lines.append)
    for command in (User("mrose"), Pass("x y"), Apop("mrose", "0" * 32), Auth(), Auth("PLAIN", b"x"), Auth("LOGIN")):
        log.said(command)
    for command in (AuthResponse(b"x"), AuthResponse(None), Retr(1)):
        log.said(command)
    log.answered(ok("120 octets"))
    log.answered(err("a\x1b[2J\nC: forged", "SYS/TEMP"))
    log.challenged()
    log.sent_body(120)
    log.note("TLS begins")
    assert lines == [
        "C: USER mrose",
        "C: PASS ****",
        "C: APOP mrose ****",
        "C: AUTH",
        "C: AUTH PLAIN ****",
        "C: AUTH LOGIN",
        "C: ****",
        "C: *",
        "C: RETR 1",
        "S: +OK 120 octets",
        "S: -ERR [SYS/TEMP] a?[2J?C: forged",
        "S: + ****",
        "S: (120 octets)",
        "-- TLS begins",
    ]
