"""Whether every module that pyproject.toml lists is imported compiled, and no other is; says so in one line."""

import importlib
import pkgutil
import sys
import tomllib
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import postane

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """0 where it is so."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        wheel = tomllib.load(file)["tool"]["hatch"]["build"]["targets"]["wheel"]
    listed = {f"postane/{path}".removesuffix(".py").replace("/", ".") for path in wheel["hooks"]["custom"]["modules"]}
    compiled = {name for name in _modules() if _is_compiled(name)}
    for name in sorted(listed ^ compiled):
        print(f"{name} is {'not compiled' if name in listed else 'compiled, and not listed'}")
    print(f"{len(compiled)} modules are compiled in {Path(str(postane.__file__)).parent}")
    return int(listed != compiled)


def _modules() -> list[str]:
    return [each.name for each in pkgutil.walk_packages(postane.__path__, "postane.") if "__main__" not in each.name]


def _is_compiled(name: str) -> bool:
    return str(importlib.import_module(name).__file__).endswith(tuple(EXTENSION_SUFFIXES))


if __name__ == "__main__":
    sys.exit(main())
