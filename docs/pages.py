"""Pages of the site that do not lie in docs/: README, examples, notebooks, the Python reference.

MkDocs calls `on_files` and `on_page_markdown` while it builds. Notebooks are shown as they are
committed, without outputs; with MULI_DOCS_EXECUTE=1 they are executed first.
"""

import ast
import os
import re
from pathlib import Path
from typing import Any

import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from nbclient import NotebookClient
from nbconvert import MarkdownExporter

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
FROM_ROOT = {
    "index.md": "README.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
    "benchmarks.md": "benchmarks/README.md",
    "CITATION.cff": "CITATION.cff",
}
"""Pages by their place on the site, and the file of the repository that each shows."""
NOTEBOOK_LINK = re.compile(r"\]\(\.\./examples/(\w+)\.ipynb\)")
PACKAGES = ("muli", "muli.kernels", "muli.candidates", "muli.screen")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add README and other files of the repository, the examples, and a page for each package."""
    for place, source in FROM_ROOT.items():
        files.append(File.generated(config, place, content=_text(source)))
    for path in sorted(path for path in EXAMPLES.iterdir() if path.suffix != ".ipynb"):
        files.append(File.generated(config, f"examples/{path.name}", abs_src_path=str(path)))
    for path in sorted(EXAMPLES.glob("*.ipynb")):
        for place, content in _notebook(path).items():
            files.append(File.generated(config, f"notebooks/{place}", content=content))
    for package in PACKAGES:
        place = f"api/{package.rpartition('.')[2]}.md"
        files.append(File.generated(config, place, content=_reference(package)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Links that lead out of docs/ in the repository, as they lie on the site."""
    return (
        NOTEBOOK_LINK.sub(r"](notebooks/\1.md)", markdown)
        .replace("](../examples)", "](examples/first.toml)")
        .replace("](../examples/", "](examples/")
        .replace("](../benchmarks/README.md)", "](benchmarks.md)")
    )


def _text(source: str) -> str:
    """A file of the repository with its links into docs/ as they lie on the site."""
    text = (ROOT / source).read_text(encoding="utf-8")
    return text.replace("](docs/", "](").replace("](../docs/", "](")


def _notebook(path: Path) -> dict[str, str | bytes]:
    """A notebook as a page, and its pictures, by their names."""
    notebook = nbformat.read(path, as_version=4)
    if os.environ.get("MULI_DOCS_EXECUTE"):
        NotebookClient(notebook, resources={"metadata": {"path": str(ROOT)}}).execute()
    text, resources = MarkdownExporter().from_notebook_node(
        notebook, resources={"unique_key": path.stem}
    )
    return {f"{path.stem}.md": text, **resources["outputs"]}


def _reference(package: str) -> str:
    """A page of a package: its docstring, then functions, then classes, each with its docstring."""
    path = ROOT / package.replace(".", "/") / "__init__.py"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    public = next(
        ast.literal_eval(each.value)
        for each in tree.body
        if isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == "__all__"
    )
    names = sorted(public, key=lambda name: (name[0].isupper(), name.lower()))
    first = [f"# {package}\n", f"{ast.get_docstring(tree)}\n"]
    return "\n".join([*first, *(f"::: {package}.{name}\n" for name in names)])
