"""What a server leaves on the disk is its owner's alone, whatever the umask of whoever starts it."""

import os
import stat
import subprocess
import sys

import pytest

from support.corpus import corpus
from support.post import fill, read_all
from support.postoffice import PostOffice
from support.talk import log_in

pytestmark = pytest.mark.interop

PUBLIC = {"certificate.pem"}
"""What everybody is shown anyway; the folder that it is in is closed."""


def test_every_file_is_its_owners_alone() -> None:
    """Maildrops, large bodies, accounts, keys, control sockets, and what stands beside them."""
    mask = os.umask(0)
    try:
        office = PostOffice({"pop3s": {"listen": ["127.0.0.1:0"]}, "maildrop": {"restore_window": "1d"}})
        with office:
            box = office.fresh()
            office.add_device(box)
            fill(office, box, corpus())
            read_all(office, box)
            with log_in(office.pop3, box.name, box.password) as talk:
                assert talk.ask(b"DELE 1").startswith(b"+OK")
                assert talk.ask(b"QUIT").startswith(b"+OK")
            files = [path for path in (office.folder / "store").rglob("*") if path.name not in PUBLIC]
            wide = {str(path): stat.filemode(path.stat().st_mode) for path in files if path.stat().st_mode & 0o077}
            assert len(files) > 10
            assert wide == {}
            assert stat.S_IMODE((office.folder / "store").stat().st_mode) == 0o700
    finally:
        os.umask(mask)


def test_no_command_takes_a_secret_as_an_argument() -> None:
    """Arguments are in the list of processes, which everybody reads."""
    script = (
        "from postane.cli.commands import make_app; import typer;"
        " print(*_all(typer.main.get_command(make_app())), sep='\\n')"
    )
    walk = (
        "def _all(c):\n"
        "    for p in c.params: yield from (o.lstrip('-') for o in p.opts)\n"
        "    for s in getattr(c, 'commands', {}).values(): yield from _all(s)\n"
    )
    done = subprocess.run([sys.executable, "-c", walk + script], capture_output=True, text=True, check=True)
    secrets = {name for name in done.stdout.split() if any(word in name for word in ("password", "secret", "token"))}
    assert secrets == {"password-stdin", "secret-stdin", "password-env"}, "the last is the name of a variable"
