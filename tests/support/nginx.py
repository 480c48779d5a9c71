"""A real nginx in front of a post office, as a mail proxy: XCLIENT for SMTP, the PROXY protocol for POP3."""

import socket
import subprocess
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

from .postoffice import Address, wait_until
from .programs import missing, require

MODULES = ("/usr/lib/nginx/modules", "/usr/lib64/nginx/modules", "/usr/local/lib/nginx/modules")

_CONFIG = """
daemon off;
master_process off;
pid {folder}/pid;
error_log stderr warn;
load_module {module};
events {{ worker_connections 64; }}
mail {{
    server_name nginx.test;
    auth_http 127.0.0.1:{auth}/;
    proxy_pass_error_message on;
    server {{ listen 127.0.0.1:{smtp}; protocol smtp; smtp_auth none plain; xclient on; }}
    server {{ listen 127.0.0.1:{pop3}; protocol pop3; pop3_auth plain; proxy_protocol on; }}
}}
"""


class Nginx:
    """Runs between `with`; `doors` are where its clients connect to. Whoever logs in is let in: what nginx asks that
    with is answered here."""

    def __init__(self, folder: Path, services: Mapping[str, Address]) -> None:
        self._folder = folder
        self._sockets = {name: socket.create_server(("127.0.0.1", 0)) for name in services}  # they hold the ports
        self.doors: dict[str, Address] = {name: each.getsockname() for name, each in self._sockets.items()}
        self._auth = ThreadingHTTPServer(("127.0.0.1", 0), _answering(services))
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        program = require("nginx")
        module = next((path for path in MODULES if (Path(path) / "ngx_mail_module.so").exists()), None)
        if module is None:
            missing("nginx has no mail proxy")
        config = self._folder / "nginx.conf"
        ports = {name: port for name, (_, port) in self.doors.items()}
        config.write_text(
            _CONFIG.format(
                folder=self._folder, module=f"{module}/ngx_mail_module.so", auth=self._auth.server_port, **ports
            )
        )
        threading.Thread(target=self._auth.serve_forever, daemon=True).start()
        self._let_go()
        with (self._folder / "nginx.log").open("wb") as log:
            self._process = subprocess.Popen(
                [program, "-e", "stderr", "-p", str(self._folder), "-c", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_until((self._folder / "pid").exists, f"nginx is up, see {self._folder}/nginx.log")
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)
        self._auth.shutdown()
        self._auth.server_close()
        self._let_go()

    def _let_go(self) -> None:
        for each in self._sockets.values():
            each.close()


def _answering(services: Mapping[str, Address]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            host, port = services[self.headers["Auth-Protocol"]]
            self.send_response(200)
            for name, value in (("Auth-Status", "OK"), ("Auth-Server", host), ("Auth-Port", str(port))):
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    return Handler
