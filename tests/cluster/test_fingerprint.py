"""A worker of another program is told by a change in any file of any package."""

import shutil
from importlib import resources
from pathlib import Path

import pytest

pytest.importorskip("distributed", reason="needs the extra dask")
from muli.screen.running import work as order

PACKAGES = ("kernels", "screen", "candidates")


@pytest.mark.parametrize("package", PACKAGES)
def test_a_change_in_any_file_changes_the_hash(package, tmp_path):
    with resources.as_file(resources.files(f"muli.{package}")) as source:
        shutil.copytree(source, tmp_path / package)
    (tmp_path / package / "some" / "depth").mkdir(parents=True)
    (tmp_path / package / "some" / "depth" / "law.py").write_text("sigma = 1\n")
    files = sorted((tmp_path / package).rglob("*.py"))
    before = order._hash(tmp_path / package, ".py")
    for file in files:
        content = file.read_bytes()
        file.write_bytes(content + b"# changed\n")
        assert order._hash(tmp_path / package, ".py") != before, file
        file.write_bytes(content)
    assert order._hash(tmp_path / package, ".py") == before


def test_a_file_in_another_folder_is_another_program(tmp_path):
    hashes = []
    for place in ("one/law.py", "other/law.py"):
        folder = tmp_path / Path(place).parent.name
        (folder / place).parent.mkdir(parents=True)
        (folder / place).write_text("sigma = 1\n")
        hashes.append(order._hash(folder, ".py"))
    assert hashes[0] != hashes[1]
