"""What a SASL challenge says, for a person who looks at base64.

RFC 5802 s5.1 (SCRAM's attributes), RFC 2195 s2 (CRAM-MD5), RFC 7628 s3.2.2 (OAUTHBEARER's errors).

Must not know: how it is answered.
"""

import base64
import binascii
import json
import re

_ATTRIBUTES = {
    "a": "acts as",
    "c": "channel binding",
    "e": "error",
    "i": "iterations",
    "m": "extension that must be known",
    "n": "name",
    "p": "proof",
    "r": "nonce",
    "s": "salt",
    "v": "server's signature",
}
_SCRAM = re.compile(r"[a-z]=[^,]*(,[a-zA-Z]=[^,]*)*")


def explain(mechanism: str, challenge: bytes) -> list[str]:
    """Lines that say what a challenge is."""
    text = challenge.strip()
    if not text:
        return ["an empty challenge: the server waits for the first response"]
    try:
        octets = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return ["this is not base64"]
    try:
        words = octets.decode("utf-8")
    except UnicodeDecodeError:
        return [f"octets: {octets.hex(' ')}"]
    if mechanism.startswith("SCRAM-") and _SCRAM.fullmatch(words):
        return [f"{_ATTRIBUTES.get(pair[0], pair[0])} ({pair[0]}): {pair[2:]}" for pair in words.split(",")]
    return _json(words) or [f"decoded: {words}"]


def _json(words: str) -> list[str]:
    """RFC 7628 s3.2.2, and what XOAUTH2 does alike."""
    try:
        found = json.loads(words)
    except (ValueError, RecursionError):
        return []
    return [f"{key}: {value}" for key, value in found.items()] if isinstance(found, dict) else []
