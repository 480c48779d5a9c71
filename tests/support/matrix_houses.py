"""The servers of the matrix, who has an account there, and what came of each case.

Three servers with the same accounts, one for each `House`, and an authorization server. Each client has an account of
its own and comes for one case after the other, so that the line that the server logs of a session is that case's.
"""

import contextlib
import json
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

from postane.app import open_registry
from postane.config.file import load_config
from postane.net.tls import Certificate

from .authorization import AUDIENCE, ISSUER, Authorization, authorization_beside
from .certificates import LOCALHOST, Authority, Wish
from .matrix import Case, House, Protocol, Result, Shown, Tls
from .matrix_programs import PROGRAMS
from .matrix_scripts import SCRIPTS
from .matrix_visit import Client, Visit
from .postoffice import PostOffice, wait_until
from .programs import find, run

CLIENTS: dict[str, Client] = {**PROGRAMS, **SCRIPTS}
"""By the name that the cases give them."""

SERVICES = {
    (Protocol.POP3, False): "pop3",
    (Protocol.POP3, True): "pop3s",
    (Protocol.SMTP, False): "smtp",
    (Protocol.SMTP, True): "smtps",
}

VERSION = re.compile(r"\d+(?:\.\d+)+|\d{8}")

WORKERS = 3
"""Clients at a time: they wait most of their time."""

Row = tuple[Case, Result]


def version_of(client: Client) -> str | None:
    """Its version, None where it is not installed."""
    program = find(client.program)
    if program is None:
        return None
    done = run([program, *client.about], expect=None)
    found = VERSION.search((done.stdout + done.stderr).decode(errors="replace"))
    return found[0] if done.returncode == 0 and found else None


