"""What inetd does: for each connection to a listening socket a command, whose standard input and output it is.

Run as a program: `acceptor.py DESCRIPTOR COMMAND...`, where the descriptor is the listening socket's.
"""

import socket
import subprocess
import sys


def serve(listener: socket.socket, command: list[str]) -> None:
    """Until the process is ended."""
    running: list[subprocess.Popen[bytes]] = []
    while True:
        connection, _ = listener.accept()
        with connection:
            running.append(subprocess.Popen(command, stdin=connection, stdout=connection))
        running = [process for process in running if process.poll() is None]


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:])
