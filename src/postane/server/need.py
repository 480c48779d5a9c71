"""What a session waits for when it cannot go on at once.

Must not know: how it is waited for.
"""

from enum import Enum


class Need(Enum):
    """What a conversation waits for."""

    CLIENT = "client"  # to say something, or to take the last word
    ANSWER = "answer"  # from the desk
    ROOM = "room"  # in the stream: the client has to take what was written
    TURN = "turn"  # of the other sessions
    HANDSHAKE = "handshake"
    PARTING = "parting"
    NOTHING = "nothing"  # it is over


CLIENT, PARTING, NOTHING = Need.CLIENT, Need.PARTING, Need.NOTHING
"""For what is done with each command: to look them up in their class takes 0.1 us each time."""
