"""The words that a POP3 client may be told, in every language.

    languages.py update     bring the catalogues' texts up to date (new ones are empty), and make what is read
    languages.py stale      fail when a text is missing in a language, or what is read is not what was written

The texts are found where they are made: the first argument of whatever makes a reply, a phrase, or an error that is
shown to a client. A text that is put together there (an f-string with words in it) cannot be translated: that fails.
"""

import ast
import io
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po

SOURCE = Path(__file__).resolve().parent.parent / "src" / "postane"
CATALOGUES = SOURCE / "languages"
TAGS = ("de", "es", "fr", "ja", "tr")

LOOKED_AT = (
    *("wire/lines.py", "wire/base64_text.py", "pop3/server.py", "pop3/grammar.py", "mail/snapshot.py", "sasl/*.py"),
    *("maildrop/*.py", "accounts/*.py", "server/pop3*.py", "server/login.py", "server/gate.py", "server/exchange.py"),
    *("server/replies.py", "server/reception.py"),
)
"""Where texts for POP3 clients are made."""

MAKERS = {
    *("ok", "err", "Listing", "Message", "Opening", "phrase", "counted", "Phrase", "Speak", "RemoteProtocolError"),
    *("LoginRefused", "AccountsUnavailable", "AccountError", "DropInUse", "LeaseLost", "StoreFull", "refuse"),
    *("StoreUnavailable", "StoreDamaged", "StoreTooNew", "NotAllRemoved", "MaildropError"),
}
"""What takes a text as its first argument (`counted` two of them, `Speak` its second one)."""

TABLES = {"pop3/states.py": "NOT_NOW", "accounts/local.py": "REFUSED", "accounts/schema.py": "UNAVAILABLE"}
"""Texts that have a name."""

PLACE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Found:
    """A text, and its form for many where something is counted, at a place; `one` is None where it is put together."""

    one: str | None
    many: str
    place: str


def find_all(source: Path = SOURCE) -> list[Found]:
    """Every text of the source."""
    found = [each for pattern in LOOKED_AT for path in sorted(source.glob(pattern)) for each in find(path, source)]
    for name, table in TABLES.items():
        tree = ast.parse((source / name).read_text())
        for node in ast.walk(tree):
            target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
            if isinstance(target, ast.Name) and target.id == table and node.value is not None:
                values = node.value.values if isinstance(node.value, ast.Dict) else [node.value]
                found += [Found(value.value, "", f"{name}:{value.lineno}") for value in values]
    return found


