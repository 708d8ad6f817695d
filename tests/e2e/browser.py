"""A headless Chromium for tests: the system's, driven by the Playwright that ./bootstrap --ci puts
into .tools/browser. Both are either there or not, whoever runs the tests."""

import contextlib
import os
import pathlib
import shutil
import sys

TOOLS = pathlib.Path(__file__).resolve().parents[2] / ".tools" / "browser"
PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


def find():
    """The path of a Chromium, or None if it or Playwright is missing."""
    if not (TOOLS / "playwright").is_dir():
        return None
    return next((path for path in map(shutil.which, PROGRAMS) if path), None)


@contextlib.contextmanager
def start(executable):
    """A browser without a network; ends with the block."""
    sys.path.insert(0, str(TOOLS))
    try:
        from playwright.sync_api import sync_playwright
    finally:
        sys.path.remove(str(TOOLS))
    args = ["--no-sandbox", "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=args)
        try:
            yield browser
        finally:
            browser.close()


class Tab:
    """A page, and what is not supposed to happen on it."""

    def __init__(self, browser, root, **options):
        options.setdefault("viewport", {"width": 1280, "height": 800})
        self.root = pathlib.Path(root).resolve()
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.page.set_default_timeout(120000)
        self.faults, self.requests = [], []
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", lambda message: self.faults.append(message.text))
        self.page.on("dialog", self._dialog)
        self.page.on("request", lambda request: self.requests.append(request.url))

    def _dialog(self, dialog):
        self.faults.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def open(self, path, fragment=""):
        self.page.goto(self.root.joinpath(path).as_uri() + fragment)
        return self.page

    def screenshot(self, name):
        """A picture, if $HTML_SCREENSHOTS names a folder for them."""
        folder = os.environ.get("HTML_SCREENSHOTS")
        if folder:
            self.page.screenshot(path=f"{folder}/{name}.png")

    def check(self):
        """No error, no refused code, nothing asked for but files of the report."""
        assert self.faults == []
        assert [u for u in self.requests if not u.startswith(self.root.as_uri() + "/")] == []
        self.context.close()
