"""The rows of the matrix: what each client is tried with, and what is expected of it.

Must not know: how any of it is tried.
"""

from itertools import product

from .matrix import Case, House, Protocol, Shown, Tls

POP3, SMTP = Protocol.POP3, Protocol.SMTP
OWN, DEVICE = Shown.PASSWORD, Shown.DEVICE
SECURED = (Tls.START, Tls.DIRECT)
WRONG_PASSWORD = "invalid user name or password"
STLS_FIRST = "[AUTH] passwords may not cross this connection in clear text, say STLS first"
STARTTLS_FIRST = "538 5.7.11"


def cases() -> tuple[Case, ...]:
    """All rows, those of one client together."""
    return tuple(
        case
        for part in (_curl, _fetchmail, _mpop, _getmail, _mutt, _perl, _poplib, _openssl, _postane, _submitters)
        for case in part()
    )


def _free(client: str, protocol: Protocol, used: dict[Tls, str], shown: Shown = OWN) -> list[Case]:
    """The client chooses, with what it has to show, in these TLS modes."""
    return [Case(client, protocol, tls, None, shown, name) for tls, name in used.items()]


def _asked(client: str, protocol: Protocol, modes: tuple[Tls, ...], shown: Shown, *names: str) -> list[Case]:
    """It is told what to use, and that lets it in."""
    return [Case(client, protocol, tls, name, shown, name) for tls, name in product(modes, names)]


def _tokens(client: str, protocol: Protocol, *names: str) -> list[Case]:
    rows = []
    for tls, name in product(Tls, names):
        rows.append(Case(client, protocol, tls, name, Shown.TOKEN, name, house=House.TOKENS))
        rows.append(Case(client, protocol, tls, name, Shown.EXPIRED, None, "", House.TOKENS))
    return rows


def _certificates(client: str, protocol: Protocol) -> list[Case]:
    rows = []
    for tls in SECURED:
        rows.append(Case(client, protocol, tls, "EXTERNAL", Shown.CERTIFICATE, "EXTERNAL", house=House.TOKENS))
        rows.append(Case(client, protocol, tls, "EXTERNAL", Shown.OTHER_NAME, None, WRONG_PASSWORD, House.TOKENS))
        rows.append(Case(client, protocol, tls, "EXTERNAL", Shown.STRANGER, None, "", House.TOKENS))
    return rows


def _every(used: str) -> dict[Tls, str]:
    return dict.fromkeys(Tls, used)


def _wrong(client: str, protocol: Protocol, tls: Tls = Tls.NONE, asked: str | None = None) -> list[Case]:
    """What it is told when it shows what opens nothing."""
    return [Case(client, protocol, tls, asked, shown, None, WRONG_PASSWORD) for shown in (Shown.WRONG, Shown.REVOKED)]


def _refused(
    client: str, protocol: Protocol, house: House, said: dict[str | None, str], shown: Shown = OWN
) -> list[Case]:
    """Without TLS: what it is told by the mechanism that it asks for."""
    return [Case(client, protocol, Tls.NONE, name, shown, None, words, house) for name, words in said.items()]


