"""Those of the matrix that need a few lines to do anything: Perl, poplib, smtplib, openssl s_client; and the package's
own side of the mechanisms, over the test's sockets."""

import hashlib
import secrets
import sys
from base64 import b64decode, b64encode
from collections.abc import Iterator

from postane.sasl.base import Identity
from postane.sasl.registry import CLIENT_MECHANISMS

from .certificates import client_context
from .matrix import Protocol, Tls
from .matrix_programs import spoken
from .matrix_visit import HOST, Client, Spoken, Visit
from .talk import Talk
from .tls import POP3S, STARTTLS, STLS, TlsTalk

PERL = """
use strict; use warnings; use Net::POP3;
my ($port, $tls, $ca, $asked, $user, $password) = @ARGV;
my @ca = (SSL_ca_file => $ca);
my $pop = Net::POP3->new("localhost", Port => $port, Timeout => 20, Debug => 1, SSL => $tls eq "direct", @ca) or die $@;
if ($tls eq "start") { $pop->starttls(@ca) or die $pop->message }
if ($tls ne "none") { print "TLS ", $pop->get_sslversion, " ", $pop->get_cipher, "\\n" }
my @who = ($user, $password);
if ($asked =~ /-|PLAIN|LOGIN/) {
    require Authen::SASL;
    my %says = (user => $user, authname => "", pass => $password);
    @who = (Authen::SASL->new(mechanism => $asked, callback => \\%says));
}
my $in = $asked eq "USER" ? $pop->login(@who) : $asked eq "APOP" ? $pop->apop(@who) : $pop->auth(@who);
my $said = $pop->message;
$pop->quit;
print STDERR "$said\\n" unless $in;
exit($in ? 0 : 1);
"""

POPLIB = """
import base64, poplib, ssl, sys
port, tls, ca, asked, user, password = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
pop = poplib.POP3_SSL("localhost", port, context=context) if tls == "direct" else poplib.POP3("localhost", port, 20)
pop.set_debuglevel(1)
if tls == "start":
    pop.stls(context)
if tls != "none":
    print("TLS", pop.sock.version(), pop.sock.cipher()[0])
print(pop.capa())
if asked == "APOP":
    pop.apop(user, password)
elif asked in ("", "USER"):
    pop.user(user)
    pop.pass_(password)
else:
    pop._shortcmd(f"AUTH {asked} " + base64.b64encode(f"\\0{user}\\0{password}".encode()).decode())
pop.stat()
pop.quit()
"""

SMTPLIB = """
import smtplib, ssl, sys
port, tls, ca, asked, user, password = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
where = {"host": "localhost", "port": int(port), "timeout": 20, "local_hostname": "client.test"}
smtp = smtplib.SMTP_SSL(context=context, **where) if tls == "direct" else smtplib.SMTP(**where)
smtp.set_debuglevel(1)
if tls == "start":
    smtp.starttls(context=context)
if tls != "none":
    print("TLS", smtp.sock.version(), smtp.sock.cipher()[0])
smtp.ehlo_or_helo_if_needed()
if asked:
    smtp.user, smtp.password = user, password
    smtp.auth(asked, getattr(smtp, "auth_" + asked.lower().replace("-", "_")))
else:
    smtp.login(user, password)
smtp.quit()
"""


def _perl(visit: Visit) -> Spoken:
    arguments = [str(visit.port), visit.tls, visit.ca, visit.asked or "", visit.name, visit.secret]
    return spoken(["perl", "-e", PERL, *arguments], visit)


def _poplib(visit: Visit) -> Spoken:
    return _python(POPLIB, visit)


def _smtplib(visit: Visit) -> Spoken:
    return _python(SMTPLIB, visit)


def _python(program: str, visit: Visit) -> Spoken:
    arguments = [str(visit.port), visit.tls, visit.ca, visit.asked or "", visit.name, visit.secret]
    return spoken([sys.executable, "-c", program, *arguments], visit)


