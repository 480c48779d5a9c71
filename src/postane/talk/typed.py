"""What a line that somebody types is: for us, for the server, or for the server once a secret is added.

Must not know: who types.
"""

from .counted_speech import Pop2Speech
from .hiding import secret_start
from .speech import Speech

_ASKED = frozenset({"PASS"})
_CARRIERS = frozenset({"respond", "say"})  # orders whose line may hold a secret


def is_order(speech: Speech, line: str) -> bool:
    """Whether it is for us. In a message nothing is; base64 may begin with a slash, but not with a dot."""
    if speech.wants_text:
        return False
    return line.lstrip().startswith("." if speech.wants_response else (".", "/"))


def needs_secret(speech: Speech, line: str) -> bool:
    """Whether it lacks the password that it is there for: PASS alone, or POP2's HELO with a name alone."""
    if speech.wants_text or speech.wants_response:
        return False
    command = speech.parse(line)
    if command.verb not in speech.secrets_of or command.verb not in speech.verbs:
        return False
    if isinstance(speech, Pop2Speech):
        return bool(command.argument) and " " not in command.argument
    return command.verb in _ASKED and not command.argument


def typed_secret(speech: Speech, line: str, *, is_complete: bool = True) -> int | None:
    """Where in a line as it is typed the secret begins, be it for us or for the server; None: it has none."""
    if not is_order(speech, line):
        return secret_start(speech, line, is_complete=is_complete)
    word, space, rest = line.lstrip().partition(" ")
    if not space or word[1:].lower() not in _CARRIERS:
        return None
    start = len(line) - len(rest)
    if word[1:].lower() == "respond":
        return start
    inner = secret_start(speech, rest, is_complete=is_complete)
    return None if inner is None else start + inner
