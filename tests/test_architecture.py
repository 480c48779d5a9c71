"""The house keeps to its plan: DESIGN's floors, no cycles, small files, no hidden state; and the tests mirror the tree.

The rules are in `support/architecture.py`. What breaks one is told as file:line.
"""

from pathlib import Path

import pytest

from support.architecture import FILE_LINES, RULES
from support.house import Breach, House

REPOSITORY = Path(__file__).parent.parent
SOURCE = REPOSITORY / "src" / "postane"
UNIT = REPOSITORY / "tests" / "unit"

EXCEPTIONS: dict[tuple[str, str], str] = {
    ("purity", "wire/crlf.py"): "of io it takes the decoder of newlines, which reads nothing and writes nothing",
    ("catching", "supervisor/children.py"): "a forked child must end there, whatever happens in it",
}
"""(rule, path) -> why this file may break it."""

SHOWN_ELSEWHERE: dict[str, str] = {
    "__main__": "one call; tests/interop starts the program by it",
    "wire.machine": "a Protocol: its promises are proven in tests/properties",
    "maildrop.base": "Protocols: tests/contract/test_maildrop.py",
    "maildrop.errors": "values: tests/contract/test_maildrop.py",
    "maildrop.values": "values",
    "accounts.base": "Protocols and values: tests/contract/test_accounts.py",
    "net.base": "a Protocol and values; tests/unit/net/test_http.py has what is said of web servers",
    "sinks.base": "a Protocol and values: tests/contract/test_sinks.py",
    "journal.base": "a Protocol and values: tests/contract/test_journal.py",
    "credentials.base": "a Protocol and values",
    "client.compat_lines": "tests/unit/client/test_compat.py, with the face that stands on it",
    "client.lockstep": "tests/unit/client/test_pop2.py and test_pop1.py, with those who speak by it",
    "config.fetch_words": "tests/unit/config/test_fetching.py, with the tables whose keys they are of",
    "talk.base": "values",
    "talk.speech": "tests/unit/talk/test_pop3_speech.py and its like, with the protocols that are spoken",
    "server.need": "values",
    "server.record": "values",
    "net.bindings": "tests/unit/net/test_tls.py and test_link.py: the server's side and the client's",
    "net.client_tls": "tests/unit/net/test_dial.py, with the connections that it secures",
    "net.distrust": "tests/unit/net/test_dial.py, with the connections that do not stand",
    "client.authentication": "tests/unit/client/test_login.py, with the choice of what is tried",
    "client.entry": "tests/unit/client/test_opening.py, with the connection before it",
    "client.exchange": "tests/unit/client/test_pop3.py, with the commands that it carries",
    "client.pipeline": "tests/unit/client/test_pop3.py",
    "net.deadlines": "tests/unit/net/test_tcp.py, with the streams whose waits it ends",
    "server.desk": "tests/unit/server/test_loop.py, with the loop that it serves",
    "server.guest": "tests/unit/server/test_reception.py, with the reception that it is a guest of",
    "server.smtp_settings": "values",
    "server.pop3_authorization": "tests/unit/server/test_pop3.py, with the rest of the desk",
    "server.pop3_transaction": "tests/unit/server/test_pop3.py, with the rest of the desk",
    "testing.channel": "tests/unit/testing/test_hostile.py, with the server that they are parts of",
    "testing.faults": "tests/unit/testing/test_hostile.py",
    "testing.pop3_fake": "tests/unit/testing/test_hostile.py",
    "testing.pop3_login": "tests/unit/testing/test_hostile.py",
    "testing.shelf": "tests/unit/testing/test_hostile.py",
    "fetch.account": "values",
    "fetch.errors": "values",
    "fetch.hoarded_source": "tests/unit/fetch/test_pop2_source.py and test_pop1_source.py, with those that stand on it",
    "fetch.source": "a Protocol and values: tests/unit/fetch/test_pop3_source.py and its like",
    "fetch.work": "values",
    "fetch.visit": "tests/unit/fetch/test_run.py, with the run that it is a session of",
    "fetch.tending": "tests/unit/fetch/test_run.py, and by its commands tests/unit/cli/test_fetch_state.py",
    "cli.fetch_keep": "tests/unit/cli/test_fetch_add.py, with the command that writes an account down",
    "cli.demo": "tests/interop/test_demo.py: what it prints is pasted",
    "cli.serve": "tests/interop/test_serve.py, as are the processes behind it",
    "supervisor.children": "tests/interop/test_serve.py",
    "supervisor.worker": "tests/interop/test_serve.py",
}
"""Modules without a unit test of the same name, and where they are shown instead."""


@pytest.fixture(scope="module")
def house() -> House:
    return House.read(SOURCE)


