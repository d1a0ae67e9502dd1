"""Make the pictures of docs/gallery.md again, by the commands that the page shows.

Usage: python scripts/gallery.py [FOLDER]; the default is docs/gallery.
"""

import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "gallery.md"


def main() -> None:
    """Run every command of the page in a temporary folder, and take the pictures that the page shows."""
    into = Path(sys.argv[1]) if len(sys.argv) > 1 else PAGE.parent / "gallery"
    into.mkdir(parents=True, exist_ok=True)
    text = PAGE.read_text(encoding="utf-8")
    snippets = re.findall(r"^```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    pictures = [Path(name).name for name in re.findall(r"\]\((gallery/[^)]*)\)", text)]
    with tempfile.TemporaryDirectory() as folder:
        for line in "".join(snippets).splitlines():
            print(line, flush=True)
            program, *arguments = shlex.split(line)
            assert program == "gridflow", line
            subprocess.run([sys.executable, "-m", "gridflow.cli.main", *arguments], cwd=folder, check=True)
        for name in pictures:
            with Image.open(Path(folder) / name) as picture:
                picture.convert("RGB").quantize(256).save(into / name, optimize=True)  # a third of the bytes


if __name__ == "__main__":
    main()
