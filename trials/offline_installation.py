# SPDX-License-Identifier: MIT
"""Make a folder of wheels, install from it without a network, and convert (docs/offline.md).

    python -m trials.offline_installation [--short]

The source distribution is built first, and everything else comes from it, so that a file that it lacks is a fault. The
folder of wheels is made with the network; the installation and the conversion run in a network namespace without one
(Linux, root). The short form makes the wheel of plainfilm alone, and takes the libraries from this environment.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from trials.fuzz.kernels import compiler
from trials.harness import SkippedError, Trial, run_trial

ROOT = Path(__file__).resolve().parent.parent
EXTRAS = "dask,pacs,parquet,remote,zstd"
SOURCES = ("LICENSE", "MANIFEST.in", "README.md", "lock.txt", "pyproject.toml", "src")
BUILD_SDIST = "import setuptools.build_meta, sys; setuptools.build_meta.build_sdist(sys.argv[1])"
SHOW = "import plainfilm.kernels as kernels; print(kernels.HAS_CORE, kernels.__file__)"


def run(trial: Trial) -> None:
    """Build, install without a network, and convert the films of the demo."""
    wheels = trial.folder / "wheels"
    build(trial, wheels)
    names = sorted(path.name for path in wheels.iterdir())
    size = sum(path.stat().st_size for path in wheels.iterdir())
    trial.report(f"{len(names)} wheels, {size / 1e6:.0f} MB")
    trial.expect(all(name.endswith(".whl") for name in names), f"the folder has more than wheels: {names}")
    python = install(trial, wheels)
    shown = offline(trial, [*python, "-c", SHOW]).split(maxsplit=1)
    trial.expect(shown[0] == "True" or compiler() is None, "the wheel lacks the compiled loops")
    trial.expect(str(trial.folder) in shown[1], f"plainfilm was imported from {shown[1]}")
    offline(trial, [*python, "-m", "plainfilm", "demo", str(trial.folder / "demo")])
    images = len(list((trial.folder / "demo" / "pictures").glob("*.png")))
    trial.report(f"{images} images were made without a network")
    trial.expect(images >= 12, "the demo has too few images")


def build(trial: Trial, wheels: Path) -> None:
    """Build the source distribution, and from it the wheels."""
    source = trial.folder / "source"
    source.mkdir()
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)
    for compiled in source.rglob("*.so"):
        compiled.unlink()
    tools = trial.folder / "tools"
    pip(trial, "install", "--target", str(tools), "setuptools>=77")
    command(trial, [sys.executable, "-c", BUILD_SDIST, str(trial.folder)], tools, source)
    (sdist,) = trial.folder.glob("plainfilm-*.tar.gz")
    options = ["--no-deps"] if trial.short else ["--constraint", str(ROOT / "lock.txt")]
    pip(trial, "wheel", "--wheel-dir", str(wheels), *options, str(sdist) if trial.short else f"{sdist}[{EXTRAS}]")


def install(trial: Trial, wheels: Path) -> Sequence[str]:
    """Install plainfilm from the wheels without a network; return the words of the command for its Python."""
    options = ["install", "--quiet", "--no-index", "--find-links", str(wheels)]
    if trial.short:
        target = str(trial.folder / "installed")
        offline(trial, [sys.executable, "-m", "pip", *options, "--no-deps", "--target", target, "plainfilm"])
        return ["env", f"PYTHONPATH={target}", sys.executable]
    subprocess.run([sys.executable, "-m", "venv", trial.folder / "venv"], check=True)
    python = str(trial.folder / "venv" / "bin" / "python")
    offline(trial, [python, "-m", "pip", *options, f"plainfilm[{EXTRAS}]"])
    return [python]


def pip(trial: Trial, *words: str) -> None:
    """Run pip with the network."""
    command(trial, [sys.executable, "-m", "pip", words[0], "--quiet", *words[1:]])


def offline(trial: Trial, words: Sequence[str]) -> str:
    """Run a command in a network namespace without a network, and return its standard output."""
    return command(trial, ["unshare", "--net", *words])


def command(trial: Trial, words: Sequence[str], path: Path | None = None, folder: Path | None = None) -> str:
    """Run a command, without the modules of this environment's PYTHONPATH, and return its standard output."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    done = subprocess.run(
        words, cwd=folder or trial.folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        trial.report(done.stdout + done.stderr)
        raise RuntimeError(f"exit code {done.returncode}: {' '.join(words)[:200]}")
    return done.stdout


def is_offline_possible() -> bool:
    """Whether this process may make a network namespace."""
    if shutil.which("unshare") is None:
        return False
    return subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False).returncode == 0


def main(trial: Trial) -> None:
    """Run the trial where there are network namespaces."""
    if not is_offline_possible():
        raise SkippedError("this process cannot make a network namespace")
    run(trial)


if __name__ == "__main__":
    run_trial(__doc__, main)
