"""A file is written whole, or is what it was before."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from muli.candidates.files import replacing, write_atomically


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "page.html"
    write_atomically(path, b"old")

    def fail():
        with replacing(path) as stream:
            stream.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [
        ("page.html", b"old")
    ]


def test_writers_side_by_side_do_not_share_a_temporary_file(tmp_path):
    path = tmp_path / "table.csv"
    contents = [bytes([65 + i]) * 200_000 for i in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda content: write_atomically(path, content), contents))
    assert path.read_bytes() in contents
    assert os.listdir(tmp_path) == ["table.csv"]


def test_a_link_is_followed_and_stays(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    write_atomically(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_what_is_no_regular_file_is_written_to():
    code = "from pathlib import Path; from candidates.files import write_atomically as w; "
    command = [sys.executable, "-c", code + "w(Path('/dev/stdout'), b'all of it')"]
    assert subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout == b"all of it"