def _curl() -> list[Case]:
    rows: list[Case] = []
    for protocol in Protocol:
        rows += _free("curl", protocol, _every("PLAIN")) + _free("curl", protocol, _every("PLAIN"), DEVICE)
        scrams = ("SCRAM-SHA-256", "SCRAM-SHA-1")
        rows += _asked("curl", protocol, tuple(Tls), OWN, "PLAIN", "LOGIN", *scrams)
        rows += _asked("curl", protocol, tuple(Tls), DEVICE, "PLAIN", "LOGIN", *scrams)
        rows += _tokens("curl", protocol, "OAUTHBEARER") + _certificates("curl", protocol)
        rows += _wrong("curl", protocol) + _wrong("curl", protocol, Tls.DIRECT)
        nothing = "67"  # its exit code: nothing of what it was told to use is announced
        names = ("CRAM-MD5", "DIGEST-MD5", "NTLM", "GSSAPI", "EXTERNAL")
        rows += _refused("curl", protocol, House.USUAL, dict.fromkeys(names, nothing), DEVICE)
        rows += _refused("curl", protocol, House.NEVER, {"PLAIN": nothing, "LOGIN": nothing})
        rows += _refused("curl", protocol, House.NEVER, {None: WRONG_PASSWORD})
        for asked in (None, "CRAM-MD5"):
            rows.append(Case("curl", protocol, Tls.NONE, asked, DEVICE, "CRAM-MD5", house=House.NEVER))
        rows.append(Case("curl", protocol, Tls.START, None, OWN, "PLAIN", house=House.NEVER))
        rows.append(Case("curl", protocol, Tls.START, None, OWN, "PLAIN", house=House.TOKENS))
    rows += _asked("curl", POP3, tuple(Tls), DEVICE, "APOP")
    rows.append(Case("curl", POP3, Tls.NONE, "APOP", OWN, None, WRONG_PASSWORD))
    return rows


def _fetchmail() -> list[Case]:
    rows = _free("fetchmail", POP3, _every("USER")) + _free("fetchmail", POP3, _every("USER"), DEVICE)
    # Told to use APOP it asks for no STLS, whatever else it was told.
    rows += _asked("fetchmail", POP3, (Tls.NONE, Tls.DIRECT), DEVICE, "APOP") + _wrong("fetchmail", POP3)
    rows.append(Case("fetchmail", POP3, Tls.NONE, "APOP", DEVICE, "APOP", house=House.NEVER))
    rows.append(Case("fetchmail", POP3, Tls.START, None, OWN, "USER", house=House.NEVER))
    return rows + _refused("fetchmail", POP3, House.NEVER, {None: "[AUTH]"})


def _mpop() -> list[Case]:
    chosen = {Tls.NONE: "SCRAM-SHA-256", Tls.START: "PLAIN", Tls.DIRECT: "PLAIN"}
    rows = _free("mpop", POP3, chosen) + _free("mpop", POP3, chosen, DEVICE)
    names = ("USER", "PLAIN", "LOGIN", "SCRAM-SHA-1", "SCRAM-SHA-256")
    rows += _asked("mpop", POP3, tuple(Tls), OWN, *names) + _asked("mpop", POP3, tuple(Tls), DEVICE, *names, "APOP")
    rows += _tokens("mpop", POP3, "OAUTHBEARER", "XOAUTH2") + _certificates("mpop", POP3) + _wrong("mpop", POP3)
    for asked, used in ((None, "SCRAM-SHA-256"), ("SCRAM-SHA-1", "SCRAM-SHA-1")):
        rows.append(Case("mpop", POP3, Tls.NONE, asked, OWN, used, house=House.NEVER))
    rows.append(Case("mpop", POP3, Tls.NONE, "CRAM-MD5", DEVICE, "CRAM-MD5", house=House.NEVER))
    rows.append(Case("mpop", POP3, Tls.DIRECT, "SCRAM-SHA-256-PLUS", OWN, None, "kind of channel binding"))
    cannot = "does not support authentication method"
    rows += _refused("mpop", POP3, House.NEVER, {"PLAIN": cannot, "LOGIN": cannot, "USER": STLS_FIRST})
    return rows + _refused("mpop", POP3, House.USUAL, {"DIGEST-MD5": cannot, "NTLM": cannot, "CRAM-MD5": cannot})


MUTE = "it prints nothing of its dialogue; the mechanism is what it was told, or the only other one that it has"


def _getmail() -> list[Case]:
    modes = (Tls.NONE, Tls.DIRECT)
    rows = [Case("getmail", POP3, tls, None, shown, "USER", note=MUTE) for tls, shown in product(modes, (OWN, DEVICE))]
    rows += _asked("getmail", POP3, modes, DEVICE, "APOP") + _wrong("getmail", POP3)
    return rows + _refused("getmail", POP3, House.NEVER, {None: STLS_FIRST})


