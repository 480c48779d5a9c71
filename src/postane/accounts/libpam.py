"""PAM by its C library: ask for a password's and an account's validity, and nothing else.

pam(3), Linux-PAM. A binding of our own, because those that there are leave out what a server needs: they let empty
passwords through where a service does (PAM_DISALLOW_NULL_AUTHTOK), take the terminal of whoever started the server, and
sleep after a failure. Every question is a transaction of its own, so that threads do not meet; the library's calls let
other threads run.

Must not know: accounts, the event loop. Questions block, for as long as the modules of the service like.
"""

import ctypes
import ctypes.util
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import CFUNCTYPE, POINTER, Structure, byref, c_char_p, c_int, c_size_t, c_uint, c_void_p
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

_SUCCESS, _CONVERSATION_ERROR = 0, 19
_UNAVAILABLE = frozenset({1, 2, 3, 4, 5, 9, 15, 25, 26, 28})
"""PAM_OPEN_ERR, SYMBOL_ERR, SERVICE_ERR, SYSTEM_ERR, BUF_ERR, AUTHINFO_UNAVAIL, CRED_UNAVAIL, IGNORE, ABORT,
MODULE_UNKNOWN: nothing is said about the user."""

_PROMPT_HIDDEN, _PROMPT_SHOWN = 1, 2
_TERMINAL, _FAIL_DELAY = 3, 10
_FLAGS = 0x8000 | 0x0001
"""PAM_SILENT, PAM_DISALLOW_NULL_AUTHTOK"""


class LibraryMissing(Exception):
    """This machine has no Linux-PAM, or one that is too old for what is asked of it."""


class Word(Enum):
    """What PAM says."""

    YES = "yes"
    NO = "no"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Answer:
    """What PAM says, and in its own words."""

    word: Word
    text: str


class _Message(Structure):
    _fields_ = (("style", c_int), ("text", c_char_p))


class _Response(Structure):
    _fields_ = (("text", c_void_p), ("code", c_int))


_Converse = CFUNCTYPE(c_int, c_int, POINTER(POINTER(_Message)), POINTER(POINTER(_Response)), c_void_p)
_Delay = CFUNCTYPE(None, c_int, c_uint, c_void_p)


class _Conversation(Structure):
    _fields_ = (("converse", _Converse), ("data", c_void_p))


def _no_delay(code: int, microseconds: int, data: int | None) -> None:
    """The server has its own wait after a failure, which holds no thread."""
    del code, microseconds, data


class Pam:
    """A service of PAM's, described in /etc/pam.d, or in `folder` if one is given. Raises LibraryMissing.

    Questions raise OSError where the service cannot be asked at all.
    """

    def __init__(self, service: str, folder: Path | None = None) -> None:
        self._service = service.encode()
        self._folder = None if folder is None else str(folder).encode()
        self._libc = ctypes.CDLL(None)
        self._libc.calloc.restype, self._libc.calloc.argtypes = c_void_p, (c_size_t, c_size_t)
        self._libc.strdup.restype, self._libc.strdup.argtypes = c_void_p, (c_char_p,)
        self._no_delay = _Delay(_no_delay)  # kept, for C does not keep it
        self._library = _load(needs_folder=folder is not None)

    def check_password(self, user: str, password: bytes) -> Answer:
        """Whether this is the user's password, and the user may come in now. Neither may have a NUL in it."""
        with self._transaction(user, password) as handle:
            code = self._library.pam_authenticate(handle, _FLAGS)
            if code == _SUCCESS:
                code = self._library.pam_acct_mgmt(handle, _FLAGS)
            return self._answer(handle, code)

    def check_account(self, user: str) -> Answer:
        """Whether the user, who has been proven elsewhere, may come in now."""
        with self._transaction(user, None) as handle:
            return self._answer(handle, self._library.pam_acct_mgmt(handle, _FLAGS))

    @contextmanager
    def _transaction(self, user: str, password: bytes | None) -> Iterator[c_void_p]:
        conversation = _Conversation(_Converse(self._converse_with(password)), None)  # lives as long as the handle
        handle = c_void_p()
        if self._folder is None:
            code = self._library.pam_start(self._service, user.encode(), byref(conversation), byref(handle))
        else:
            code = self._library.pam_start_confdir(
                self._service, user.encode(), byref(conversation), self._folder, byref(handle)
            )
        if code != _SUCCESS:
            raise OSError(f"PAM cannot start the service {self._service.decode()}: is there a file for it?")
        try:
            self._library.pam_set_item(handle, _FAIL_DELAY, ctypes.cast(self._no_delay, c_void_p))
            self._library.pam_set_item(handle, _TERMINAL, self._service)  # some modules ask for one
            yield handle
        finally:
            self._library.pam_end(handle, code)

    def _converse_with(self, password: bytes | None) -> Any:
        """What answers the modules: the password to every hidden prompt, and no word to anything else."""

        def converse(count: int, messages: Any, responses: Any, data: int | None) -> int:
            del data
            styles = [messages[number].contents.style for number in range(count)]
            if _PROMPT_SHOWN in styles or (password is None and _PROMPT_HIDDEN in styles):
                return _CONVERSATION_ERROR
            made = self._libc.calloc(count, ctypes.sizeof(_Response))  # the library frees it
            if not made:
                return _CONVERSATION_ERROR
            responses[0] = ctypes.cast(made, POINTER(_Response))
            for number, style in enumerate(styles):
                if style == _PROMPT_HIDDEN:
                    responses[0][number].text = self._libc.strdup(password)
            return _SUCCESS

        return converse

    def _answer(self, handle: c_void_p, code: int) -> Answer:
        text = self._library.pam_strerror(handle, code).decode("utf-8", "replace")
        word = Word.YES if code == _SUCCESS else Word.UNAVAILABLE if code in _UNAVAILABLE else Word.NO
        return Answer(word, text)


def _load(*, needs_folder: bool) -> Any:
    name = ctypes.util.find_library("pam")
    if name is None:
        raise LibraryMissing("this machine has no libpam: install Linux-PAM, or take another kind of [[accounts]]")
    try:
        library = ctypes.CDLL(name)
        functions = {each: getattr(library, each) for each in _SIGNATURES if needs_folder or "confdir" not in each}
    except (OSError, AttributeError) as error:
        raise LibraryMissing(f"{name} cannot be used: {error}") from error
    for each, function in functions.items():
        function.argtypes = _SIGNATURES[each]
        function.restype = c_char_p if each == "pam_strerror" else c_int
    return library


_SIGNATURES: dict[str, tuple[Any, ...]] = {
    "pam_start": (c_char_p, c_char_p, POINTER(_Conversation), POINTER(c_void_p)),
    "pam_start_confdir": (c_char_p, c_char_p, POINTER(_Conversation), c_char_p, POINTER(c_void_p)),
    "pam_set_item": (c_void_p, c_int, c_void_p),
    "pam_authenticate": (c_void_p, c_int),
    "pam_acct_mgmt": (c_void_p, c_int),
    "pam_strerror": (c_void_p, c_int),
    "pam_end": (c_void_p, c_int),
}
