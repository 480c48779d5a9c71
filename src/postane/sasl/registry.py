"""The mechanisms that a server can offer, in the order of preference.

Must not know: which of them are offered where.
"""

from collections.abc import Callable, Mapping

from .base import ServerMechanism
from .plain import LoginServer, PlainServer

SERVER_MECHANISMS: Mapping[str, Callable[[], ServerMechanism]] = {
    "PLAIN": PlainServer,
    "LOGIN": LoginServer,
}
"""How an exchange is begun, by the mechanism's registered name."""

CLEAR_TEXT = frozenset({"PLAIN", "LOGIN"})
"""Mechanisms by which the password itself crosses."""
