"""The materials on the axes: selections of a spec looked up in the candidates.

A selected name may be any of the library's names or aliases. Rows of a user's table that cannot
be used are left out, counted and reported; the others are used.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from muli import candidates
from muli.candidates.kinds import kind_of_place
from muli.candidates.names import find
from muli.screen.errors import SHOWN, SpecError
from muli.screen.space import curves, layered, own
from muli.screen.spec import Selection, Source
from muli.screen.spec.names import closest

ROLES = ("coating", "electrolyte", "cathode", "anode", "anode_coating")
_TABLES = ("library", "materials-project")


@dataclass(frozen=True)
class Materials:
    """One table per role, rows in the order of the axis; problems: rows that were left out."""

    frames: dict[str, pd.DataFrame]
    problems: list[str] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)


def resolve(source: Source) -> Materials:
    """Look up every selected material; raises `SpecError` naming all that are unknown."""
    axes = source.spec.axes
    chosen = {
        "coating": axes.coating,
        "electrolyte": axes.electrolyte,
        "cathode": axes.cathode,
        "anode": axes.anode or (None if axes.anode_potential_V else Selection((("Li",),))),
        "anode_coating": axes.anode_coating,
    }
    materials = Materials({})
    errors: list[str] = []
    more = 0
    shared = _shared(source, materials, errors)
    if errors:
        raise SpecError(source.name, errors)
    for role, selection in chosen.items():
        if selection is None:
            continue
        frame, wrong, left = _select(source, role, selection, shared, materials)
        errors += [f"axes.{role}: {problem}" for problem in wrong]
        more += left
        materials.frames[role] = frame
    if axes.coating.layers > 1 and not errors:
        layered.touch(materials.frames, axes.coating.layers)
    if not errors:
        errors += [f"axes: {problem}" for problem in own.problems(source.spec, materials.frames)]
    if source.spec.screen.law == "table":
        errors += _take_curves(materials)
    materials.frames.update(
        {k: curves.without_folders(frame) for k, frame in materials.frames.items()}
    )
    if errors:
        raise SpecError(source.name, [*errors, *summarised(materials.problems)], more)
    return materials


def _take_curves(materials: Materials) -> list[str]:
    """Read the curves that layers' materials name; what is wrong with them."""
    wrong: list[str] = []
    roles = [role for role in curves.ROLES if role in materials.frames]
    for role in roles:
        frame, files, problems = curves.with_points(materials.frames[role])
        materials.frames[role] = frame
        materials.files.extend(file for file in files if file not in materials.files)
        wrong += problems
    if not wrong and not any(curves.has_curve(materials.frames[role]).any() for role in roles):
        wrong.append(
            'screen.law = "table": no coating or electrolyte on the axes names a curve in the '
            'column sigma_ele_curve of a table of materials; use "constant" or "branches"'
        )
    return wrong


def misnamed(table: Mapping[str, Any]) -> tuple[list[str], int]:
    """Unknown material names of a spec that is not valid, so that all its errors show at once.

    Gives the first of them, and how many more there are.
    """
    axes = table.get("axes")
    if not isinstance(axes, dict) or "library" in table:
        return [], 0
    wrong: list[str] = []
    more = 0
    for role in ROLES:
        listed = axes[role] if isinstance(axes.get(role), list) else [axes.get(role)]
        names = [name for name in listed if isinstance(name, str) and name != "*"]
        _, problems, left = _by_name(role, names, ())
        wrong += [f"axes.{role}: {problem}" for problem in problems]
        more += left
    return wrong, more


def _shared(source: Source, materials: Materials, errors: list[str]) -> list[Path]:
    """The users' tables that join the library, each checked once."""
    paths = []
    for name in source.spec.library.tables:
        path = _path(source, name)
        if not path.is_file():
            errors.append(f"library.tables: {name}: {_missing(path)}")
            continue
        paths.append(path)
        materials.files.append(path)
    if paths and not errors:
        try:
            materials.problems.extend(_problems(candidates.load(paths, bad="skip")))
        except ValueError as error:
            errors.append(f"library.tables: {error}")
    return paths