def find(path: Path, source: Path) -> Iterator[Found]:
    """The texts of one file."""
    tree = ast.parse(path.read_text())
    greetings = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "greeting"]
    for node in greetings:  # said before a language can be chosen
        node.body = []
    name = path.relative_to(source).as_posix()
    words = _named_texts(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            maker = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            if maker in MAKERS and node.args:
                yield from _texts(maker, node, words, f"{name}:{node.lineno}")


def _named_texts(tree: ast.AST) -> dict[str, list[ast.expr]]:
    """What is assigned to each name, anywhere in the file."""
    words: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                pairs = [(target, node.value)]
                if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    pairs = list(zip(target.elts, node.value.elts, strict=True))
                for left, right in pairs:
                    if isinstance(left, ast.Name):
                        words.setdefault(left.id, []).append(right)
    return words


def _texts(maker: str, call: ast.Call, words: dict[str, list[ast.expr]], place: str) -> Iterator[Found]:
    if maker == "counted":
        ones, manies = _values(call.args[0], words), _values(call.args[1], words)
        yield from (Found(one, many or "", place) for one, many in zip(ones, manies, strict=True))
        return
    argument = call.args[1] if maker == "Speak" else call.args[0]
    yield from (Found(text, "", place) for text in _values(argument, words))


def _values(node: ast.expr, words: dict[str, list[ast.expr]]) -> Iterator[str | None]:
    """The texts that an expression may be; None for one that is put together of words."""
    match node:
        case ast.Constant(value=str(text)):
            if text:
                yield text
        case ast.IfExp(body=body, orelse=other):
            yield from _values(body, words)
            yield from _values(other, words)
        case ast.JoinedStr(values=parts):
            if any(isinstance(part, ast.Constant) and re.search("[a-z]", part.value) for part in parts):
                yield None
        case ast.Name(id=name):
            for each in words.get(name, []):
                yield from _values(each, words)


def catalogue(tag: str, folder: Path = CATALOGUES) -> Catalog:
    """What the translator wrote."""
    with (folder / f"{tag}.po").open("rb") as file:
        return read_po(file, locale=tag)


def missing(found: list[Found], tag: str, written: Catalog) -> Iterator[str]:
    """What a language lacks; a translation must have the values of its text, and no others."""
    for each in found:
        message = written.get(each.one) if each.one is not None else None
        if each.one is None:
            yield f"{each.place}: a text is put together; write phrase(...)"
            continue
        said = [] if message is None else [message.string] if isinstance(message.string, str) else message.string
        if not said or not all(said) or message.fuzzy or bool(each.many) != message.pluralizable:
            yield f"{tag}.po has no {each.one!r} ({each.place})"
            continue
        wanted = set(PLACE.findall(each.many or each.one))
        # One form may leave the number out: "a message".
        if any(set(PLACE.findall(form)) | {"count"} != wanted | {"count"} for form in said):
            yield f"{tag}.po: the values in {each.one!r} are not those of its translation"


def _words(held: Catalog) -> dict[object, object]:
    """What is said; the rest of a catalogue (dates, the version of Babel) is not ours to compare."""
    return {_one(each.id): each.string if isinstance(each.string, str) else [*each.string] for each in held if each.id}


def compiled(written: Catalog) -> bytes:
    """What is read."""
    octets = io.BytesIO()
    write_mo(octets, written)
    return octets.getvalue()


def stale(folder: Path = CATALOGUES) -> list[str]:
    """Everything that is not as it should be."""
    found, told = find_all(), []
    for tag in TAGS:
        written = catalogue(tag, folder)
        told += missing(found, tag, written)
        known = {each.one for each in found}
        told += [f"{tag}.po: nobody says {each.id!r}" for each in written if each.id and _one(each.id) not in known]
        with (folder / f"{tag}.mo").open("rb") as file:
            is_same = _words(read_mo(file)) == _words(written)
        if not is_same:
            told.append(f"{tag}.mo is not made of {tag}.po: tools/languages.py update")
    return told


def update(folder: Path = CATALOGUES) -> None:
    """Write the catalogues anew, with the texts that are said now, and what is made of them."""
    found = find_all()
    for tag in TAGS:
        old, new = catalogue(tag, folder), Catalog(locale=tag, fuzzy=False)
        new.mime_headers = [header for header in new.mime_headers if header[0] in KEPT_HEADERS]
        for each in sorted(found, key=lambda each: each.one or ""):
            if each.one is not None and new.get(each.one) is None:
                message = old.get(each.one)
                new.add((each.one, each.many) if each.many else each.one, message.string if message else "")
        with (folder / f"{tag}.po").open("wb") as file:
            write_po(file, new, width=120, omit_header=False, no_location=True)
        (folder / f"{tag}.po").write_text(_plain((folder / f"{tag}.po").read_text()))
        (folder / f"{tag}.mo").write_bytes(compiled(catalogue(tag, folder)))


KEPT_HEADERS = ("Language", "Plural-Forms", "MIME-Version", "Content-Type", "Content-Transfer-Encoding")


def _plain(text: str) -> str:
    """A catalogue without the dates and names that a new one is given."""
    dropped = (
        "Project-Id-Version",
        "Report-Msgid",
        "POT-Creation",
        "PO-Revision",
        "Last-Tran",
        "Language-Team",
        "Gener",
    )
    lines = [line for line in text.splitlines() if not line.startswith(tuple(f'"{each}' for each in dropped))]
    return "\n".join(line for line in lines if not line.startswith("#")).strip() + "\n"


def _one(key: str | tuple[str, ...]) -> str:
    return key if isinstance(key, str) else key[0]


def main(arguments: list[str]) -> int:
    """Do what the argument says; 0 when all is well."""
    match arguments:
        case ["update"]:
            update()
        case ["stale"]:
            told = stale()
            print(*told, sep="\n")
            return 1 if told else 0
        case _:
            print(__doc__)
            return 64
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
