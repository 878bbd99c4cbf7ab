"""The live page in a real Chromium: rows show before the response ends, pause reaches the cursor, cancel closes it, failures show."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

sync_api = pytest.importorskip("playwright.sync_api")
pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

ROOT = Path(__file__).parents[3]
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
ROWS = 1_000_000

if CHROMIUM is None:
    pytest.skip("Chromium is not installed", allow_module_level=True)


@contextmanager
def running():
    """A server with a million rows, and its address."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-u", "examples/live/server.py", "--port", "0", "--rows", str(ROWS)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environment) as server:
        try:
            lines = (re.match("http.*", line) for line in server.stdout)
            yield server, next(found[0] for found in lines if found)
        finally:
            server.terminate()


@pytest.fixture(scope="module")
def address():
    with running() as (_, address):
        yield address


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser, address):
    """The page, fresh; nothing in it may raise."""
    errors = []
    page = browser.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address)
    yield page
    page.close()
    assert errors == []


def number(page, element):
    return int(re.sub(r"\D", "", page.text_content(f"#{element}") or "") or 0)


def status(page, address):
    name = page.evaluate("window.exportName")
    with urllib.request.urlopen(f"{address}status?export={name}") as response:
        return json.load(response)


def until(true):
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def start_paused(page):
    """In one turn of the page's event loop, so that it reads nothing but what is on its way."""
    page.evaluate("document.getElementById('start').click(); document.getElementById('pause').click()")


def cursor_at_rest(page, address):
    """Where the cursor is when it has not moved for half a second."""
    before, row = -1, 0
    while row == 0 or row != before:
        before = row
        time.sleep(0.5)
        row = status(page, address)["row"]
    return row


def test_rows_show_before_the_response_ends(page, address):
    start_paused(page)
    cursor_at_rest(page, address)
    page.click("#pause")
    until(lambda: number(page, "rows") > 0)
    page.wait_for_selector("#outcome.complete")
    until(lambda: number(page, "rows") == ROWS)
    assert page.locator("#last tr").count() == 12
    assert status(page, address)["is_open"] is False
    first, total = number(page, "first"), number(page, "total")
    assert first < total


def test_pause_stops_the_cursor(page, address):
    """And it goes on to the end afterwards."""
    start_paused(page)
    row = cursor_at_rest(page, address)
    assert 0 < row < ROWS
    assert status(page, address)["is_open"] is True
    page.click("#pause")
    page.wait_for_selector("#outcome.complete")
    assert status(page, address)["row"] == ROWS


def test_cancel_closes_the_cursor(page, address):
    start_paused(page)
    row = cursor_at_rest(page, address)
    page.click("#cancel")
    until(lambda: not status(page, address)["is_open"])
    assert status(page, address)["row"] < ROWS
    assert status(page, address)["row"] - row < ROWS // 10
    assert "cancelled" in page.text_content("#outcome")


def test_a_failure_in_the_middle_is_shown_as_one(page, address):
    """Behind every row before it."""
    page.check("#fail")
    page.click("#start")
    page.wait_for_selector("#outcome.failed")
    assert page.text_content("#outcome") == f"failed: disk I/O error, after {ROWS // 2 - 1:,} rows"
    assert status(page, address)["is_open"] is False


def test_a_page_that_is_busy_gets_every_row_before_a_failure(page):
    """The response ends behind the record: of one that is cut, the browser throws away what the page has not read."""
    lines, last = page.evaluate(
        """async () => {
            const response = await fetch("rows?export=busy&fail=1");
            const end = Date.now() + 500;
            while (Date.now() < end);
            const lines = (await response.text()).trimEnd().split("\\n");
            return [lines.length, lines.at(-1)];
        }"""
    )
    assert json.loads(last) == {"$error": "disk I/O error"}
    assert lines == ROWS // 2


def test_a_server_that_dies_is_a_failure(browser):
    """Whatever has arrived: nothing said that it was all."""
    with running() as (server, address):
        page = browser.new_page()
        page.goto(address)
        start_paused(page)
        cursor_at_rest(page, address)
        server.kill()
        server.wait()
        page.click("#pause")
        page.wait_for_selector("#outcome.failed")
        assert page.text_content("#outcome").startswith("failed: network error, after ")
        assert number(page, "rows") < ROWS
        page.close()


def test_the_usual_way_shows_the_same_rows(page, address):
    page.click("#usual")
    page.wait_for_selector("#outcome.complete", timeout=120_000)
    until(lambda: number(page, "rows") == ROWS)
