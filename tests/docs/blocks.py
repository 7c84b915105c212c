"""Fenced blocks of README and docs, and how one is run.

- `sh` blocks run with bash, in order, in a folder that holds `examples/`.
- `python` blocks run as scripts there; an `output` block after one must be what it prints.
- any block under `<!-- file: NAME -->` is written to NAME.
- a block under `<!-- fresh environment: REASON -->` runs where the whole page is followed in a new
  clone, and one under `<!-- own clone: REASON -->` in a clone of its own.
- a block under `<!-- not run: REASON -->` is left out, for that reason.
"""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>file|not run|fresh environment|own clone): (?P<text>[^\n]*?) -->\n+)?"
    r"^```(?P<language>[a-z]*)[^\n]*\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
SHELL = ("sh", "bash", "console", "shell")


@dataclass(frozen=True)
class Block:
    """One fenced block: its language and body, and the mark above it."""

    language: str
    body: str
    mark: str | None
    text: str | None
    line: int

    @property
    def commands(self) -> str:
        """The commands of a shell block, prompts taken off."""
        lines = self.body.splitlines()
        if any(line.startswith("$ ") for line in lines):
            lines = [line[2:] for line in lines if line.startswith("$ ")]
        return "\n".join(lines)

    @property
    def script(self) -> str:
        """What a terminal would be given: commands, a script for Python, or the text of a file."""
        if self.mark == "file":
            return f"cat > {self.text} <<'END'\n{self.body}END"
        if self.language == "python":
            return f"python - <<'END'\n{self.body}END"
        return self.commands if self.language in SHELL else ""


def documents() -> list[Path]:
    """README and every page of docs/."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(path: Path) -> list[Block]:
    """Fenced blocks of a page in order."""
    text = path.read_text(encoding="utf-8")
    return [
        Block(
            found["language"],
            found["body"],
            found["mark"],
            found["text"],
            text.count("\n", 0, found.start()) + 1,
        )
        for found in BLOCK.finditer(text)
    ]
