"""Compiles modules of Postane by mypyc, from sources that `natives` has prepared, and leaves the sources as they are.

Usage: build.py SOURCES INTO PATTERN ...   (SOURCES holds the folder postane; patterns are relative to that)

INTO gets the extension modules in their folders, and the library that holds what they share. All of them are compiled
as one, so that a call from one to another is a call of C.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mypyc.build import mypycify
from natives import natives
from setuptools import Distribution
from setuptools.command.build_ext import build_ext

GROUP = "postane"
"""The name of what they share begins with it."""

OPTIONS = """\
[mypy]
mypy_path = .
plugins = pydantic.mypy
follow_imports = silent
ignore_missing_imports = True
"""
"""Types are checked by `make check`; what is of somebody else and not installed here is any object here."""


def main(arguments: Sequence[str]) -> None:
    """Compile; ends with an exit code and the compiler's words where it fails."""
    sources, into = Path(arguments[0]).resolve(), Path(arguments[1]).resolve()
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(sources / GROUP, Path(folder, GROUP), ignore=shutil.ignore_patterns("__pycache__"))
        os.chdir(folder)  # mypyc names the files in tracebacks as it is told them
        paths = list(_prepare(Path(), arguments[2:]))
        Path("mypy.ini").write_text(OPTIONS, encoding="utf-8")
        _compile(["--config-file=mypy.ini", *map(str, paths)], into)


def _prepare(root: Path, patterns: Sequence[str]) -> Iterator[Path]:
    for pattern in patterns:
        found = sorted(root.glob(f"{GROUP}/{pattern}"))
        if not found:
            sys.exit(f"no module is called {pattern}")
        for path in found:
            path.write_text(natives(path.read_text(encoding="utf-8"), str(path)), encoding="utf-8")
            yield path


def _compile(words: list[str], into: Path) -> None:
    extensions = mypycify(words, opt_level="2", debug_level="0", multi_file=True, group_name=GROUP)
    for extension in extensions:
        flags = extension.extra_compile_args  # a newer compiler warns of more
        extension.extra_compile_args = [flag for flag in flags if flag != "-Werror"]
    command = _Parallel(Distribution({"name": GROUP, "ext_modules": extensions}))
    command.build_lib, command.build_temp = str(into), "temporary"
    command.ensure_finalized()
    command.run()


class _Parallel(build_ext):
    """Compiles as many files at once as there are processors: nearly all of them are of one extension."""

    def build_extensions(self) -> None:
        compile_some = self.compiler.compile

        def compile_all(files: Sequence[str], *places: object, **options: object) -> list[str]:
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                made = pool.map(lambda file: compile_some([file], *places, **options), files)
                return [each for each in made for each in each]

        self.compiler.compile = compile_all
        super().build_extensions()


if __name__ == "__main__":
    main(sys.argv[1:])
