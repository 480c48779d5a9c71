"""The configuration as a target of fuzzing: any text is one, or ConfigError tells what is wrong with it."""

from drive import read_case
from postane.config.advice import advice
from postane.config.file import ConfigError, parse_config
from postane.config.model import Config
from postane.config.named import trouble_with_files


def fuzz_config(data: bytes) -> None:
    """Problems are told each in one line, by a line of the file that there is; a configuration can be used."""
    text = read_case(data).octets.decode("utf-8", "replace")
    try:
        config = parse_config(text, "postane.toml")
    except ConfigError as error:
        _check_told(error, text.count("\n") + 1)
        return
    assert Config.model_validate(dict(config)) == config
    list(advice(config, is_root=False))
    trouble_with_files(config)


def _check_told(error: ConfigError, lines: int) -> None:
    assert error.problems
    assert str(error).splitlines() == [str(problem) for problem in error.problems]
    assert all(1 <= (problem.line or 1) <= lines for problem in error.problems)