@pytest.fixture(scope="module")
def breaches(house) -> dict[str, list[Breach]]:
    """Of each rule, those that are excepted included."""
    return {rule.__name__: list(rule(house)) for rule in RULES}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps_the_rule(breaches, rule):
    found = [breach for breach in breaches[rule.__name__] if (rule.__name__, breach.path) not in EXCEPTIONS]
    assert not found, "\n".join(["", str(rule.__doc__), *map(str, found)])


def test_every_exception_is_still_needed(breaches):
    broken = {(rule, breach.path) for rule, found in breaches.items() for breach in found}
    assert set(EXCEPTIONS) <= broken, "the rule is kept again: take the exception away"


def test_every_module_has_a_unit_test_of_its_name(house):
    tests = {path.relative_to(UNIT).as_posix() for path in UNIT.rglob("test_*.py")}
    lacking = []
    for module in house.modules.values():
        *folder, name = module.name.split(".")
        stem = "/".join([*folder, f"test_{name}"])
        if not module.is_package and module.name not in SHOWN_ELSEWHERE:
            lacking += [] if any(test.startswith((f"{stem}.", f"{stem}_")) for test in tests) else [f"unit/{stem}.py"]
    assert not lacking, "\n".join(["modules without a unit test:", *lacking])


def test_every_unit_test_has_a_module(house):
    names = {module.name for module in house.modules.values()}
    astray = []
    for path in UNIT.rglob("test_*.py"):
        *folder, stem = path.relative_to(UNIT).with_suffix("").parts
        words = stem.removeprefix("test_").split("_")
        possible = {".".join([*folder, "_".join(words[:count])]) for count in range(1, len(words) + 1)}
        if not possible & names and not (REPOSITORY / "/".join(folder) / f"{stem.removeprefix('test_')}.py").exists():
            astray.append(path.relative_to(REPOSITORY).as_posix())
    assert not astray, "\n".join(["unit tests of no module, which belong into another folder of tests/:", *astray])


def test_nothing_shown_elsewhere_is_gone(house):
    assert set(SHOWN_ELSEWHERE) <= set(house.modules)


MANY_LINES = "\n" * FILE_LINES + "x = 1\n"
LONG_FUNCTION = "def walk():\n" + "    go()\n" * 60