def _select(
    source: Source, role: str, selection: Selection, shared: Sequence[Path], materials: Materials
) -> tuple[pd.DataFrame, list[str], int]:
    """Rows of one axis, what is wrong with its selection, and how much more of that there is."""
    if selection.layers > 1 and role == "coating":
        return _layered(role, selection, shared)
    if selection.layers > 1:
        return pd.DataFrame(), ["one layer only; layers of a coating stand in axes.coating"], 0
    if role == "anode_coating" and not selection.names:
        role = "coating"
    if selection.names:
        return _by_name(role, [stack[0] for stack in selection.names], shared)
    if selection.table is not None and selection.table not in _TABLES:
        near = closest(selection.table, _TABLES)
        return pd.DataFrame(), [f"table {selection.table!r}: expected one of {_TABLES}{near}"], 0
    try:
        frame = _queried(source, role, selection, shared, materials)
    except ValueError as error:
        return pd.DataFrame(), str(error).splitlines(), 0
    wrong = [] if len(frame) else [f"no {role} fits {_described(selection)}"]
    return frame, wrong, 0


def _layered(
    role: str, selection: Selection, shared: Sequence[Path]
) -> tuple[pd.DataFrame, list[str], int]:
    """As `_select`, for coatings of several layers."""
    if len({len(stack) for stack in selection.names}) > 1:
        return pd.DataFrame(), ["all coatings of a screen have the same number of layers"], 0
    names = list(dict.fromkeys(name for stack in selection.names for name in stack))
    frame, wrong, left = _by_name(role, names, shared)
    if wrong:
        return frame, wrong, left
    stacks = [[names.index(name) for name in stack] for stack in selection.names]
    return layered.composed(frame, stacks), [], 0


def _queried(
    source: Source, role: str, selection: Selection, shared: Sequence[Path], materials: Materials
) -> pd.DataFrame:
    if selection.file is None:
        table = selection.table or "library"
        return candidates.load(
            shared, table=table, role=role, where=selection.where, bad="skip"
        ).drop_duplicates("name", ignore_index=True)
    path = _path(source, selection.file)
    if not path.is_file():
        raise ValueError(f"{selection.file}: {_missing(path)}")
    frame = candidates.load([path], role=role, where=selection.where, bad="skip")
    materials.files.append(path)
    materials.problems.extend(_problems(frame))
    return frame[frame["table"] == path.name].reset_index(drop=True)


def _by_name(
    role: str, names: Sequence[str], shared: Sequence[Path]
) -> tuple[pd.DataFrame, list[str], int]:
    """Rows of these materials, what is wrong with the first of the others, and how many more are.

    Looking for a similar name takes a millisecond, so it is done for those that are shown.
    """
    only = role if role in ("cathode", "anode") else None
    library = candidates.load(shared, role=only, bad="skip")
    library = library.drop_duplicates("name").set_index("name")
    known = {name: name if name in library.index else find(name) for name in names}
    unknown = [name for name in names if known[name] not in library.index]
    rows = [canonical for name in names if (canonical := known[name]) in library.index]
    wrong = [
        f"unknown material {name[:80]!r}{closest(name, library.index)}" for name in unknown[:SHOWN]
    ]
    repeated = [name for name, count in Counter(rows).items() if count > 1]
    wrong += [f"{name} is named twice, once by another of its names" for name in repeated[:SHOWN]]
    more = len(unknown[SHOWN:]) + len(repeated[SHOWN:])
    return library.loc[rows].reset_index().assign(role=role), wrong, more


def _path(source: Source, name: str) -> Path:
    return Path(name) if Path(name).is_absolute() else source.folder / name


def _missing(path: Path) -> str:
    """Why a table cannot be read, with names that are near."""
    return kind_of_place(path) if path.exists() else f"no such file{_siblings(path)}"


def _siblings(path: Path) -> str:
    if not path.parent.is_dir():
        return f" (there is no folder {path.parent})"
    return closest(path.name, sorted(file.name for file in path.parent.iterdir()))


def _problems(frame: pd.DataFrame) -> list[str]:
    return [str(problem) for problem in frame.attrs.get("problems", [])]


def _described(selection: Selection) -> str:
    parts = {"file": selection.file, "table": selection.table, "where": selection.where}
    return ", ".join(f"{k} {v!r}" for k, v in parts.items() if v is not None) or '"*"'


def summarised(problems: Sequence[str]) -> list[str]:
    """At most twenty problems and the number of those not shown."""
    more = len(problems) - SHOWN
    return [*problems[:SHOWN], *([f"... and {more} more"] if more > 0 else [])]
