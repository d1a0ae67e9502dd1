"""Run the cells of a notebook, and keep what they show.

    python scripts/run_notebook.py                  run docs/tutorial.ipynb and write it back with its outputs

The cells run in a temporary folder, so nothing that they write stays. What depends on the machine is not kept: the
times at which cells ran, and the name of the environment.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

TUTORIAL = Path(__file__).parents[1] / "docs" / "tutorial.ipynb"


def executed(path: Path, folder: Path) -> Any:
    """A copy of a notebook with the outputs of its cells, which run in a folder; an error of a cell is raised."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=600, kernel_name="python3", record_timing=False, resources={"metadata": {"path": str(folder)}}
    )
    client.execute()
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return notebook


def printed(notebook: Any) -> list[str]:
    """What each cell of code prints, in order."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return ["".join(each.text for each in cell.outputs if each.output_type == "stream") for cell in cells]


def main() -> None:
    """Run the notebook and write it back."""
    with tempfile.TemporaryDirectory() as folder:
        done = executed(TUTORIAL, Path(folder))
    nbformat.write(done, TUTORIAL)
    print(f"wrote {TUTORIAL.name}, {TUTORIAL.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    sys.exit(main())
