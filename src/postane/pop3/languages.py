"""The languages of a POP3 server, and which of them a client means.

RFC 6856 s3 (LANG), RFC 4647 s2.1 and s3.4 (language ranges, lookup).

Must not know: where the words are kept.
"""

from dataclasses import dataclass

from postane.wire.phrases import Tongue

ENGLISH = Tongue("en", "English")
DEFAULT_TAG = "i-default"
"""English for people of any language (RFC 2277 s4.5): what is spoken before somebody chooses."""


@dataclass(frozen=True, slots=True)
class Languages:
    """What can be spoken; `preferred` is what the administrator likes best."""

    tongues: tuple[Tongue, ...] = (ENGLISH,)
    preferred: Tongue = ENGLISH

    def __bool__(self) -> bool:
        """Whether there is a choice."""
        return len(self.tongues) > 1

    def find(self, wanted: str) -> Tongue | None:
        """The language that a range means; "*" leaves the choice to the administrator (RFC 6856 s3.2).

        RFC 4647 s3.4: a range is made shorter from its end until there is something of that name.
        """
        if wanted == "*":
            return self.preferred
        subtags = wanted.lower().split("-")
        if subtags == DEFAULT_TAG.split("-"):
            return ENGLISH
        while subtags:
            tag = "-".join(subtags)
            for tongue in self.tongues:
                if tongue.tag.lower() == tag:
                    return tongue
            subtags.pop()
            if subtags and len(subtags[-1]) == 1:
                subtags.pop()
        return None

    def listing(self) -> bytes:
        """The lines of LANG without an argument: a tag, and the language's name in itself."""
        return "".join(f"{each.tag} {each.name}\r\n" for each in self.tongues).encode()
