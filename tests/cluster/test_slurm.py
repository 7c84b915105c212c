"""The file that describes Slurm jobs, the script they get, and real jobs where there is a Slurm."""

import re
import shutil
import subprocess
import threading
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from muli.screen.cli.app import app
from muli.screen.errors import SpecError, WorkerError
from muli.screen.running.run import run
from muli.screen.running.slurm import job_script, load, start
from tests.cluster.conftest import PRELOAD
from tests.cluster.test_faults import SLOW, same_and_once

CPU = """
jobs = 20
cores = 32
memory = "64GB"
walltime = "08:00:00"
interface = "lo"
partition = "cpu"
account = "battery"
setup = ["module load gcc"]
"""
GPU = """
jobs = 4
cores = 8
memory = "32GB"
walltime = "1-00:00:00"
host = "login1"
partition = "gpu"
gpu = true
directives = ["--exclusive"]
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(text):
        path = tmp_path / "cluster.toml"
        path.write_text(text)
        return path

    return write


def test_the_script_of_a_cpu_job(file):
    lines = job_script(load(file(CPU))).splitlines()
    for wanted in (
        "#SBATCH -J muli",
        "#SBATCH -p cpu",
        "#SBATCH -A battery",
        "#SBATCH -n 1",
        "#SBATCH --cpus-per-task=32",
        "#SBATCH -t 08:00:00",
        "module load gcc",
        "export NPROC=32",
        "export DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED=False",
    ):
        assert wanted in lines
    worker = lines[-1] if lines[-1] else lines[-2]
    assert "distributed.cli.dask_worker" in worker
    assert "--nthreads 1 " in worker
    assert "--nanny" in worker
    assert "--interface lo" in worker


def test_the_script_of_a_gpu_job_asks_for_one_gpu(file, tmp_path):
    text = job_script(load(file(GPU)))
    lines = text.splitlines()
    assert "#SBATCH --gres=gpu:1" in lines
    assert "#SBATCH --exclusive" in lines
    assert "#SBATCH -p gpu" in lines
    assert "export XLA_PYTHON_CLIENT_MEM_FRACTION=0.85" in lines
    script = tmp_path / "job.sh"
    script.write_text(text)
    assert subprocess.run(["bash", "-n", str(script)]).returncode == 0


def test_a_dry_run_prints_the_script(file):
    path = file(CPU)
    given = ["run", "--dask", f"slurm:{path}", "--dry-run"]
    told = CliRunner().invoke(app, given, catch_exceptions=False)
    assert told.exit_code == 0
    assert job_script(load(path)) in told.stdout
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('memory = "64GB"', 'memory = "64"'), "memory = '64'"),
        (("cores = 32", "cores = 0"), "cores = 0"),
        (("jobs = 20", "job = 20"), "job: unknown key; closest: jobs"),
        (("jobs = 20", ""), "jobs: missing"),
        (('interface = "lo"', ""), "give interface"),
        (('interface = "lo"', 'interface = "lo"\nhost = "a"'), "one of them"),
        (('"cpu"', '"cpu\\nrm -r x"'), "partition"),
        (("jobs = 20", "jobs = "), "not valid TOML"),
        (('interface = "lo"', 'interface = "lo; touch x"'), "interface = 'lo; touch x': expected"),
        (('interface = "lo"', 'host = "$(id)"'), "host .* becomes part of a script"),
        (('"cpu"', '"cpu gpu"'), "partition = 'cpu gpu': expected letters"),
        (("jobs = 20", 'jobs = 20\nlog_directory = "a b"'), "log_directory = 'a b': expected"),
        (("jobs = 20", 'jobs = 20\nlog_directory = "`x`"'), "log_directory"),
    ],
)
def test_what_is_wrong_is_named(file, change, words):
    with pytest.raises(SpecError, match=words):
        load(file(CPU.replace(*change)))


@pytest.mark.parametrize("deep", ["logs", "some/where/logs"])
def test_a_dry_run_leaves_no_folder(file, tmp_path, deep):
    logs = tmp_path / "new" / deep
    path = file(CPU.replace("jobs = 20", f'jobs = 20\nlog_directory = "{logs}"'))
    assert f"{logs}/muli-%J.out" in job_script(load(path))
    assert not (tmp_path / "new").exists()
    impossible = file(CPU.replace("jobs = 20", 'jobs = 20\nlog_directory = "/proc/no/logs"'))
    with pytest.raises(SpecError, match="cannot be made"):
        job_script(load(impossible))


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_a_scheduler_open_to_all_is_warned_of(file, host, capsys):
    load(file(CPU.replace('interface = "lo"', f'host = "{host}"')))
    assert "warning: host" in capsys.readouterr().err


def test_without_slurm_the_cause_is_named(file, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(WorkerError, match="sbatch is not on the PATH"):
        start(load(file(CPU)))
    with pytest.raises(SpecError, match="cannot be read"):
        load(file(CPU).with_name("absent.toml"))


def test_documented_jobs_get_the_documented_scripts(file):
    page = (Path(__file__).parents[2] / "docs/cluster.md").read_text()
    described = re.findall(r"```toml\n(jobs = .*?)```", page, re.S)
    printed = re.findall(r"(#!/usr/bin/env bash\n\n#SBATCH -J muli\n.*?)```", page, re.S)
    assert len(described) == len(printed) == 2
    for text, script in zip(described, printed, strict=True):
        found = job_script(load(file(text)))
        assert re.sub(r"^\S+/python", "python", found, flags=re.M) == script


def slurm_answers():
    found = shutil.which("sinfo")
    return found is not None and subprocess.run([found], capture_output=True).returncode == 0


@pytest.mark.full
@pytest.mark.skipif(not slurm_answers(), reason="no Slurm answers here (sinfo)")
def test_jobs_of_a_real_slurm_and_one_of_them_cancelled(whole, tmp_path):
    preload, out = tmp_path / "slow.py", tmp_path / "out"
    preload.write_text(PRELOAD.format(text=SLOW))
    description = tmp_path / "cluster.toml"
    description.write_text(
        f"""
        jobs = 2
        cores = 1
        memory = "2GB"
        walltime = "00:20:00"
        interface = "lo"
        log_directory = "{tmp_path}"
        setup = ["export DASK_DISTRIBUTED__WORKER__PRELOAD='{preload}'"]
        """
    )

    def cancel_one_when_something_is_done():
        while not list(out.glob("part-*.parquet")):
            time.sleep(0.02)
        running = ["squeue", "--noheader", "--name=muli", "--states=R", "--format=%i"]
        job, *_ = subprocess.run(running, capture_output=True, text=True).stdout.split()
        subprocess.run(["scancel", "--signal=KILL", job], check=True)

    canceller = threading.Thread(target=cancel_one_when_something_is_done)
    canceller.start()
    assert run(whole[0], out, dask=f"slurm:{description}").complete
    canceller.join()
    same_and_once(out, whole)
