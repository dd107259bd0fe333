# SPDX-License-Identifier: MIT
"""Test the page of a report in Chromium: what it shows, how it is operated, and that it asks no server for anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.support.browser import OpenPage, open_page, start_browser, wait_until
from tests.support.command_line import CommandLine
from tests.support.outputs import rows_of
from tests.support.reports import SyntheticRows, sources_in

from plainfilm.demo.dataset import write_radiographs
from plainfilm.output.folder import FolderOutput
from plainfilm.report.report import write_report

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

LOADED = "[...document.querySelectorAll('.tile img')].every((image) => image.complete && image.naturalWidth)"


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory, plainfilm: CommandLine) -> Path:
    """The OUT of a run over twelve synthetic radiographs, one of them twice, and a damaged file."""
    folder = tmp_path_factory.mktemp("report")
    first, *_ = write_radiographs(folder / "films")
    (folder / "films" / "copy.dcm").write_bytes(first.read_bytes())
    (folder / "films" / "damaged.dcm").write_bytes(first.read_bytes()[:-1000])
    done = plainfilm.run("convert", folder / "films", folder / "out", "--jobs", "2")
    assert done.returncode == 1, done.stderr
    return folder / "out"


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """Chromium, started once."""
    with start_browser(chromium) as browser:
        yield browser


@pytest.fixture
def opened(browser: Browser, out: Path) -> Iterator[OpenPage]:
    """The report in a browser, with all thumbnails."""
    with open_page(browser, out / "report.html") as opened:
        opened.page.wait_for_selector(".tile img[src]")
        wait_until(opened.page, LOADED)
        yield opened
        assert opened.problems == []
        assert {address.split(":")[0] for address in opened.requests} <= {"file", "data", "blob"}


def count_of(page: Page) -> int:
    """The number of images that the page says it shows."""
    return int(page.inner_text("#count").split()[0].replace(",", ""))


def choose(page: Page, name: str, value: str) -> None:
    """Choose a value in a filter and wait for the wall."""
    page.select_option(f"#filter-{name}", value)
    page.wait_for_timeout(300)


def test_the_page_shows_a_thumbnail_for_each_row_of_the_table(opened: OpenPage, out: Path) -> None:
    rows = rows_of(out)
    assert count_of(opened.page) == len(rows) == 13
    assert opened.page.locator(".tile").count() == len(rows)
    assert {opened.page.locator(".tile").nth(number).get_attribute("title") for number in range(13)} == {
        row["file_name"] for row in rows
    }


def test_the_summary_shows_failures_and_counts(opened: OpenPage) -> None:
    assert "truncated_pixel_data" in opened.page.inner_text("#failures")
    assert opened.page.inner_text("#summary .numbers div:first-child dd") == "13"


def test_filters_show_the_rows_with_their_value(opened: OpenPage, out: Path) -> None:
    rows, page = rows_of(out), opened.page
    for column in ("status", "modality", "manufacturer", "voi"):
        value = rows[0][column]
        if not page.locator(f"#filter-{column}").count():
            assert {row[column] for row in rows} == {value}
            continue
        choose(page, column, f"={value}")
        assert count_of(page) == sum(row[column] == value for row in rows)
        choose(page, column, "")
    choose(page, "duplicate", "yes")
    assert count_of(page) == 1
    page.click("#filters button[type=reset]")
    page.fill("#filter-search", "COPY")
    page.wait_for_timeout(300)
    assert count_of(page) == 1


def test_a_suspect_in_the_summary_filters_the_wall(opened: OpenPage) -> None:
    opened.page.click("button[data-value=duplicate]")
    assert count_of(opened.page) == 1
    assert opened.page.input_value("#filter-suspects") == "=duplicate"


def test_images_are_sorted_by_each_statistic(opened: OpenPage, out: Path) -> None:
    for column in ("mean", "entropy", "black_fraction", "white_fraction"):
        for direction in ("up", "down"):
            choose(opened.page, "sort", column)
            choose(opened.page, "direction", direction)
            rows = {row["file_name"]: round(float(row[column]), 4) for row in rows_of(out)}
            shown = [rows[opened.page.get_attribute(f"#tile-{number}", "title") or ""] for number in range(13)]
            assert shown == sorted(rows.values(), reverse=direction == "down")


def test_a_click_opens_the_image_with_its_explanation_and_chart(opened: OpenPage, out: Path) -> None:
    page = opened.page
    page.click("#tile-3")
    name = page.inner_text("#detail-title")
    row = next(row for row in rows_of(out) if row["file_name"] == name)
    text = page.inner_text("dialog .explanation")
    assert "Photometric Interpretation" in text
    assert row["transfer_syntax"] in text
    assert row["patient"] in text
    assert page.locator("dialog .chart rect").count() == 64
    assert page.locator("dialog .chart polyline").count() == 1
    wait_until(page, "document.querySelector('dialog img.large').naturalWidth > 500")
    page.keyboard.press("Escape")
    assert not page.locator("dialog").is_visible()


def test_the_keyboard_moves_opens_and_marks(opened: OpenPage) -> None:
    page = opened.page
    page.focus("#viewport")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    columns = page.evaluate("Math.floor(document.getElementById('wall-content').clientWidth / 100)")
    assert page.get_attribute("#viewport", "aria-activedescendant") == f"tile-{1 + columns}"
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    first = page.inner_text("#detail-title")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#detail-title") != first
    page.keyboard.press("x")
    assert page.get_attribute("dialog button[aria-pressed]", "aria-pressed") == "true"
    page.keyboard.press("Escape")
    assert page.get_attribute("#tile-1", "aria-selected") == "true"
    assert "marked for exclusion" in (page.get_attribute("#tile-1", "aria-label") or "")


def test_marks_are_downloaded_as_a_table_that_exclude_takes(
    opened: OpenPage, out: Path, plainfilm: CommandLine, tmp_path: Path
) -> None:
    page = opened.page
    page.focus("#viewport")
    names = set()
    for number in (0, 2):
        page.keyboard.press("Home")
        for _ in range(number):
            page.keyboard.press("ArrowRight")
        page.keyboard.press("x")
        names.add(page.get_attribute(f"#tile-{number}", "title"))
    with page.expect_download() as download:
        page.click("#download")
    download.value.save_as(tmp_path / "marks.csv")
    expected = {row["source"] for row in rows_of(out) if row["file_name"] in names}
    assert set(sources_in(tmp_path / "marks.csv")) == expected
    assert len(expected) == 2
    rest = tmp_path / "rest"
    done = plainfilm.run("convert", out.parent / "films", rest, "--exclude", tmp_path / "marks.csv", "--no-report")
    assert done.returncode == 1, done.stderr
    assert {row["source"] for row in rows_of(out)} - {row["source"] for row in rows_of(rest)} == expected
    assert not (rest / "report.html").exists()
    page.reload()
    page.wait_for_selector(".tile.marked")
    assert page.locator(".tile.marked").count() == 2


def test_alternative_texts_hold_no_path(opened: OpenPage, out: Path) -> None:
    modalities = {row["modality"] for row in rows_of(out)}
    labels = [opened.page.get_attribute(f"#tile-{number}", "aria-label") or "" for number in range(13)]
    assert all(label.split()[0].rstrip(",") in modalities for label in labels)
    assert not [label for label in labels if ".png" in label or "/" in label]


@pytest.mark.parametrize("dark", [False, True])
def test_the_page_has_no_serious_accessibility_problem(browser: Browser, out: Path, dark: bool) -> None:
    from axe_playwright_python.sync_playwright import Axe

    with open_page(browser, out / "report.html", dark=dark) as opened:
        opened.page.wait_for_selector(".tile img[src]")
        for is_open in (False, True):
            if is_open:
                opened.page.click("#tile-0")
                opened.page.wait_for_selector("dialog .explanation li")
            violations = Axe().run(opened.page).response["violations"]
            assert not [(item["id"], item["help"]) for item in violations if item["impact"] in ("serious", "critical")]


def test_a_hostile_text_runs_no_script(browser: Browser, tmp_path: Path) -> None:
    hostile = "</script><script>document.title = 'x'</script><img src=x onerror=\"document.title = 'x'\">\u2028"
    texts = ("file_name", "source", "modality", "body_part", "manufacturer", "model", "findings")
    assert write_report(FolderOutput(tmp_path), SyntheticRows(2, {0: dict.fromkeys(texts, hostile)}))
    with open_page(browser, tmp_path / "report.html") as opened:
        opened.page.wait_for_selector(".tile img[src]")
        for number in (0, 1):
            opened.page.click(f"#tile-{number}")
            opened.page.wait_for_selector("dialog .explanation li")
            opened.page.keyboard.press("Escape")
        assert opened.page.title() == "plainfilm report"
        assert opened.page.locator("img[src=x]").count() == 0


def test_a_page_of_100_000_images_opens_and_scrolls(browser: Browser, tmp_path: Path) -> None:
    assert write_report(FolderOutput(tmp_path, sync=False), SyntheticRows(100_000))
    with open_page(browser, tmp_path / "report.html") as opened:
        page = opened.page
        page.wait_for_selector(".tile img[src]")
        assert count_of(page) == 100_000
        page.focus("#viewport")
        page.keyboard.press("End")
        wait_until(page, LOADED)
        assert page.get_attribute("#viewport", "aria-activedescendant") == "tile-99999"
        for share in (0.2, 0.5, 0.8):
            page.evaluate(f"viewport.scrollTop = viewport.scrollHeight * {share}")
            page.wait_for_timeout(100)
            wait_until(page, LOADED)
        # only the images in view are elements
        assert page.locator(".tile").count() < 400
        assert opened.problems == []
