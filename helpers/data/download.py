"""Fetch one large file over a network that cannot be trusted to be fast, honest, or there at all.

pooch does what it is good at: a temporary file, the sha256, one more try, a rename when all is well. This
file adds what a classroom needs: it notices within two seconds that there is no network, and it leaves a
server that is slower than a floor, falls silent, or sends something else.
"""

import contextlib
import http.client
import logging
import queue
import socket
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path


class SourceFailed(OSError):
    """This server cannot give the file; another one may."""


@dataclass(frozen=True)
class Limits:
    """How patient a download is.

    Args:
        floor_rate: bytes per second; a slower server is left for the next one.
        window: seconds over which the rate is measured.
        silence: seconds that a server may send nothing at all.
        deadline: seconds for everything together, all servers included.
    """

    floor_rate: float = 200_000
    window: float = 5
    silence: float = 10
    deadline: float = 900

    def __post_init__(self):
        for name in ("window", "silence", "deadline"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be a number of seconds above 0, got {getattr(self, name)!r}.")
        if not self.floor_rate >= 0:
            raise ValueError(f"floor_rate must be 0 or more bytes per second, got {self.floor_rate!r}.")


def reachable(urls, timeout=1.5):
    """Ask all hosts at once whether they answer: without a network, that is known after `timeout` seconds.

    Args:
        urls: addresses that begin with http:// or https://; where the environment names a proxy, it is asked.
        timeout: seconds until a host counts as not reachable.
    Returns:
        list: those of `urls` whose host accepted a connection, in their order.
    """
    answers = queue.Queue()

    def knock(url):
        try:
            socket.create_connection(_host_to_ask(url), timeout).close()
            answers.put((url, True))
        except (OSError, ValueError):
            answers.put((url, False))

    for url in urls:
        threading.Thread(target=knock, args=(url,), daemon=True).start()
    give_up, found = time.monotonic() + timeout, set()
    with contextlib.suppress(queue.Empty):
        for _ in urls:
            url, answered = answers.get(timeout=max(0.0, give_up - time.monotonic()))
            found |= {url} if answered else set()
    return [url for url in urls if url in found]


def fetch(url, folder, published, *, limits, give_up):
    """Download one file into `folder` under its final name, whole and with the right checksum, or not at all.

    Args:
        url: where it is.
        folder: an existing folder; nothing is left in it if anything goes wrong.
        published: Archive: the name it gets, the checksum and the size it must have.
        limits: Limits.
        give_up: the `time.monotonic()` at which all patience ends.
    Returns:
        pathlib.Path of the file.
    Raises:
        SourceFailed: if this server cannot give the file; the message says why.
        OSError: if this machine cannot write it.
    """
    import pooch

    host = urllib.parse.urlsplit(url).netloc

    def transfer(address, target, _pooch):
        try:
            with _open(address, limits) as response, open(target, "wb") as file:
                _copy(response, file, host, published.num_bytes, limits, give_up)
        except _Dropped as error:
            # A ValueError, like a wrong checksum, makes pooch try once more.
            raise ValueError(str(error)) from error

    with _quiet(pooch.get_logger()):
        checksums = {published.file_name: f"sha256:{published.sha256}"}
        addresses = {published.file_name: url}
        registry = pooch.create(folder, base_url="", registry=checksums, urls=addresses, retry_if_failed=1)
        try:
            return Path(registry.fetch(published.file_name, downloader=transfer))
        except ValueError as error:
            reason = "it sent a file with the wrong checksum" if "hash" in str(error) else str(error)
            raise SourceFailed(reason) from error


class _Dropped(Exception):
    """The connection ended too early. Not an OSError, so that it cannot be taken for a full disk."""


def _open(url, limits):
    request = urllib.request.Request(url, headers={"User-Agent": "how-a-vit-sees"})
    try:
        return urllib.request.urlopen(request, timeout=limits.silence, context=_certificates())
    except urllib.error.HTTPError as error:
        raise SourceFailed(f"it answered {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise SourceFailed(f"no connection ({error.reason})") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise SourceFailed(f"no usable answer ({error})") from error


def _copy(response, file, host, num_bytes, limits, give_up):
    if response.headers.get_content_type() == "text/html":
        raise SourceFailed("it sent a web page in place of the file; the network may want you to log in")
    promised = response.headers.get("Content-Length")
    if promised is not None and promised != str(num_bytes):
        raise SourceFailed(f"it has a file of {promised} bytes, where {num_bytes} were published")
    received, started = 0, time.monotonic()
    window_start, window_bytes, reported = started, 0, started
    while chunk := _read(response, limits):
        file.write(chunk)
        received += len(chunk)
        window_bytes += len(chunk)
        now = time.monotonic()
        if received > num_bytes:
            raise SourceFailed(f"it sends more than the {num_bytes:,} bytes of the file")
        if now > give_up:
            raise SourceFailed(f"the time for all downloads was over at {received / num_bytes:.0%}")
        if now - window_start >= limits.window:
            rate = window_bytes / (now - window_start)
            if rate < limits.floor_rate:
                floor = f"{limits.floor_rate / 1e3:,.0f} kB/s"
                raise SourceFailed(f"it was too slow: {rate / 1e3:,.1f} kB/s, and the floor is {floor}")
            window_start, window_bytes = now, 0
        if now - reported >= 0.5:
            _report(host, received, num_bytes, received / (now - started))
            reported = now
    if reported > started:
        print(file=sys.stderr)  # leave the line of the progress
    if received < num_bytes:
        raise _Dropped(f"it stopped after {received:,} of {num_bytes:,} bytes")


def _read(response, limits):
    try:
        # What has come so far. `read` would wait for a full block, and never notice one byte a second.
        return response.read1(1 << 18)
    except TimeoutError as error:
        raise SourceFailed(f"it sent nothing for {limits.silence:g} s") from error
    except (OSError, http.client.HTTPException) as error:
        raise _Dropped(f"the connection broke ({error})") from error


def _report(host, received, num_bytes, rate):
    left = (num_bytes - received) / max(rate, 1)
    done = f"{received / num_bytes:4.0%} of {num_bytes / 1e6:.0f} MB"
    line = f"{host}: {done}, {rate / 1e6:.1f} MB/s, {left:.0f} s left"
    print(f"\r{line:<78}", end="", file=sys.stderr, flush=True)


def _host_to_ask(url):
    parts = urllib.parse.urlsplit(url)
    proxy = urllib.request.getproxies().get(parts.scheme)
    if proxy and not urllib.request.proxy_bypass(parts.hostname or ""):
        parts = urllib.parse.urlsplit(proxy if "//" in proxy else f"//{proxy}", scheme=parts.scheme)
    return parts.hostname, parts.port or {"http": 80}.get(parts.scheme, 443)


def _certificates():
    import ssl

    import certifi  # comes with pooch; some installers of Python bring no certificates

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


@contextlib.contextmanager
def _quiet(logger):
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
