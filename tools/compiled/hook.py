"""The build hook of the compiled wheel, off unless HATCH_BUILD_HOOK_ENABLE_CUSTOM=1 is in the environment.

The wheel holds extension modules beside the Python files of the same name; where they do not fit (another version of
Python) the files are what is imported. An editable installation stays pure.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompiledHook(BuildHookInterface[Any]):
    """Compiles the modules that pyproject.toml lists for it."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and add what came of it to the wheel."""
        if version == "editable":
            return
        self._folder = tempfile.TemporaryDirectory()
        into = Path(self._folder.name)
        root = Path(self.root)
        program = root / "tools" / "compiled" / "build.py"
        subprocess.run([sys.executable, program, root / "src", into, *self.config["modules"]], check=True)
        for path in sorted(into.rglob("*.*")):
            build_data["force_include"][str(path)] = path.relative_to(into).as_posix()
        build_data["pure_python"] = False
        build_data["infer_tag"] = True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """The wheel is written."""
        if version != "editable":
            self._folder.cleanup()
