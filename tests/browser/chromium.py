"""Chromium, driven over its own protocol (https://chromedevtools.github.io/devtools-protocol/): a page, the
frames in it, the mouse, pictures of the screen. Scripts of the page cannot tell it from a person's hand.
"""

import base64
import itertools
import json
import shutil
import subprocess
import time
from pathlib import Path

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
DEADLINE = 250  # seconds, on however busy a machine
WINDOW = (1200, 1100)


class Chromium:
    """A browser with a profile of its own. `scripts=False` switches JavaScript off, as its settings do."""

    def __init__(self, folder, scripts=True):
        import websocket  # a part of JupyterLab

        profile = Path(folder)
        (profile / "Default").mkdir(parents=True)
        if not scripts:
            settings = {"profile": {"default_content_setting_values": {"javascript": 2}}}  # 2: blocked
            (profile / "Default" / "Preferences").write_text(json.dumps(settings))
        size = "--window-size={},{}".format(*WINDOW)
        options = [f"--user-data-dir={profile}", "--remote-debugging-port=0", size, "about:blank"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen([CHROMIUM, *FLAGS, *options], **quiet)
        try:
            opened = profile / "DevToolsActivePort"
            wait_until(lambda: opened.is_file() and opened.read_text().count("\n"), "a browser")
            port, path = opened.read_text().split("\n")
            address = f"ws://127.0.0.1:{port}{path}"
            self.socket = websocket.create_connection(
                address, timeout=DEADLINE, suppress_origin=True, http_no_proxy=["127.0.0.1"]
            )
        except BaseException:
            self.process.kill()
            raise
        self.numbers, self.frames, self.tabs = itertools.count(1), {}, {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.command("Browser.close")
        except Exception:
            self.process.kill()
        self.process.wait(DEADLINE)

    def command(self, method, session=None, **parameters):
        """Send a command and wait for its answer; on the way note which frames come and go."""
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": parameters}
        self.socket.send(json.dumps(message | ({"sessionId": session} if session else {})))
        while True:
            answer = json.loads(self.socket.recv())
            if answer.get("method") == "Target.attachedToTarget":
                target = answer["params"]["targetInfo"]
                self.frames[answer["params"]["sessionId"]] = (answer.get("sessionId"), target["type"])
            elif answer.get("method") == "Target.detachedFromTarget":
                self.frames.pop(answer["params"]["sessionId"], None)
            elif answer.get("id") == number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]

    def open(self, address):
        """Open an address in a new tab, with nothing but this machine in reach."""
        target = self.command("Target.createTarget", url="about:blank")["targetId"]
        page = self.command("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.tabs[page] = target
        follow = {"autoAttach": True, "waitForDebuggerOnStart": False, "flatten": True}
        self.command("Target.setAutoAttach", page, **follow)
        self.command("Network.enable", page)
        self.command("Network.setBlockedURLs", page, urls=["*://*.com/*", "*://*.org/*", "*://*.net/*"])
        self.command("Page.navigate", page, url=address)
        return page

    def close(self, page):
        self.command("Target.closeTarget", targetId=self.tabs.pop(page))

    def evaluate(self, session, expression):
        """The value of a JavaScript expression in a page or frame; promises are waited for."""
        options = {"returnByValue": True, "awaitPromise": True}
        answer = self.command("Runtime.evaluate", session, expression=expression, **options)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def explorer(self, page, condition="window.explorerDebug"):
        """Wait for the explorer's frame in a page, and for a condition in it; return its session."""

        def look():
            self.command("Browser.getVersion")  # reads what has arrived
            for session, (parent, kind) in list(self.frames.items()):
                if parent == page and kind == "iframe":
                    if self.evaluate(session, f'!!document.getElementById("picture") && !!({condition})'):
                        return session
            return None

        return wait_until(look, f"an explorer with {condition}")

    def where(self, page, frame):
        """Scroll the explorer's frame into view; left, top, width and height of its canvas in the window."""
        outer = "document.querySelector('iframe[title=\"Attention explorer\"]')"
        self.evaluate(page, f'{outer}.scrollIntoView({{ block: "center" }})')
        measure = "(({ left, top, width, height }) => [left, top, width, height])(%s.getBoundingClientRect())"
        x, y, _, _ = self.evaluate(page, measure % outer)
        left, top, width, height = self.evaluate(frame, measure % 'document.getElementById("picture")')
        return x + left + 1, y + top + 1, width, height  # 1: the frame's border

    def mouse(self, page, x, y):
        self.command("Input.dispatchMouseEvent", page, type="mouseMoved", x=x, y=y)

    def screenshot(self, page, path):
        picture = self.command("Page.captureScreenshot", page, format="png")["data"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(picture))


def wait_until(look, what, deadline=DEADLINE):
    """Wait until `look()` is true, and return what it returned."""
    end = time.monotonic() + deadline
    while not (found := look()):
        assert time.monotonic() < end, f"{what} did not appear within {deadline} s"
        time.sleep(0.05)
    return found