def _openssl(visit: Visit) -> Spoken:
    """All is said at once: it is no client, and waits for no answer."""
    is_smtp = visit.protocol is Protocol.SMTP
    words = ["openssl", "s_client", "-connect", f"{HOST}:{visit.port}", "-CAfile", visit.ca, "-verify_return_error"]
    words += ["-brief", "-crlf", "-ign_eof", "-servername", HOST]
    words += ["-starttls", visit.protocol.lower()] if visit.tls is Tls.START else []
    if visit.certificate is not None:
        words += ["-cert", visit.certificate.chain, "-key", visit.certificate.key]
    lines = [*(["EHLO client.test"] if is_smtp else []), *_lines(visit), "QUIT"]
    said = spoken(words, visit, given="".join(f"{line}\n" for line in lines).encode())
    is_in = "maildrop has" in said.text or "\n235 " in said.text
    return Spoken("".join(f"> {line}\n" for line in lines) + said.text, is_in)


def _lines(visit: Visit) -> Iterator[str]:
    name, secret = visit.name, visit.secret
    match visit.asked:
        case "USER":
            yield from (f"USER {name}", f"PASS {secret}")
        case "LOGIN":
            yield from ("AUTH LOGIN", _base64(name), _base64(secret))
        case "EXTERNAL":
            yield "AUTH EXTERNAL ="
        case "XOAUTH2":
            # A refusal is explained in a challenge, which wants an answer; where there was none, a line that is empty.
            yield from ("AUTH XOAUTH2 " + _base64(f"user={name}\x01auth=Bearer {secret}\x01\x01"), "")
        case asked:
            yield f"AUTH {asked} " + _base64(f"\0{name}\0{secret}")


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()


def _postane(visit: Visit) -> Spoken:
    """A mechanism of the package's, to its end."""
    is_smtp = visit.protocol is Protocol.SMTP
    begin = {Tls.DIRECT: POP3S, Tls.START: STARTTLS if is_smtp else STLS}
    address = ("127.0.0.1", visit.port)
    context = client_context(visit.ca)
    talk = Talk(address) if visit.tls is Tls.NONE else TlsTalk(address, context, begin[visit.tls], name=HOST)
    with talk:
        said, bindings = [], {}
        if isinstance(talk, TlsTalk):
            said.append(f"TLS {talk.secured.version()} {(talk.secured.cipher() or ('?',))[0]}")
            bindings["tls-server-end-point"] = hashlib.sha256(talk.certificate()).digest()  # RFC 5929 s4.1
        if is_smtp:
            talk.send(b"EHLO client.test\r\n")
            talk.reply()
        said += _exchange(talk, visit, bindings)
    return Spoken("\n".join(said), said[-1].startswith(("< +OK", "< 235")))


def _exchange(talk: Talk, visit: Visit, bindings: dict[str, bytes]) -> Iterator[str]:
    assert visit.asked is not None
    is_plus = visit.asked.endswith("-PLUS")
    identity = Identity(visit.name, visit.secret, secrets.token_hex(12), bindings if is_plus else {}, is_plus)
    client = CLIENT_MECHANISMS[visit.asked](identity)
    line, answer = f"AUTH {visit.asked}", client.start()
    if answer:
        line += f" {b64encode(answer).decode()}"
    for _ in range(6):
        heard = talk.ask(line.encode())
        yield f"> {line}"
        yield f"< {heard.decode()}"
        if heard.startswith((b"+OK", b"235")):
            client.finish()  # raises where the server has not proven itself
        if not heard.startswith((b"+ ", b"334 ")):
            break
        line = b64encode(client.step(b64decode(heard.split(b" ", 1)[1]))).decode()
    talk.ask(b"QUIT")


SCRIPTS = {
    "perl": Client(
        "perl",
        ("-MNet::POP3", "-MAuthen::SASL", "-MIO::Socket::SSL", "-e", "print Net::POP3->VERSION"),
        _perl,
        r">>> (.*)",
        r"<<< (.*)",
    ),
    "poplib": Client(sys.executable, ("--version",), _poplib, r"^\*cmd\* '(.*)'", r"error_proto: b'(.*)'"),
    "smtplib": Client(
        sys.executable, ("--version",), _smtplib, r"^send: '(.*?)(?:\\r\\n)?'", r"^reply: b'(.*?)(?:\\r\\n)?'"
    ),
    "openssl": Client(
        "openssl",
        ("version",),
        _openssl,
        heard=r"^(.*)$",
        secured=r"Protocol version: (?P<version>\S+)\nCiphersuite: (?P<cipher>\S+)",
        own=r":SSL routines:(.*?):\.",
    ),
    "postane": Client(sys.executable, ("-m", "postane", "--version"), _postane),
}
"""By the name that the cases give them."""
