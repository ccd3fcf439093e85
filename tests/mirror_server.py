"""A small web server on loopback that can misbehave, for tests of downloads."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PIECE_BYTES = 1 << 16


@dataclass
class Mirror:
    """A running server, how it shall misbehave, and what it was asked.

    Attributes:
        folder: What it serves.
        address: `http://127.0.0.1:<port>`.
        cuts: For the next replies, after how many bytes each breaks off.
        cut_at: For the next replies, the byte of the file at which each breaks off.
        statuses: For the next replies, the status each answers with; 200 sends the file.
        ranges: Whether it understands ranges.
        announces: Whether it tells the length of what it sends.
        lie: Bytes by which a range begins later than asked.
        pause_s: How long it waits after every 64 KiB.
        asked: Path and range (or None) of every request so far.
    """

    folder: Path
    address: str
    cuts: list[int] = field(default_factory=list)
    cut_at: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    ranges: bool = True
    announces: bool = True
    lie: int = 0
    pause_s: float = 0.0
    asked: list[tuple[str, str | None]] = field(default_factory=list)


@contextmanager
def serving(folder: Path) -> Iterator[Mirror]:
    """Serves a folder until the block ends."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.mirror = Mirror(Path(folder), f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.mirror
        finally:
            server.shutdown()
            thread.join(timeout=10)


class Handler(BaseHTTPRequestHandler):
    """Answers GET with a file of the mirror's folder, or part of it."""

    timeout = 10

    def do_GET(self) -> None:
        mirror = self.server.mirror
        mirror.asked.append((self.path, self.headers.get("Range")))
        file = mirror.folder / self.path.lstrip("/")
        status = mirror.statuses.pop(0) if mirror.statuses else 200
        if status != 200:
            self.send_error(status)
        elif not file.is_file():
            self.send_error(404)
        else:
            self.send_part(file.read_bytes())

    def send_part(self, content: bytes) -> None:
        mirror = self.server.mirror
        asked, start = self.headers.get("Range"), 0
        if asked and mirror.ranges:
            start = int(asked.removeprefix("bytes=").split("-")[0])
            if start >= len(content):
                self.send_error(416)
                return
            start += mirror.lie
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        body = content[start:]
        if mirror.announces:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        body = body[: mirror.cuts.pop(0)] if mirror.cuts else body
        body = body[: mirror.cut_at.pop(0) - start] if mirror.cut_at else body
        for start in range(0, len(body), PIECE_BYTES):
            self.wfile.write(body[start : start + PIECE_BYTES])
            if mirror.pause_s:
                time.sleep(mirror.pause_s)

    def log_message(self, *_) -> None:
        """Keeps the test output clean."""
