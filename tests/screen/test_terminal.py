"""What people read: nothing that a terminal obeys; a lost terminal and Ctrl-C."""

import io
import json
import logging
import os
import signal
import subprocess
import sys
import time

import pytest

from muli.screen import terminal
from muli.screen.cli import app
from muli.screen.running import signals
from muli.screen.running.progress import Progress
from muli.screen.terminal import visible
from muli.screen.views.formats import harmless, write_csv, write_json

ACTING = ["\x1b[2J", "\x9b2J", "\r", "\b", "\x07", "\x00", "\x7f", "\u202e", "\u2066", "\u200f"]
ACTING += ["\u2028", "\ufeff", "\udc80", "\ue000", "\U000e0041", "\u200b", "\t", "\xad", "\x85"]


class Full(io.StringIO):
    """A terminal that is gone."""

    def write(self, _text):
        raise OSError(5, "Input/output error")

    def isatty(self):
        return True


class Screen(io.StringIO):
    """A terminal that is there."""

    def isatty(self):
        return True


@pytest.mark.parametrize("text", ACTING)
def test_no_character_acts(text, monkeypatch):
    shown = visible(f"a{text}b\nc")
    assert shown.startswith("a\\x")
    assert shown.endswith("b\nc")
    stream = Screen()
    write_json({f"x{text}": [text]}, stream)
    assert text not in stream.getvalue()
    assert json.loads(stream.getvalue()) == {f"x{text}": [text]}


def test_letters_of_all_languages_stay():
    text = "Li₆PS₅Cl σₑ 固体電解質 Ω·cm² — ✓ 𝜎"
    assert visible(text) == text


def test_a_csv_acts_on_no_terminal_and_is_exact_elsewhere():
    import pandas as pd

    frame = pd.DataFrame({"name": ["a\x1b[2Jb"]})
    for stream, found in ((Screen(), "a\\x1b[2Jb"), (io.StringIO(), "a\x1b[2Jb")):
        write_csv(frame, stream)
        assert stream.getvalue() == f"name\n{found}\n"


def test_messages_go_through_a_logger_that_a_program_may_quieten(capsys):
    logger = logging.getLogger("muli")
    before = logger.level
    terminal.tell("a note\x1b[2J")
    try:
        logger.setLevel(logging.WARNING)
        terminal.tell("another note")
        terminal.tell("warning: a part is left out")
    finally:
        logger.setLevel(before)
    assert capsys.readouterr().err == "a note\\x1b[2J\nwarning: a part is left out\n"


@pytest.mark.parametrize(
    "text", ["=1", "  =1", "\u3000＝cmd()", "\xa0+1", "@x", "－x", "\tx", " \t=x", "\ufeff=1"]
)
def test_no_cell_is_a_formula(text):
    assert harmless(text) == "'" + text
    assert harmless("Li=x") == "Li=x"


def command(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["muli", *map(str, arguments)])
    signals._asked.clear()
    with pytest.raises(SystemExit) as ended:
        app.main()
    return ended.value.code


REST = 'electrolyte = "*"\ncathode = "*"\n'
WHOLE = f'[axes]\ncoating = "*"\n{REST}'
HOSTILE = {
    "a key": '[axes]\n"\\u001b[2J" = 1\n',
    "a key of two lines": '[axes]\n"a\\nmuli: all is well" = 1\n',
    "a section": '["\\u001b[2J"]\nx = 1\n',
    "a material": f'[axes]\ncoating = ["\\u009b31mLi"]\n{REST}',
    "a table": f'[axes]\ncoating = {{ table = "\\u202e" }}\n{REST}',
    "a file": f'[axes]\ncoating = {{ file = "\\u001b]0;x" }}\n{REST}',
    "a condition": f'[axes]\ncoating = {{ where = "x\\u001b[1m" }}\n{REST}',
    "a value": f'{WHOLE}[screen]\nlaw = "\\u001b"\n',
    "a gate": f'{WHOLE}[filters]\n"\\u001b[2J" = "5"\n',
}


@pytest.mark.parametrize("case", HOSTILE)
def test_errors_act_on_no_terminal(case, tmp_path, monkeypatch, capsys):
    spec = tmp_path / "spec.toml"
    spec.write_text(HOSTILE[case])
    assert command(monkeypatch, "run", spec, "--dry-run") == 2
    said = "".join(capsys.readouterr())
    assert said == visible(said)
    assert said.startswith("muli: ")
    assert "\nmuli: " not in said