UNBOUND = "it takes -PLUS where that is announced, has no channel binding, and then misreads every later answer"


def _mutt() -> list[Case]:
    """Few that are refused: it shows each of its complaints for two seconds."""
    rows = [Case("mutt", POP3, Tls.NONE, None, shown, "SCRAM-SHA-256") for shown in (OWN, DEVICE)]
    rows += [
        Case("mutt", POP3, *row, None, "-ERR", note=UNBOUND)
        for row in ((Tls.START, None, OWN), (Tls.DIRECT, None, DEVICE))
    ]
    names = ("SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN", "USER")
    rows += _asked("mutt", POP3, tuple(Tls), OWN, *names) + _asked("mutt", POP3, tuple(Tls), DEVICE, *names, "APOP")
    rows += [row for row in _tokens("mutt", POP3, "OAUTHBEARER") if row.used or row.tls is Tls.DIRECT]
    rows += [Case("mutt", POP3, Tls.NONE, "PLAIN", Shown.WRONG, None, WRONG_PASSWORD)]
    rows += _refused("mutt", POP3, House.NEVER, {"USER": "No authenticators available"})
    rows.append(Case("mutt", POP3, Tls.NONE, None, OWN, "SCRAM-SHA-256", house=House.NEVER))
    return rows


def _perl() -> list[Case]:
    rows = _free("perl", POP3, _every("PLAIN")) + _free("perl", POP3, _every("PLAIN"), DEVICE)
    rows += _asked("perl", POP3, tuple(Tls), OWN, "USER", "PLAIN", "LOGIN")
    rows += _asked("perl", POP3, tuple(Tls), DEVICE, "USER", "APOP") + _wrong("perl", POP3)
    rows.append(Case("perl", POP3, Tls.NONE, "CRAM-MD5", DEVICE, "CRAM-MD5", house=House.NEVER))
    rows += _refused("perl", POP3, House.NEVER, {"USER": STLS_FIRST, None: WRONG_PASSWORD})
    return rows


def _poplib() -> list[Case]:
    rows = _free("poplib", POP3, _every("USER")) + _free("poplib", POP3, _every("USER"), DEVICE)
    rows += _asked("poplib", POP3, tuple(Tls), DEVICE, "APOP") + _wrong("poplib", POP3)
    clear = dict.fromkeys(("USER", "PLAIN", "LOGIN"), STLS_FIRST)
    rows += _refused("poplib", POP3, House.NEVER, {**clear, "SHIBBOLETH": "SHIBBOLETH is not offered here"})
    rows += _refused("poplib", POP3, House.USUAL, {"SHIBBOLETH": "SHIBBOLETH is not offered here"})
    return rows


def _openssl() -> list[Case]:
    rows: list[Case] = []
    for protocol in Protocol:
        rows += _asked("openssl", protocol, SECURED, OWN, "PLAIN", "LOGIN", *(["USER"] if protocol is POP3 else []))
        rows += _asked("openssl", protocol, SECURED, DEVICE, "PLAIN", "LOGIN")
        rows += _certificates("openssl", protocol) + _wrong("openssl", protocol, Tls.DIRECT, "PLAIN")
        rows += [row for row in _tokens("openssl", protocol, "XOAUTH2") if row.tls is not Tls.NONE]
        unknown = {POP3: "SHIBBOLETH is not offered here", SMTP: "504 5.5.4"}[protocol]
        rows.append(Case("openssl", protocol, Tls.DIRECT, "SHIBBOLETH", OWN, None, unknown))
    return rows


