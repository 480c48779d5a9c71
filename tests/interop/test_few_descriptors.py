"""A server with few open files: connections that say nothing keep nobody out, and the mail can be read."""

import contextlib
import functools
import resource
import socket
import subprocess

import pytest

from support.corpus import corpus
from support.post import fill
from support.postoffice import PostOffice
from support.talk import log_in

pytestmark = pytest.mark.interop

FILES = 512
SILENT = 700
"""More than there are open files for."""


def _lower() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))


def test_who_says_nothing_keeps_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "Popen", functools.partial(subprocess.Popen, preexec_fn=_lower))
    with PostOffice({"server": {"workers": 1}, "limits": {"per_address": 10000}}) as office:
        mailbox = office.fresh()
        fill(office, mailbox, corpus()[:1])
        with contextlib.ExitStack() as crowd:
            for _ in range(SILENT):
                crowd.enter_context(socket.create_connection(office.pop3, 20))
            with log_in(office.pop3, mailbox.name, mailbox.password) as talk:
                assert talk.ask(b"RETR 1").startswith(b"+OK")
                assert talk.body()
        told = office.log.read_text()
    assert f"with {FILES} open files a process" in told
    assert "no more connections can be accepted" not in told, "the rule began before the system refused"
