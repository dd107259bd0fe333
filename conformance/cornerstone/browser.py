# SPDX-License-Identifier: MIT
"""Render DICOM files with cornerstone3D: build its page, serve it on the loopback interface, and run it in Chromium."""

from __future__ import annotations

import base64
import functools
import http.server
import io
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
from numpy.typing import NDArray

from conformance.renderers import NotShownError

if TYPE_CHECKING:
    from playwright.sync_api import Page

Array = NDArray[Any]
PAGE = Path(__file__).resolve().parent / "page"
_SECONDS = 30
_NUMBERS = re.compile(r"-?\d+")
_CHROMIUM_OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-device-scale-factor=1",
)
_SHAPE_OF_PIXELS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing", "PixelAspectRatio")
_RENDER = """
([url, rows, columns, milliseconds]) => Promise.race([
  window.renderFile(url, rows, columns),
  new Promise((_, reject) => setTimeout(() => reject(new Error("no image in time")), milliseconds)),
])
"""


def missing_program() -> str:
    """Return what is missing for the comparison and how to install it; an empty text where nothing is missing."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "Node.js with npm is not installed (Debian packages nodejs and npm)"
    if _chromium() is None:
        return "Chromium is not installed (Debian package chromium)"
    return "" if find_spec("playwright") else "playwright is not installed (pip install playwright)"


def build_page(folder: Path) -> Path:
    """Copy the page to a folder, install its packages with npm and build it; return the folder of the built page.

    Raises CalledProcessError where npm cannot install the packages or build the page.
    """
    shutil.copytree(PAGE, folder, dirs_exist_ok=True)
    for command in (["npm", "install", "--no-audit", "--no-fund", "--no-package-lock"], ["npm", "run", "build"]):
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=900)
    return folder / "dist"


class Cornerstone:
    """An open page of cornerstone3D in Chromium, whose version is `chromium`."""

    def __init__(self, page: Page, server: _Server, chromium: str) -> None:
        self.chromium = chromium
        self._page = page
        self._server = server

    def render(self, content: bytes, rows: int, columns: int) -> Array:
        """Return the image of the first frame, (rows, columns) or (rows, columns, 3). Raises NotShownError.

        Attributes that make pixels other than square are removed, so that each image pixel is one canvas pixel.
        """
        from playwright.sync_api import Error as BrowserError

        url = self._server.offer(_with_square_pixels(content))
        try:
            result = self._page.evaluate(_RENDER, [url, rows, columns, _SECONDS * 1000])
        except BrowserError as error:
            message = str(error).removeprefix("Page.evaluate: ").splitlines()[0]
            raise NotShownError(f"cornerstone3D: {_NUMBERS.sub('N', message)[:80]}") from None
        pixels = np.frombuffer(base64.b64decode(result["pixels"]), np.uint8)
        rgb: Array = pixels.reshape(result["rows"], result["columns"], 4)[:, :, :3]
        is_grey = bool((rgb == rgb[:, :, :1]).all())
        return rgb[:, :, 0] if is_grey else rgb


@contextmanager
def open_cornerstone(dist: Path) -> Iterator[Cornerstone]:
    """Serve the built page and open it in Chromium for the duration of the block."""
    from playwright.sync_api import sync_playwright

    server = _Server(dist)
    with server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_chromium(), args=list(_CHROMIUM_OPTIONS))
        page = browser.new_page()
        page.goto(f"{server.address}/index.html")
        page.wait_for_function("() => Boolean(window.renderFile)")
        yield Cornerstone(page, server, browser.version)
        browser.close()


def _chromium() -> str | None:
    return shutil.which("chromium") or shutil.which("google-chrome")


def _with_square_pixels(content: bytes) -> bytes:
    try:
        dataset = pydicom.dcmread(io.BytesIO(content), force=True)
        shapes = [list(dataset[name].value or ()) for name in _SHAPE_OF_PIXELS if name in dataset]
        if all(len(set(shape)) <= 1 for shape in shapes):
            return content
        for name in _SHAPE_OF_PIXELS:
            if name in dataset:
                del dataset[name]
        changed = io.BytesIO()
        dataset.save_as(changed)
    except (AttributeError, EOFError, KeyError, NotImplementedError, OSError, TypeError, ValueError):
        return content
    return changed.getvalue()


class _Handler(http.server.SimpleHTTPRequestHandler):
    server: _HttpServer

    def do_GET(self) -> None:
        """Send the current subject, or a file of the page."""
        if self.path != self.server.owner.subject_path:
            super().do_GET()
            return
        content = self.server.owner.content
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *_values: object) -> None:
        """Print nothing."""


class _HttpServer(http.server.ThreadingHTTPServer):
    owner: _Server


class _Server:
    """An HTTP server on the loopback interface, with the page and the content of the subject that is rendered."""

    def __init__(self, dist: Path) -> None:
        self.content = b""
        self.subject_path = ""
        self._subjects = 0
        self._server = _HttpServer(("127.0.0.1", 0), functools.partial(_Handler, directory=str(dist)))
        self._server.owner = self
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def offer(self, content: bytes) -> str:
        """Serve the content under a new URL, and return the URL: cornerstone3D keeps what it has loaded by URL."""
        self._subjects += 1
        self.content, self.subject_path = content, f"/subject/{self._subjects}"
        return self.address + self.subject_path

    def __enter__(self) -> _Server:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()