class Houses:
    """`with` starts the servers and stops them."""

    def __init__(self, clients: Iterable[str]) -> None:
        self._names = tuple(dict.fromkeys(clients))
        self._folder = Path(tempfile.mkdtemp(prefix="postane-"))
        self._folder.chmod(0o755)
        self._stack = contextlib.ExitStack()
        self._stack.callback(shutil.rmtree, self._folder, ignore_errors=True)
        self._authority = Authority(self._folder)
        self._stranger = Authority(self._folder, "stranger")
        self._offices: dict[House, PostOffice] = {}
        self._authorization: Authorization

    def __enter__(self) -> "Houses":
        with self._stack:  # what was opened is closed where the next cannot be
            self._authorization = self._stack.enter_context(authorization_beside())
            for house, settings in self._settings().items():
                self._offices[house] = PostOffice(settings)
                self._stack.callback(self._offices[house].discard)
            self._make_accounts()
            for office in self._offices.values():
                self._start(office)
            self._stack = self._stack.pop_all()
        return self

    def _start(self, office: PostOffice) -> None:
        try:
            office.start()
        except BaseException:
            office.kill()
            raise
        self._stack.callback(office.stop)

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def authority(self) -> Path:
        """Who has signed the servers' certificate."""
        return self._authority.path

    def office(self, house: House) -> PostOffice:
        """One of the servers."""
        return self._offices[house]

    def _settings(self) -> dict[House, dict[str, Any]]:
        shown = self._authority.issue("server", LOCALHOST)
        tls = {"certificate": str(shown.chain), "key": str(shown.key)}
        listen = {"listen": ["127.0.0.1:0"]}
        auth = {"failure_delay": "1ms", "lockout_after": 0}
        usual = {"pop3s": listen, "smtps": listen, "tls": tls, "auth": auth}
        keys = {"jwks": f"{self._authorization.url}/jwks", "issuer": ISSUER, "audience": AUDIENCE}
        return {
            House.USUAL: usual,
            House.NEVER: {**usual, "auth": {**auth, "plaintext_without_tls": "never"}},
            House.TOKENS: {
                **usual,
                "tls": {**tls, "client_certificates": "optional", "client_ca": str(self._authority.path)},
                "accounts": [{"kind": "local"}, {"kind": "oauth", **keys}],
            },
        }

    def _make_accounts(self) -> None:
        """In one house, without a process for each; the others get copies of its store."""
        first, *others = self._offices.values()
        registry = open_registry(load_config(first.config))
        for name in self._names:
            registry.add(name, password=_secret(name, Shown.PASSWORD))
            for shown, label in ((Shown.DEVICE, "laptop"), (Shown.REVOKED, "stolen")):
                registry.add_device(name, label, _secret(name, shown))
            registry.revoke_device(name, "stolen")
        registry.close()
        for office in others:
            shutil.copytree(first.folder / "store", office.folder / "store")

    def visit(self, case: Case) -> Result:
        """Let the client come, and see what it and the server have to tell of it."""
        client = CLIENTS[case.client]
        if case.asked and client.lacks(case.asked):
            return Result(False, said=f"{case.client} is built without {case.asked}", is_skipped=True)
        office = self._offices[case.house]
        home = self._folder / case.client
        home.mkdir(exist_ok=True)
        home.chmod(0o755)
        told = office.log.stat().st_size
        visit = self._plan(case, home)
        result = client.read(visit, client.speak(visit))
        return _logged(office, told, case.client, result) if result.is_in else result

    def _plan(self, case: Case, home: Path) -> Visit:
        service = SERVICES[case.protocol, case.tls is Tls.DIRECT]
        return Visit(
            port=self._offices[case.house].address(service)[1],
            protocol=case.protocol,
            tls=case.tls,
            asked=case.asked,
            name=case.client,
            secret=self._secret(case),
            is_token=case.shown in (Shown.TOKEN, Shown.EXPIRED),
            certificate=self._certificate(case),
            ca=self._authority.path,
            home=home,
        )

    def _secret(self, case: Case) -> str:
        if case.shown in (Shown.TOKEN, Shown.EXPIRED):
            now = time.time()
            age = 300 if case.shown is Shown.TOKEN else -300
            return self._authorization.token(email=case.client, iat=now - 900, exp=now + age)
        return _secret(case.client, case.shown)

    def _certificate(self, case: Case) -> Certificate | None:
        if case.shown not in (Shown.CERTIFICATE, Shown.OTHER_NAME, Shown.STRANGER):
            return None
        owner = "somebody" if case.shown is Shown.OTHER_NAME else case.client
        wish = Wish(emails=(f"{owner}@postane.test",), is_for_clients=True)
        signer = self._stranger if case.shown is Shown.STRANGER else self._authority
        return signer.issue(f"{case.client}-{case.shown.name.lower()}", wish)

    def logins(self, name: str) -> int:
        """How many sessions of its account the servers have told of."""
        return sum(len(list(_sessions(office, 0, name))) for office in self._offices.values())

    def run(self, cases: Iterable[Case], tell: Callable[[Case, Result], None]) -> list[Row]:
        """All of them: one client's one after the other, several clients at a time. `tell` hears of each."""
        parts = [list(part) for _, part in groupby(sorted(cases, key=_client), key=_client)]
        # The slowest first, so that nobody waits for it at the end: mutt shows every complaint for two seconds.
        parts.sort(key=lambda part: (part[0].client == "mutt", len(part)), reverse=True)

        is_over = threading.Event()  # by Ctrl-C, say: the rows that are left are not begun

        def walk(part: list[Case]) -> list[Row]:
            rows: list[Row] = []
            for case in part:
                if is_over.is_set():
                    break
                rows.append((case, self.visit(case)))
                tell(*rows[-1])
            return rows

        with ThreadPoolExecutor(WORKERS) as pool:
            try:
                return [row for rows in pool.map(walk, parts) for row in rows]
            except BaseException:
                is_over.set()
                raise


def _client(case: Case) -> str:
    return case.client


def _secret(name: str, shown: Shown) -> str:
    return {
        Shown.PASSWORD: f"own-{name}-5034",
        Shown.DEVICE: f"device-{name}-laptop",
        Shown.REVOKED: f"device-{name}-stolen",
    }.get(shown, "wrong")


def _logged(office: PostOffice, told: int, name: str, result: Result) -> Result:
    """With what the server logged of the session, behind the octets that it had logged before."""
    lines: list[dict[str, Any]] = []

    def look() -> bool:
        lines[:] = _sessions(office, told, name)
        return bool(lines)

    wait_until(look, f"the session of {name} is told")
    return replace(result, version=lines[-1].get("tls", ""), credential=lines[-1]["credential"])


def _sessions(office: PostOffice, told: int, name: str) -> Iterator[dict[str, Any]]:
    for line in office.log.read_bytes()[told:].decode().splitlines(keepends=True):
        if line.startswith("{") and line.endswith("\n"):
            fact = json.loads(line)
            if fact["event"] == "session" and fact.get("account") == name:
                yield fact
