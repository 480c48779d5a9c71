"""Leave to read another account's maildrop: what holds for it in every account store.

Must not know: where it is kept.
"""

from .base import UnknownName
from .names import BadName, show_name


def check_share(owner: str, reader: str) -> tuple[str, str]:
    """Both canonical names again. Raises BadName where they are one account's, which reads its own anyway."""
    if owner == reader:
        raise BadName(f"{show_name(owner)} reads its own maildrop anyway: name another account")
    return owner, reader


def not_shared(owner: str, reader: str) -> UnknownName:
    """What an administrator is told who ends a leave that was not given."""
    return UnknownName(f"{show_name(reader)} has no leave to read the mail of {show_name(owner)}")
