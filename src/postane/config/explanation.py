"""What is wrong with the values of a configuration, where, and what would be right.

Only who has written something wrong needs it: it is imported then.

Must not know: which configuration it is.
"""

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from .lines import line_of, lines_of
from .problems import ConfigError, Misplaced, Place, Problem, key_at, refusal

TABLES = ("accounts", "sni", "account", "deliver", "filters")
"""Keys of which each table is one of several."""

_REMEDIES = {
    "tuple_type": 'write a list: ["...", "..."]',
    "string_type": 'write a text in quotes: "..."',
    "path_type": 'write a path in quotes: "/..."',
    "int_type": "write a whole number",
    "bool_type": "write true or false",
    "bool_parsing": "write true or false",
    "literal_error": "write one of {expected}",
    "greater_than_equal": "write a number of at least {ge}",
    "less_than_equal": "write a number of at most {le}",
    "greater_than": "write more than {gt}",
    "model_type": "write a section: [name], and its keys in the lines under it",
}
"""By pydantic's kind of error: what would be right, in the words of the file and not of Python."""


def refusal_at(name: str, text: str, troubles: Sequence[tuple[Place, str]]) -> ConfigError:
    """The error for what is told of places in a text."""
    lines = lines_of(text)
    problems = [Problem(name, words, line_of(lines, place), key_at(place)) for place, words in troubles]
    return refusal(sorted(problems, key=lambda problem: problem.line or 0))


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is wrong with values that were to be a model; `text` is where they stand, if they do."""

    name: str
    text: str | None
    values: dict[str, Any]
    model: type[BaseModel]

    def of(self, error: ValidationError) -> Iterator[Problem]:
        """A problem for each place that is wrong."""
        lines = {} if self.text is None else lines_of(self.text)
        told: dict[Place, list[Any]] = {}
        for problem in error.errors():
            told.setdefault(self._place_of(problem), []).append(problem)
        for place, problems in told.items():
            line = None if self.text is None else line_of(lines, place)
            yield Problem(self.name, self._words(place, problems), line, key_at(place))

    def _place_of(self, problem: Any) -> Place:
        """Where it is in the text: behind that pydantic tells which of several types it has tried."""
        place: Place = problem["loc"]
        if isinstance(error := problem.get("ctx", {}).get("error"), Misplaced):
            place += error.place
        value: Any = self.values
        for depth, part in enumerate(place):
            if not (isinstance(value, list) if isinstance(part, int) else isinstance(value, dict) and part in value):
                return place if problem["type"] == "missing" else place[:depth]
            value = value[part]
        return place

    def _words(self, place: Place, problems: Sequence[Any]) -> str:
        """What is wrong in one place; several problems are of the types that it could have."""
        problem = problems[0]
        kind = problem["type"]
        if kind == "extra_forbidden":
            if (outer := self._outside(place)) is not None:
                if not outer:
                    return "belongs into no section: write it at the top of the file"
                return f"belongs into {_head(outer)}: write it above {_head(place[:-1])}"
            known = list(self._section_at(place[:-1]).model_fields)
            near = difflib.get_close_matches(str(place[-1]), known, n=1)
            remedy = f'did you mean "{near[0]}"?' if near else "known here: " + ", ".join(sorted(known))
            return f"unknown key; {remedy}"
        if kind == "missing":
            examples = self._section_at(place[:-1]).model_fields[str(place[-1])].examples or ["..."]
            return f'is missing; write for example {place[-1]} = "{examples[0]}"'
        if kind == "value_error":
            return str(problem["msg"]).removeprefix("Value error, ")
        if kind == "tuple_type" and place[-1] in TABLES:
            if isinstance(problem["input"], dict):
                return f"is one table, and there may be several: write [[{key_at(place)}]], with two brackets"
            return f"{self._shown(place, problem)} does not fit; write tables: [[{key_at(place)}]]"
        if kind == "dict_type":
            return f"{self._shown(place, problem)} does not fit; write sections: [{key_at(place)}.NAME]"
        remedies = [
            _REMEDIES.get(each["type"], "{msg}").format(msg=each["msg"], **each.get("ctx", {})) for each in problems
        ]
        return f"{self._shown(place, problem)} does not fit; {', or '.join(dict.fromkeys(remedies))}"

    def _outside(self, place: Place) -> Place | None:
        """The table around this one that has such a key: in TOML, what stands below a table's head is in that table."""
        around = (place[:end] for end in reversed(range(len(place) - 1)))
        return next((each for each in around if place[-1] in self._section_at(each).model_fields), None)

    def _shown(self, place: Place, problem: Any) -> str:
        """What stands there, but for what could be a secret: whatever is told may end up in a log."""
        value = problem["input"]
        if isinstance(value, dict | list):
            return "a table" if isinstance(value, dict) else "a list"
        fields = [self._section_at(place[:end]).model_fields.get(str(part)) for end, part in enumerate(place)]
        return "this" if any(field is not None and not field.repr for field in fields) else repr(value)

    def _section_at(self, place: Place) -> type[BaseModel]:
        """The class of a section, or of one of several tables."""
        model: type[BaseModel] = self.model
        value: Any = self.values
        for part in place:
            value = value[part]
            if isinstance(part, str) and part in model.model_fields:  # or it is the name of a section, [oauth.NAME]
                model = _class_among(model.model_fields[part].annotation) or model
            elif place[0] == "accounts":
                model = _backend(value)
        return model


def _head(place: Place) -> str:
    """What stands above a table."""
    return f"[[{key_at(place)}]]" if isinstance(place[-1], int) else f"[{key_at(place)}]"


def _class_among(annotation: Any) -> type[BaseModel] | None:
    each = (annotation, *get_args(annotation))
    return next((kind for kind in each if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def _backend(table: dict[str, Any]) -> type[BaseModel]:
    from .backends import KINDS  # only for who writes them, and writes them wrongly

    return KINDS.get(str(table.get("kind")), KINDS["local"])
