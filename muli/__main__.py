"""The command `muli`; `python -m muli` is the same.

Nothing is imported before Ctrl-C has its handler: loading the rest takes a second or more.
"""


def main() -> None:
    """Entry point of the command line."""
    from muli.screen.running import signals

    signals.watch()
    from muli.screen.cli import app

    app.main()


if __name__ == "__main__":
    main()
