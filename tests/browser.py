"""A headless Chromium, driven over WebDriver's HTTP interface, which needs no package."""

import base64
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the key that WebDriver's standard prescribes
SECONDS_TO_START = 180
SECONDS_TO_SHOW = 300


class Browser:
    """One session of a browser without a network."""

    def __init__(self, address: str) -> None:
        options = [
            *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
            *("--window-size=1700,1000", "--host-resolver-rules=MAP * ~NOTFOUND"),
        ]
        wanted = {
            "browserName": "chrome",
            "goog:chromeOptions": {"args": options},
            "goog:loggingPrefs": {"browser": "ALL"},
        }
        self.address = f"{address}/session"
        session = self.call("POST", "", {"capabilities": {"alwaysMatch": wanted}})
        self.address += f"/{session['sessionId']}"

    def call(self, method: str, path: str, content: dict | None = None):
        """One command; what the driver answers."""
        reply = requests.request(method, f"{self.address}{path}", json=content, timeout=300)
        value = reply.json()["value"]
        assert reply.ok, value
        return value

    def open(self, address: str) -> None:
        self.call("POST", "/url", {"url": address})

    def shown(self, selector: str) -> list[str]:
        """Elements that can be seen, by CSS selector."""
        question = {"using": "css selector", "value": selector}
        found = [each[ELEMENT] for each in self.call("POST", "/elements", question)]
        return [e for e in found if self.call("GET", f"/element/{e}/displayed")]

    def text(self, element: str) -> str:
        return self.call("GET", f"/element/{element}/text").strip()

    def click(self, element: str) -> None:
        self.call("POST", f"/element/{element}/click", {})

    def click_text(self, selector: str, text: str) -> None:
        """Clicks the element with this text, as soon as it is there."""
        self.wait(lambda: [e for e in self.shown(selector) if self.text(e) == text], text)
        self.click(next(e for e in self.shown(selector) if self.text(e) == text))

    def wait(self, found, what: str):
        """What `found` gives as soon as that is something."""
        deadline = time.monotonic() + SECONDS_TO_SHOW
        while not (value := found()):
            assert time.monotonic() < deadline, f"{what}: not shown"
            time.sleep(0.2)
        return value

    def run(self, script: str):
        """The value of a script's `return`."""
        return self.call("POST", "/execute/sync", {"script": script, "args": []})

    def errors(self) -> list[str]:
        """What the page's console calls severe, since it was asked last."""
        lines = self.call("POST", "/se/log", {"type": "browser"})
        return [line["message"] for line in lines if line["level"] == "SEVERE"]

    def screenshot(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(self.call("GET", "/screenshot")))


@contextmanager
def browsing() -> Iterator[Browser]:
    """A browser, or a skipped test where there is none."""
    driver, port = shutil.which("chromedriver"), 9871
    if driver is None or not (shutil.which("chromium") or shutil.which("google-chrome")):
        pytest.skip("chromium and chromedriver are not installed")
    process = subprocess.Popen([driver, f"--port={port}"], stdout=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    browser = None
    try:
        deadline = time.monotonic() + SECONDS_TO_START
        while not _is_ready(address):
            assert time.monotonic() < deadline, "chromedriver does not start"
            time.sleep(0.2)
        browser = Browser(address)
        yield browser
    finally:
        if browser is not None:
            browser.call("DELETE", "")
        process.terminate()
        process.wait()


def _is_ready(address: str) -> bool:
    try:
        return requests.get(f"{address}/status", timeout=5).json()["value"]["ready"]
    except requests.ConnectionError:
        return False