@pytest.mark.parametrize(
    ("rule", "sources", "place"),
    [
        ("floors", {"pop3/server.py": "from postane.net import tcp", "net/tcp.py": ""}, "pop3/server.py:1"),
        ("floors", {"pop3/a.py": "\nfrom postane.pop2.b import c", "pop2/b.py": ""}, "pop3/a.py:2"),
        ("floors", {"wire/a.py": "from ..mail import b", "mail/b.py": ""}, "wire/a.py:1"),
        ("floors", {"mail/a.py": "from ..smtp.b import c", "smtp/b.py": ""}, "mail/a.py:1"),
        ("floors", {"server/a.py": "import postane.cli.b", "cli/b.py": ""}, "server/a.py:1"),
        ("floors", {"server/a.py": "def f():\n    from postane.app import x", "app.py": ""}, "server/a.py:2"),
        (
            "floors",
            {"net/a.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import postane.app", "app.py": ""},
            "net/a.py:3",
        ),
        ("floors", {"accounts/a.py": "from postane.maildrop.drop import B", "maildrop/drop.py": ""}, "accounts/a.py:1"),
        ("floors", {"fetch/a.py": "from postane.server.b import c", "server/b.py": ""}, "fetch/a.py:1"),
        ("floors", {"cli/a.py": "from postane.web.b import c", "web/b.py": ""}, "cli/a.py:1"),
        ("floors", {"server/a.py": "import postane", "__init__.py": ""}, "server/a.py:1"),
        ("floors", {"attic/a.py": ""}, "attic/a.py:1"),
        ("purity", {"pop3/a.py": "import os.path"}, "pop3/a.py:1"),
        ("purity", {"mail/a.py": "def now():\n    from time import time"}, "mail/a.py:2"),
        ("purity", {"pop3/a.py": "import scramp"}, "pop3/a.py:1"),
        ("purity", {"wire/a.py": "import logging"}, "wire/a.py:1"),
        ("workers", {"server/a.py": "import sqlite3"}, "server/a.py:1"),
        ("workers", {"server/a.py": "from pathlib import Path"}, "server/a.py:1"),
        ("workers", {"client/a.py": "with open(name) as file:\n    pass"}, "client/a.py:1"),
        ("workers", {"fetch/a.py": "import os\nos.path.join(a, b)"}, "fetch/a.py:2"),
        ("workers", {"migrate/a.py": "query = 'SELECT uid FROM message'"}, "migrate/a.py:1"),
        ("cycles", {"wire/a.py": "from . import b", "wire/b.py": "from .a import c"}, "wire/b.py:1"),
        ("cycles", {"wire/a.py": "from .a import b"}, "wire/a.py:1"),
        (
            "cycles",
            {
                "wire/a.py": "from .b import x",
                "wire/b.py": "if TYPE_CHECKING:\n    from .c import y",
                "wire/c.py": "from .a import z",
            },
            "wire/c.py:1",
        ),
        ("file_sizes", {"wire/a.py": MANY_LINES}, "wire/a.py:301"),
        ("function_sizes", {"wire/a.py": LONG_FUNCTION}, "wire/a.py:1"),
        (
            "function_sizes",
            {"wire/a.py": "class A:\n    async " + LONG_FUNCTION.replace("\n", "\n    ")},
            "wire/a.py:2",
        ),
        ("parameters", {"wire/a.py": "def f(a, b, c, d, *, e, g, h): ..."}, "wire/a.py:1"),
        ("parameters", {"wire/a.py": "class A:\n    def f(self, a, b, c, d, e, *g, **h): ..."}, "wire/a.py:2"),
        (
            "parameters",
            {"wire/a.py": "class A:\n    @staticmethod\n    def f(a, b, c, d, e, g, h): ..."},
            "wire/a.py:3",
        ),
        ("faces", {"wire/__init__.py": "from .lines import LineBuffer", "wire/lines.py": ""}, "wire/__init__.py:1"),
        ("catching", {"server/a.py": "try:\n    go()\nexcept Exception:\n    pass"}, "server/a.py:3"),
        ("catching", {"server/a.py": "try:\n    go()\nexcept (OSError, Exception):\n    raise"}, "server/a.py:3"),
        ("catching", {"server/a.py": "try:\n    go()\nexcept:\n    pass"}, "server/a.py:3"),
        ("catching", {"cli/a.py": "try:\n    go()\nexcept BaseException as e:\n    raise X from e"}, "cli/a.py:3"),
        ("state", {"wire/a.py": "seen = 0\ndef f():\n    global seen"}, "wire/a.py:3"),
        ("state", {"wire/a.py": "seen = []\ndef f(x):\n    seen.append(x)"}, "wire/a.py:3"),
        ("state", {"wire/a.py": "seen: dict[int, int] = {}\ndef f(x):\n    seen[x] = 1"}, "wire/a.py:3"),
        ("state", {"wire/a.py": "seen = defaultdict(int)\ndef f(x):\n    del seen[x]"}, "wire/a.py:3"),
        ("idleness", {"net/a.py": "import x\nx.install()"}, "net/a.py:2"),
        ("idleness", {"app.py": "for x in y:\n    z(x)"}, "app.py:1"),
    ],
)
def test_a_broken_rule_is_found_at_its_place(rule, sources, place):
    check = {each.__name__: each for each in RULES}[rule]
    assert [f"{found.path}:{found.line}" for found in check(House(sources))] == [place]


@pytest.mark.parametrize(
    "sources",
    [
        {
            "pop3/a.py": "from postane.wire import b\nfrom postane.sasl.c import d",
            "wire/b.py": "",
            "sasl/c.py": "import scramp",
        },
        {"smtp/a.py": "from ..mail import b\nfrom .c import d", "mail/b.py": "import email.header", "smtp/c.py": ""},
        {"accounts/a.py": "from postane.maildrop.base import Quota", "maildrop/base.py": ""},
        {"server/a.py": "import asyncio\nfrom postane.maildrop.base import B\nSELECTED = 1", "maildrop/base.py": ""},
        {
            "app.py": "from postane.config.model import C\nimport postane",
            "config/model.py": "",
            "__init__.py": "V = '1'",
        },
        {"__main__.py": "from postane.cli.main import main\nmain()", "cli/main.py": "import typer\ntyper.go()"},
        {"wire/__init__.py": '"""Lines."""', "wire/a.py": "from . import b", "wire/b.py": ""},
        {"wire/a.py": "class A:\n    def f(self, a, b, c, d, e, g): ...\n" + LONG_FUNCTION.rsplit("    go()", 1)[0]},
        {"server/a.py": "try:\n    go()\nexcept BaseException:\n    undo()\n    raise"},
        {"server/loop.py": "try:\n    go()\nexcept Exception:\n    pass"},
        {"wire/a.py": "UNITS = {}\nUNITS |= {'k': 1}\ndef f():\n    UNITS = []\n    UNITS.append(1)\n    return UNITS"},
    ],
)
def test_what_keeps_the_rules_passes(sources):
    house = House(sources)
    assert [str(breach) for rule in RULES for breach in rule(house)] == []


def test_a_breach_is_told_as_file_and_line():
    assert str(Breach("wire/a.py", 3, "too long")) == "wire/a.py:3: too long"