def _postane() -> list[Case]:
    """Its own side of the mechanisms, by the test's sockets: nobody else's can bind a login to the server's
    certificate."""
    rows: list[Case] = []
    for protocol in Protocol:
        plus = ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS")
        for shown in (OWN, DEVICE):
            rows += _asked("postane", protocol, SECURED, shown, *plus)
            rows += _asked("postane", protocol, tuple(Tls), shown, "SCRAM-SHA-256", "SCRAM-SHA-1")
        rows += _wrong("postane", protocol, Tls.DIRECT, plus[0]) + _asked(
            "postane", protocol, tuple(Tls), DEVICE, "CRAM-MD5"
        )
    return rows


def _submitters() -> list[Case]:
    """Those that speak SMTP only."""
    rows = _free("swaks", SMTP, _every("LOGIN")) + _free("swaks", SMTP, _every("LOGIN"), DEVICE)
    rows += _asked("swaks", SMTP, tuple(Tls), OWN, "PLAIN", "LOGIN") + _wrong("swaks", SMTP)
    rows.append(Case("swaks", SMTP, Tls.NONE, "CRAM-MD5", DEVICE, "CRAM-MD5", house=House.NEVER))
    cannot = "requested type not available"
    rows += _refused("swaks", SMTP, House.NEVER, {"PLAIN": cannot, "LOGIN": cannot})
    rows += _refused("swaks", SMTP, House.USUAL, {"CRAM-MD5": cannot, "DIGEST-MD5": cannot}, DEVICE)
    rows += _free("smtplib", SMTP, _every("PLAIN")) + _free("smtplib", SMTP, _every("PLAIN"), DEVICE)
    rows += _asked("smtplib", SMTP, tuple(Tls), OWN, "PLAIN", "LOGIN") + _wrong("smtplib", SMTP)
    rows += _asked("smtplib", SMTP, SECURED, DEVICE, "CRAM-MD5")
    rows += _refused("smtplib", SMTP, House.NEVER, dict.fromkeys(("PLAIN", "LOGIN"), STARTTLS_FIRST))
    rows.append(Case("smtplib", SMTP, Tls.NONE, None, DEVICE, "CRAM-MD5", house=House.NEVER))
    chosen = {Tls.NONE: "SCRAM-SHA-256", Tls.START: "PLAIN", Tls.DIRECT: "PLAIN"}
    rows += _free("msmtp", SMTP, chosen) + _free("msmtp", SMTP, chosen, DEVICE)
    rows.append(Case("msmtp", SMTP, Tls.DIRECT, "SCRAM-SHA-256-PLUS", OWN, None, "kind of channel binding"))
    rows += _asked("msmtp", SMTP, tuple(Tls), OWN, "PLAIN", "LOGIN", "SCRAM-SHA-1", "SCRAM-SHA-256")
    rows += _tokens("msmtp", SMTP, "OAUTHBEARER", "XOAUTH2") + _certificates("msmtp", SMTP) + _wrong("msmtp", SMTP)
    return rows + _gsasl()


def _gsasl() -> list[Case]:
    rows = [Case("gsasl", SMTP, Tls.NONE, None, shown, "SCRAM-SHA-256") for shown in (OWN, DEVICE)]
    rows += [Case("gsasl", SMTP, Tls.START, None, shown, None, note=EXPORTER) for shown in (OWN, DEVICE)]
    modes = (Tls.NONE, Tls.START)
    rows += _asked("gsasl", SMTP, modes, OWN, "PLAIN", "LOGIN", "SCRAM-SHA-1", "SCRAM-SHA-256")
    rows += _asked("gsasl", SMTP, modes, DEVICE, "SCRAM-SHA-256", "CRAM-MD5") + _wrong("gsasl", SMTP)
    plus = [
        Case("gsasl", SMTP, Tls.START, "SCRAM-SHA-256-PLUS", shown, "SCRAM-SHA-256-PLUS") for shown in (OWN, DEVICE)
    ]
    return [*rows, *plus]


EXPORTER = "it insists on a binding (tls-exporter) that Python's TLS cannot give; bound by TLS 1.2 it gets in"
