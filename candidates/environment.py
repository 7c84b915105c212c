"""Commands for messages: how muli was started, and how an extra of it is installed.

A clone has muli in an environment of its own (`.venv`), which need not be active. Messages name
commands that work all the same.
"""

import json
import os
import shlex
import shutil
import sys
from importlib import metadata, util
from pathlib import Path
from urllib.parse import unquote, urlparse


def muli_command() -> str:
    """`muli` where the shell finds this name, else the path or the module that starts it."""
    on_path = shutil.which("muli")
    started = Path(sys.argv[0])
    if started.name != "muli" or not started.exists():
        return "muli" if on_path else f"{_python()} -m muli"
    if on_path and os.path.samefile(on_path, started):
        return "muli"
    return shlex.quote(sys.argv[0])


def install_command(extra: str) -> str:
    """The command that adds an extra of pyproject.toml to this environment, by pip or by uv."""
    clone = _clone()
    what = f"-e {shlex.quote(f'{clone}[{extra}]')}" if clone else f"'muli[{extra}]'"
    if util.find_spec("pip"):
        return f"{_python()} -m pip install {what}"
    return f"uv pip install --python {_python()} {what}"


def _clone() -> str | None:
    """The repository of an editable installation: `.` where it is the current folder."""
    try:
        origin = json.loads(metadata.distribution("muli").read_text("direct_url.json") or "{}")
    except (metadata.PackageNotFoundError, ValueError):
        return None
    if not origin.get("dir_info", {}).get("editable"):
        return None
    return _shortest(Path(unquote(urlparse(origin["url"]).path)))


def _python() -> str:
    """The interpreter as it is typed in the current folder."""
    plain = Path(sys.executable).with_name("python")
    return shlex.quote(_shortest(plain if plain.exists() else Path(sys.executable)))


def _shortest(path: Path) -> str:
    """A path from the current folder where it lies below it."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
