"""Draw the pictures of docs/gallery.md anew: run its commands and keep what they draw.

The picture of a page needs Chromium; without it the old one stays.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

DOCS = Path(__file__).parent
CHROMIUM = ("--headless", "--no-sandbox", "--hide-scrollbars", "--window-size=1280,900")


def main() -> None:
    """Run the page's commands in an empty folder and copy results/*.png to docs/pictures."""
    page = (DOCS / "gallery.md").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(DOCS.parent / "examples", folder / "examples")
        for commands in re.findall(r"^```sh\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
            subprocess.run(["bash", "-euc", commands], cwd=folder, check=True)
        _photograph(folder / "results" / "first.html", folder / "results" / "page.png")
        for picture in sorted((folder / "results").glob("*.png")):
            shutil.copy(picture, DOCS / "pictures")


def _photograph(page: Path, picture: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        sys.stderr.write("no Chromium: pictures/page.png is the old one\n")
        return
    subprocess.run([browser, *CHROMIUM, f"--screenshot={picture}", page.as_uri()], check=True)


if __name__ == "__main__":
    main()
