"""From a text to a checked configuration; what is wrong is told with file, line, key and what would be right.

Must not know: which configuration it is.
"""

import re
import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from .problems import Problem, refusal

ModelT = TypeVar("ModelT", bound=BaseModel)


def read_text(path: Path) -> str:
    """A configuration file's text. Raises ConfigError."""
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise refusal([Problem(str(path), f"cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        raise refusal([Problem(str(path), "is not UTF-8 text")]) from error


def parse_text(text: str, name: str, model: type[ModelT]) -> ModelT:
    """The configuration that a text says; `name` is the file's, for complaints. Raises ConfigError, nothing else."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise refusal([_explain_syntax(name, str(error))]) from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, brackets without end
        raise refusal([Problem(name, f"cannot be read: {error}")]) from error
    try:
        return model.model_validate(values)
    except ValidationError as error:
        from .explanation import Explanation

        problems = Explanation(name, text, values, model).of(error)
        raise refusal(sorted(problems, key=lambda problem: problem.line or 0)) from error


def check_values(values: dict[str, Any], name: str, model: type[ModelT]) -> ModelT:
    """The same of values that stand in no file; `name` is what they are. Raises ConfigError, nothing else."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        from .explanation import Explanation

        raise refusal(list(Explanation(name, None, values, model).of(error))) from error


def _explain_syntax(name: str, words: str) -> Problem:
    """The parser tells the line at the end of its words; a compiler's way to tell it is before them."""
    place = re.search(r" \(at line (\d+), column \d+\)$", words)
    return Problem(name, words[: place.start()], int(place[1])) if place else Problem(name, words)
