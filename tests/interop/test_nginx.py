"""A real nginx in front, as a mail proxy: it tells its clients by XCLIENT, and by the PROXY protocol."""

import poplib
import smtplib
from collections.abc import Iterator

import pytest

from support.corpus import corpus
from support.nginx import Nginx
from support.post import SENDER
from support.postoffice import Mailbox, PostOffice, wait_until

pytestmark = pytest.mark.interop

CLIENT = "127.0.9.8"
TRUSTED = ["127.0.0.1"]


@pytest.fixture(scope="module")
def offices() -> Iterator[tuple[PostOffice, PostOffice]]:
    """One for each way: who must send a PROXY header cannot be spoken to without."""
    smtp = {"smtp": {"listen": ["127.0.0.1:0"], "xclient": TRUSTED, "auth": "required"}}
    with PostOffice(smtp) as by_xclient, PostOffice({"proxy": {"trusted": TRUSTED}}) as by_header:
        yield by_xclient, by_header


@pytest.fixture(scope="module")
def nginx(offices: tuple[PostOffice, PostOffice]) -> Iterator[Nginx]:
    by_xclient, by_header = offices
    folder = by_header.folder / "nginx"
    folder.mkdir()
    with Nginx(folder, {"smtp": by_xclient.smtp, "pop3": by_header.pop3}) as nginx:
        yield nginx


def _smtp(nginx: Nginx) -> smtplib.SMTP:
    return smtplib.SMTP(*nginx.doors["smtp"], "client.test", timeout=20, source_address=(CLIENT, 0))


def _read(office: PostOffice, box: Mailbox) -> bytes:
    pop = poplib.POP3(*office.pop3, timeout=20)
    pop.user(box.name)
    pop.pass_(box.password)
    message = b"\r\n".join(pop.retr(1)[1])
    pop.quit()
    return message


def test_who_has_logged_in_at_nginx_is_known(offices: tuple[PostOffice, PostOffice], nginx: Nginx) -> None:
    office, _ = offices
    box = office.fresh()
    with _smtp(nginx) as smtp:
        smtp.login(box.name, "nginx has been told to let in everybody")
        smtp.sendmail(SENDER, [box.address], corpus()[0].octets)
        assert smtp.docmd("XCLIENT", "ADDR=192.0.2.1")[0] == 550, "the client's own words go through as they are"
    message = _read(office, box)
    assert f"Received: from client.test ([{CLIENT}])\r\n".encode() in message
    assert b" with ESMTPA id " in message
    ending = f'"peer": "{CLIENT}", "speaker": "127.0.0.1", "account": "{box.name}", "credential": "xclient"'
    wait_until(lambda: ending in office.read_log(), "it is logged")


def test_who_has_not_logged_in_is_not(offices: tuple[PostOffice, PostOffice], nginx: Nginx) -> None:
    office, _ = offices
    box = office.fresh()
    with _smtp(nginx) as smtp, pytest.raises(smtplib.SMTPException) as caught:
        smtp.sendmail(SENDER, [box.address], corpus()[0].octets)
    assert "log in first" in str(caught.value)


def test_pop3_by_the_proxy_protocol(offices: tuple[PostOffice, PostOffice], nginx: Nginx) -> None:
    _, office = offices
    box = office.fresh()
    pop = poplib.POP3(*nginx.doors["pop3"], timeout=20)
    pop.user(box.name)
    pop.pass_(box.password)
    pop.quit()
    wait_until(lambda: f'"account": "{box.name}"' in office.read_log(), "it is logged")
