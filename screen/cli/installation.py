"""What is installed, which devices it uses, and what is wrong.

Another folder or file named `muli` on the import path would hide the installed one, and a package
that was unpacked over ours would change it. `muli doctor` checks where muli is imported from,
compares its files with the record of the installation, and loads a name from each package.
"""

import csv
import hashlib
import importlib
import importlib.util
import os
import platform
import shutil
import sys
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import muli

PACKAGES = ("muli", "jax", "jaxlib", "equinox", "numpy", "scipy", "pandas", "pyarrow", "duckdb")
EXTRAS = {"thermo": "pymatgen", "report": "altair", "dask": "distributed"}
NAMES = ("muli",)
REPAIR = "install muli anew: pip install --force-reinstall --no-deps muli"
PUBLIC = {"muli.kernels": "solve", "muli.candidates": "load", "muli.screen": "run"}
"""A name of each package."""


def examine() -> dict[str, Any]:
    """Findings by topic; `problems` lists what must be repaired and how."""
    from muli.screen.views.formats import plain

    devices, trouble = _devices()
    return plain(
        {
            "versions": {"python": platform.python_version(), **_versions(PACKAGES)},
            "extras": {extra: _versions([name])[name] for extra, name in EXTRAS.items()},
            "devices": devices,
            "precision": _precision(),
            "processors": os.cpu_count(),
            "memory_GiB": _memory(),
            "free_disk_GiB": round(shutil.disk_usage(Path.cwd()).free / 2**30, 1),
            "programs": _programs(),
            "packages": {name: str(folder) for name, folder in _origins(NAMES).items()},
            "problems": [*shadows(sys.path), *_own_files(), *unusable(PUBLIC), *trouble],
        }
    )


def report(found: dict[str, Any]) -> str:
    """The findings as lines of text."""
    lines = [f"{name:<12} {version}" for name, version in found["versions"].items()]
    lines += [f"extra {name:<6} {version}" for name, version in found["extras"].items()]
    lines += [f"device       {device}" for device in found["devices"]]
    lines.append(f"precision    {found['precision']}")
    lines.append(f"processors   {found['processors']}")
    memory = found["memory_GiB"]
    lines.append(
        f"memory       {memory['available']} GiB free of {memory['total']} GiB"
        if memory
        else "memory       unknown on this system"
    )
    lines.append(f"disk here    {found['free_disk_GiB']} GiB free")
    programs = found["programs"]
    lines.append(
        f"programs     {programs['count']} compiled, {programs['MiB']} MiB of at most "
        f"{programs['largest_MiB']} MiB in {programs['folder']} (may be deleted; --no-cache)"
    )
    if programs["not_used"]:
        lines.append(f"             not used: {programs['not_used']}")
    lines += [f"{name:<12} from {folder}" for name, folder in found["packages"].items()]
    problems = [f"PROBLEM: {problem}" for problem in found["problems"]]
    return "\n".join([*lines, *(problems or ["no problem found"])])


def _programs() -> dict[str, Any]:
    """The folder of compiled programs: where, how many, how large, and why it is not used."""
    from muli.screen.compiling.store import Store

    store = Store.of_user()
    sizes = [size for _, size, _ in store.files()]
    return {
        "folder": str(store.root),
        "count": len(sizes),
        "MiB": round(sum(sizes) / 2**20, 1),
        "largest_MiB": store.largest_bytes // 2**20,
        "not_used": store.refusal(),
    }


def shadows(path: Sequence[str]) -> list[str]:
    """Foreign packages or modules with our name on an import path, before or after ours."""
    ours = Path(muli.__file__).resolve().parents[1]
    problems = []
    for name in NAMES:
        places = []
        for folder in dict.fromkeys(Path(entry or ".").resolve() for entry in path):
            places += [p for p in (folder / name, folder / f"{name}.py") if _importable(p)]
        foreign = [place for place in places if place.parent != ours]
        if foreign:
            first = "hides ours" if places[0] in foreign else "is hidden by ours"
            problems.append(
                f"{foreign[0]} {first} ({ours / name}): a foreign package named {name}; "
                "install muli into an environment of its own, and do not start it from there"
            )
    return problems


def altered(installed: metadata.Distribution) -> list[str]:
    """Files of a distribution that are missing or differ from its record."""
    changed = []
    # `installed.files` leaves out what is missing from Python 3.12 on: the record itself is read
    for file, recorded, _ in csv.reader((installed.read_text("RECORD") or "").splitlines()):
        if not recorded.startswith("sha256="):
            continue
        try:
            content = Path(str(installed.locate_file(file))).read_bytes()
        except OSError as error:
            changed.append(f"{file} ({error.strerror})")
            continue
        digest = urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
        if digest != recorded.removeprefix("sha256="):
            changed.append(file)
    return changed


def unusable(names: Mapping[str, str]) -> list[str]:
    """Packages from which one of their own names cannot be loaded."""
    problems = []
    for package, name in names.items():
        try:
            getattr(importlib.import_module(package), name)
        except (ImportError, AttributeError) as error:
            problems.append(f"{package}.{name} cannot be loaded ({error}); {REPAIR}")
    return problems


def _own_files() -> list[str]:
    """What is wrong with the installed files of muli."""
    try:
        changed = altered(metadata.distribution("muli"))
    except metadata.PackageNotFoundError:
        return ["muli is not installed here, only its files are; install it with pip"]
    if not changed:
        return []
    shown = ", ".join(changed[:5]) + (", ..." if len(changed) > 5 else "")
    return [f"{len(changed)} files of muli are not as they were installed: {shown}; {REPAIR}"]


def _importable(place: Path) -> bool:
    return (place.suffix == ".py" and place.is_file()) or (place / "__init__.py").is_file()


def _origins(names: Sequence[str]) -> dict[str, Path | str]:
    origins: dict[str, Path | str] = {}
    for name in names:
        spec = importlib.util.find_spec(name)
        origins[name] = Path(spec.origin).parent if spec and spec.origin else "not found"
    return origins


def _versions(names: Sequence[str]) -> dict[str, str]:
    versions = {}
    for name in names:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return versions


def _devices() -> tuple[list[str], list[str]]:
    """Devices that JAX finds, and the error if it finds none."""
    try:
        import jax

        return [f"{device.platform} {device.device_kind}" for device in jax.devices()], []
    except (ImportError, RuntimeError) as error:
        return [], [f"JAX finds no device: {error}"]


def _precision() -> str:
    """Precision of `muli run` and `muli solve`, and the value of the variable JAX_ENABLE_X64."""
    setting = os.environ.get("JAX_ENABLE_X64", "not set")
    return (
        f"float32 (muli run), float64 (--precision float64, muli solve); JAX_ENABLE_X64 {setting}"
    )


def _memory() -> dict[str, float] | None:
    """Total and available memory in GiB, if the system provides them."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    kib = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.endswith("kB")}
    names = {"total": "MemTotal", "available": "MemAvailable"}
    return {key: round(kib[name] / 2**20, 1) for key, name in names.items() if name in kib}
