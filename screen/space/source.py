"""The spec of a screen, and the materials that it selects."""

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from muli.screen.errors import SpecError
from muli.screen.space.materials import Materials, misnamed, resolve
from muli.screen.spec import Source, load, parse, read

SpecLike = str | Path | Mapping[str, Any] | Source | None


def source_of(spec: SpecLike) -> Source:
    """Read a spec from a path, a dictionary (paths relative to the working folder) or None.

    None stands for the built-in screen. Raises `SpecError`.
    """
    if spec is None:
        built_in = resources.files("muli.screen.spec") / "builtin.toml"
        with resources.as_file(built_in) as path:
            return load(path)
    if isinstance(spec, Source):
        return spec
    if isinstance(spec, Mapping):
        return Source(parse(dict(spec)), "spec", Path.cwd())
    path = Path(spec)
    table = read(path)
    try:
        return Source(parse(table, str(path)), str(path), path.parent)
    except SpecError as error:
        named, more = misnamed(table)
        problems = [*error.problems, *named]
        raise SpecError(error.source, problems, error.more + more) from None


def refuse_other_parts(source: Source) -> None:
    """Refuse keys for which no table has the data."""
    problems = []
    if source.spec.axes.stack_pressure_MPa is not None:
        problems.append(
            "axes.stack_pressure_MPa: no table of materials holds the moduli and roughnesses it "
            "would act on; give the contacts' resistances as interface.*_asr_ohm_cm2"
        )
    if problems:
        raise SpecError(source.name, problems)


def chosen_materials(source: Source) -> Materials:
    """Materials on the axes."""
    return resolve(source)
