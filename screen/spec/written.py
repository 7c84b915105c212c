"""A spec as TOML text that `load` reads back."""

import json
from collections.abc import Iterable, Mapping
from typing import Any


def as_toml(spec: Mapping[str, Mapping[str, Any]], comments: Iterable[str] = ()) -> str:
    """Sections of plain values and lists as TOML, after comment lines."""
    lines = [f"# {line}" for comment in comments for line in comment.splitlines()]
    for name, section in spec.items():
        lines += ["", f"[{name}]"] if lines else [f"[{name}]"]
        lines += [f"{_key(key)} = {_value(value)}" for key, value in section.items()]
    return "\n".join(lines) + "\n"


def _key(key: str) -> str:
    return json.dumps(key) if "." in key else key


def _value(value: Any) -> str:
    """Text, a number, a truth value or a list of them: JSON is TOML for these."""
    return json.dumps(value, ensure_ascii=False)
