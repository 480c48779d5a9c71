"""The PEM files that fetch.toml names for TLS: one that cannot be used is an error of the file, and no server's.

Must not know: whose files they are.
"""

import asyncio

from postane.fetch.errors import FetchError, Trouble
from postane.net.base import Target, TlsPolicy, Untrusted
from postane.net.client_tls import client_context
from postane.sinks.base import Fault, SinkError


def trouble_with_files(policy: TlsPolicy) -> FetchError | None:
    """What is wrong with them, by the key that names them; None: nothing. Reads them."""
    asked = []
    if policy.authority is not None and policy.pin is None:  # a pin takes its place
        asked.append(("tls_ca", TlsPolicy(authority=policy.authority)))
    if policy.certificate is not None:
        shown = TlsPolicy(certificate=policy.certificate, key=policy.key, is_checked=False)
        asked.append(("client_certificate", shown))
    for key, each in asked:
        try:
            client_context(each)
        except Untrusted as error:
            return FetchError(f"{key}: {error.text}", Trouble.CONFIGURATION)
    return None


async def check_files(policy: TlsPolicy) -> None:
    """Before anybody is connected to. Raises FetchError."""
    if (trouble := await asyncio.to_thread(trouble_with_files, policy)) is not None:
        raise trouble


async def check_sink_files(target: Target) -> None:
    """The same before a server that mail goes to. Raises SinkError."""
    try:
        await check_files(target.tls)
    except FetchError as error:
        raise SinkError(f"{target}: {error.text}", may_pass=False, fault=Fault.SETTING) from error
