# SPDX-License-Identifier: MIT
"""Run the script and the notebook of the folder `examples`."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import plainfilm
from plainfilm.demo.series import RadiographSeries, write_series

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SCRIPT, NOTEBOOK = EXAMPLES / "train_side.py", EXAMPLES / "folder_to_training.ipynb"

PAGE = EXAMPLES.parent / "docs" / "training.md"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gives the runs a home without a key."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))


def test_the_script_learns_the_side_from_the_marker(tmp_path: Path, torch: ModuleType) -> None:  # noqa: ARG001
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(tmp_path / "out")], capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stderr
    match = re.fullmatch(r"accuracy on (\d+) films of other hands: (\d\.\d\d)\n", done.stdout)
    assert match is not None, done.stdout
    assert int(match[1]) > 80
    # of 96 films, guesses are right in more than 70 percent with a probability below 1 in 10,000
    assert float(match[2]) > 0.7


@pytest.mark.usefixtures("torch", "jupyter")
def test_the_notebook_runs_from_a_folder_to_training(tmp_path: Path) -> None:
    import nbclient
    import nbformat

    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    notebook.metadata.kernelspec.name = "python3"
    client = nbclient.NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    printed = "".join(output.text for cell in notebook.cells for output in cell.get("outputs", []) if "text" in output)
    assert "128 converted, 0 failed" in printed
    assert re.search(r"the loss fell from 0\.\d\d to 0\.\d\d", printed)
    assert "('L', 'R')" in printed


@pytest.mark.usefixtures("torch")
def test_the_examples_of_the_page_run_one_after_the_other(tmp_path: Path) -> None:
    rows = ["stem,side"]
    for _ in write_series(RadiographSeries(1, 64, 48), range(1, 13), tmp_path / "films"):
        pass
    for number, path in enumerate(sorted((tmp_path / "films").iterdir())):
        rows.append(f"{path.stem},{('left', 'right')[number % 2]}")
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    labels: dict[str, Any] = {"labels": tmp_path / "labels.csv", "label": "side", "label_key": "stem"}
    split = {"train": 0.7, "test": 0.3}
    plainfilm.convert(
        tmp_path / "films", tmp_path / "pictures", size="64x64", fit="pad", split=split, split_balance="exact", **labels
    )
    examples = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(examples) == 4
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(examples)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "('left', 'right')" in done.stdout
    assert "torch.Size([8, 1, 64, 64]) torch.uint8" in done.stdout


def test_the_notebook_has_no_outputs_and_the_script_is_short() -> None:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in cells if cell["cell_type"] == "code")
    assert len(SCRIPT.read_text(encoding="utf-8").splitlines()) <= 40