def test_what_a_run_says_at_its_end_may_be_lost(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Full())
    monkeypatch.setattr(sys, "stderr", Full())
    with terminal.loss_allowed():
        terminal.say("done")
    terminal.tell("nobody reads this")


def test_progress_outlives_its_terminal(tmp_path, monkeypatch):
    class Store:
        def write_json(self, name, content):
            self.content = content

    monkeypatch.setattr(sys, "stderr", Screen())
    store = Store()
    progress = Progress(store, 10, 0)
    progress.outcome(failed=0, feasible=1, leaders={"[bold]\x1b[2J": 1})
    progress.tick()
    monkeypatch.setattr(sys, "stderr", Full())
    progress._live.console.file = Full()
    progress.advance(10)
    progress.tick()
    progress.end("done")
    assert store.content["stacks_done"] == 10


@pytest.mark.parametrize("stream", [Screen(), Full(), io.StringIO()])
def test_work_is_shown_and_outlives_its_terminal(stream, monkeypatch):
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(terminal, "LINE_EVERY_S", 0.0)
    with terminal.working("solving [bold]"), terminal.counting() as count:
        count("compounds", 1, 20)
        count("compounds", 20, 20)
    if isinstance(stream, Screen):
        assert "compounds" in stream.getvalue()
    elif not isinstance(stream, Full):
        assert stream.getvalue().splitlines()[-1] == "compounds: 20 of 20"


def test_a_closed_terminal_is_the_first_signal():
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup, too, may have started the tests
    try:
        with signals.stop_on_signal() as stop:
            assert not stop.is_set()
            signal.raise_signal(signal.SIGHUP)
            assert stop.is_set()
    finally:
        signal.signal(signal.SIGHUP, before)


def test_lost_data_is_an_error(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", Full())
    assert command(monkeypatch, "candidates", "cells", "--json") == 2
    assert "stdout cannot be written" in capsys.readouterr().err


def test_a_package_that_cannot_be_loaded_leads_to_the_doctor(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "muli.screen.ranking.rank", None)
    assert command(monkeypatch, "rank", "somewhere") == 2
    said = capsys.readouterr().err
    assert "muli.screen.ranking.rank" in said
    assert "`muli doctor`" in said
    assert len(said.splitlines()) == 1


ENDED = (signals.EXIT_INTERRUPTED, -signal.SIGINT, 1)
"""130; the other two are Python's own while it starts, before the first line of muli."""


def interrupted(seconds, folder):
    """Exit code of a run that gets Ctrl-C after so long."""
    arguments = [sys.executable, "-m", "muli", "run", "--out", str(folder)]
    # Tests that a shell started in the background ignore Ctrl-C, and what they start would too.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    signal.signal(signal.SIGINT, before)
    time.sleep(seconds)
    os.kill(process.pid, signal.SIGINT)
    try:
        return process.wait(timeout=120)
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("seconds", [0.3])
def test_ctrl_c_at_the_start_ends_a_run(tmp_path, seconds):
    assert interrupted(seconds, tmp_path / "out") in ENDED


@pytest.mark.full
@pytest.mark.parametrize("step", range(24))
def test_ctrl_c_in_the_first_seconds_ends_a_run(tmp_path, step):
    assert interrupted(0.05 + 0.125 * step, tmp_path / "out") in ENDED


def test_a_signal_that_an_import_swallowed_is_remembered(monkeypatch):
    before = signal.getsignal(signal.SIGINT)
    signals.watch()
    try:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        with signals.stop_on_signal() as stop:
            assert stop.is_set()
    finally:
        signals._asked.clear()
        signal.signal(signal.SIGINT, before)


def test_ctrl_c_during_an_import_ends_the_command_at_once(tmp_path):
    (tmp_path / "optional.py").write_text("import signal\nsignal.raise_signal(signal.SIGINT)\n")
    (tmp_path / "command.py").write_text(
        "from muli.screen.running import signals\n"
        "signals.watch()\n"
        "try:\n    import optional\nexcept BaseException:\n    pass\n"
        "print('went on')\n"
    )
    ended = subprocess.run(
        [sys.executable, tmp_path / "command.py"], capture_output=True, text=True
    )
    assert (ended.returncode, ended.stdout) == (signals.EXIT_INTERRUPTED, "")
