"""What all pictures share: file formats, fonts, colours, and how they are written.

The colours are those of M. Okabe & K. Ito (2008), which colour-blind people can distinguish. Colour
is never the only difference, so pictures are readable in grey. Text is drawn as outlines, or its
font is embedded.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from muli.candidates.files import replacing
from muli.screen.errors import UsageError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from matplotlib.figure import Figure

BLUE, GREEN, ORANGE, RED = "#0072B2", "#009E73", "#E69F00", "#D55E00"
PALE, GREY = "#cfe3f2", "#7f7f7f"
FORMATS = (".svg", ".png", ".pdf")
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "path",
    "svg.hashsalt": "muli",
    "pdf.fonttype": 42,
    "font.size": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def check_format(out: Path) -> None:
    """Raises `UsageError` unless the name of the file has the ending of a picture."""
    if out.suffix.lower() not in FORMATS:
        raise UsageError(f"{out}: a picture is {', '.join(FORMATS)}")


def style() -> "AbstractContextManager[None]":
    """The settings for drawing and saving a picture."""
    import matplotlib as mpl

    return mpl.rc_context(_STYLE)


def literal(text: object) -> str:
    """A name from a file of the user, escaped so that no part is read as a formula."""
    return str(text).replace("$", r"\$")


def save(figure: "Figure", out: Path) -> None:
    """Write a figure; the same figure gives the same bytes. Raises `UsageError`."""
    stamp = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(out.suffix.lower(), {})
    try:
        with replacing(out) as stream:
            figure.savefig(stream, format=out.suffix[1:].lower(), dpi=200, metadata=stamp)
    except OSError as error:
        raise UsageError(f"{out}: cannot be written: {error.strerror}") from None
