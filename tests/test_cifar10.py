"""CIFAR-10 from every place it may come from, and every way in which that goes wrong."""

import errno
import functools
import io
import multiprocessing
import os
import pickle
import queue
import shutil
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import numpy as np
import pytest
from small_cifar10 import ARRAYS, BATCHES, CONTENT, FILE_NAME, describe, pack

from helpers.data import archive as archive_module
from helpers.data import cifar10, download, lock, mirrors, sources
from helpers.data.archive import read_archive
from helpers.data.cifar10 import CLASS_NAMES, DataUnavailable, load_cifar10
from helpers.data.download import Limits, reachable

PATIENT = Limits(floor_rate=2_000, window=0.3, silence=0.4, deadline=250)
STEP = 0.6  # seconds that go by for the loader whenever something has come; no clock of the machine is asked
PUBLISHED_BYTES = len(CONTENT)


class Server(BaseHTTPRequestHandler):
    """Each path is one way to behave."""

    def do_GET(self):
        behaviour = self.path.strip("/").split("/")[0]
        self.server.requests.append(behaviour)
        getattr(self, behaviour)()

    def begin(self, num_bytes=PUBLISHED_BYTES, kind="application/gzip", status=200):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if num_bytes is not None:
            self.send_header("Content-Length", str(num_bytes))
        self.end_headers()

    def good(self):
        self.begin()
        self.wfile.write(CONTENT)

    def held(self):  # half of it, and the rest when the test says so
        self.begin()
        self.wfile.write(CONTENT[: len(CONTENT) // 2])
        self.server.go_on.wait()
        self.wfile.write(CONTENT[len(CONTENT) // 2 :])

    def wrong(self):
        self.begin()
        self.wfile.write(CONTENT[:-1] + b"?")

    def short(self):  # the connection breaks in the middle
        self.begin()
        self.wfile.write(CONTENT[: len(CONTENT) // 2])

    def stump(self):  # the server's own copy is cut short
        self.begin(1000)
        self.wfile.write(CONTENT[:1000])

    def endless(self):
        self.begin(None)
        self.wfile.write(CONTENT + b"and more")

    def page(self):
        self.begin(None, "text/html")
        self.wfile.write(b"<html>Please accept our terms of use</html>")

    def missing(self):
        self.begin(0, status=404)

    def slow(self):
        self.begin()
        content = iter(CONTENT)
        while not self.server.stopping.wait(0.05):
            self.wfile.write(bytes([next(content)]))

    def hang(self):
        self.begin()
        self.wfile.write(CONTENT[: len(CONTENT) // 2])
        self.server.stopping.wait()

    def log_message(self, *_):
        pass

    def handle(self):
        try:
            super().handle()
        except OSError:
            pass  # the loader has left, as it should


@pytest.fixture
def server():
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    httpd.requests, httpd.daemon_threads = [], True
    httpd.stopping, httpd.go_on = threading.Event(), threading.Event()
    httpd.address = f"http://127.0.0.1:{httpd.server_address[1]}"
    threading.Thread(target=httpd.serve_forever, daemon=True, args=(0.05,)).start()
    yield httpd
    httpd.stopping.set()
    httpd.go_on.set()
    httpd.shutdown()
    httpd.server_close()


@pytest.fixture(autouse=True)
def nothing_here(monkeypatch, tmp_path):
    """A machine that has no CIFAR-10 anywhere, no network, and a small archive in place of the original."""
    for name in ("COURSE_DATA", "COURSE_MIRROR", "COURSE_OFFLINE", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(cifar10, "PUBLISHED", describe(CONTENT))


@pytest.fixture
def clock(monkeypatch):
    """The loader's time: it stands still, but goes on by one STEP with each piece that is received."""
    clock, read = SimpleNamespace(now=1000.0), download._read
    clock.monotonic = lambda: clock.now

    def read_and_go_on(*arguments):
        piece = read(*arguments)
        clock.now += STEP
        return piece

    monkeypatch.setattr(download, "_read", read_and_go_on)
    monkeypatch.setattr(download, "time", clock)
    monkeypatch.setattr(mirrors, "time", clock)
    return clock


@pytest.fixture
def publish(monkeypatch, server, clock):
    """Let the mirrors be these paths of the local server.

    The socket measures silence by the machine's clock, and on a busy machine every server may seem silent:
    only of the one that hangs is an answer in time expected.
    """
    urlopen = download.urllib.request.urlopen

    def open_patiently(request, timeout, **others):
        response = urlopen(request, timeout=250, **others)
        if "/hang/" in request.full_url:
            response.fp.raw._sock.settimeout(timeout)
        return response

    monkeypatch.setattr(download.urllib.request, "urlopen", open_patiently)
    monkeypatch.setattr(mirrors, "reachable", functools.partial(reachable, timeout=250))

    def set_urls(*behaviours):
        urls = tuple(f"{server.address}/{behaviour}/{FILE_NAME}" for behaviour in behaviours)
        monkeypatch.setattr(cifar10, "PUBLISHED", describe(CONTENT, urls))

    return set_urls


def listing(tmp_path):
    cache = tmp_path / "cache"
    return sorted(path.name for path in cache.iterdir()) if cache.exists() else []


def assert_is_the_set(dataset):
    for name, expected in ARRAYS.items():
        np.testing.assert_array_equal(getattr(dataset, name), expected)
    assert dataset.class_names == CLASS_NAMES and len(CLASS_NAMES) == 10
    assert dataset.y_train.dtype == np.int64


# ---- where it comes from


def test_archive_of_python_2_is_read_with_channels_last(tmp_path):
    path = tmp_path / FILE_NAME
    path.write_bytes(CONTENT)
    arrays = read_archive(path, describe(CONTENT))
    for name, expected in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], expected)


def test_first_place_wins(monkeypatch, tmp_path):
    cache, data = tmp_path / "cache", tmp_path / "data with spaces ü"
    cache.mkdir()
    data.mkdir()
    np.savez(cache / "cifar10.npz", **ARRAYS)
    assert_is_the_set(load_cifar10())
    other = ARRAYS | {"x_train": 255 - ARRAYS["x_train"]}
    np.savez(data / "cifar10.npz", **other)
    monkeypatch.setenv("COURSE_DATA", str(data))
    np.testing.assert_array_equal(load_cifar10().x_train, other["x_train"])


def test_course_data_may_hold_the_archive_and_column_labels(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    (tmp_path / FILE_NAME).write_bytes(CONTENT)
    assert_is_the_set(load_cifar10())
    columns = {name: array[:, None] if name[0] == "y" else array for name, array in ARRAYS.items()}
    np.savez(tmp_path / "cifar10.npz", **columns)  # labels of shape (n, 1), as Keras has them
    assert_is_the_set(load_cifar10())


@pytest.mark.parametrize("name", ["cifar-10-batches-py-target_archive", "cifar-10-batches-py.tar.gz"])
def test_archive_of_keras_is_used_and_cached(monkeypatch, tmp_path, name):
    folder = tmp_path / "keras" / "datasets"
    folder.mkdir(parents=True)
    (folder / name).write_bytes(CONTENT)
    assert_is_the_set(load_cifar10())
    assert listing(tmp_path) == ["cifar10.npz"]
    shutil.rmtree(folder)
    assert_is_the_set(load_cifar10())  # now from the course's cache


def test_download_is_cached_and_the_second_call_needs_no_network(publish, server, tmp_path, capsys):
    publish("good")
    assert_is_the_set(load_cifar10(limits=PATIENT))
    assert listing(tmp_path) == ["cifar10.npz"]
    assert "MB/s" in capsys.readouterr().err
    assert_is_the_set(load_cifar10(limits=PATIENT))
    assert server.requests == ["good"]


@pytest.mark.parametrize("ending", ["", "/", f"/{FILE_NAME}"])
def test_own_mirror_is_asked_first(monkeypatch, publish, server, ending):
    publish("missing")
    monkeypatch.setenv("COURSE_MIRROR", f"{server.address}/good{ending}")
    assert_is_the_set(load_cifar10(limits=PATIENT))
    assert server.requests == ["good"]


# ---- what goes wrong on the network

FAILURES = {
    "wrong": "wrong checksum",
    "short": "it stopped after",
    "stump": "a file of 1000 bytes",
    "endless": "more than",
    "page": "a web page",
    "missing": "404",
    "slow": "too slow",
    "hang": "sent nothing for 0.4 s",
}


@pytest.mark.parametrize(("behaviour", "reason"), FAILURES.items())
def test_bad_server_is_named_and_leaves_nothing(publish, tmp_path, behaviour, reason):
    publish(behaviour)
    with pytest.raises(DataUnavailable, match=reason) as caught:
        load_cifar10(limits=PATIENT)
    assert "127.0.0.1" in str(caught.value) and "COURSE_DATA" in str(caught.value)
    assert listing(tmp_path) == []


@pytest.mark.parametrize("behaviour", ["page", "slow", "hang", "missing"])
def test_bad_server_is_left_for_the_next(publish, server, tmp_path, behaviour):
    publish(behaviour, "good")
    assert_is_the_set(load_cifar10(limits=PATIENT))
    assert server.requests == [behaviour, "good"]
    assert listing(tmp_path) == ["cifar10.npz"]


def test_all_patience_ends_at_the_deadline(publish, server, clock, tmp_path):
    """The first piece, half of the file at most, comes after the deadline: what is left is not waited for."""
    publish("held")
    with pytest.raises(DataUnavailable, match="the time for all downloads was over at ([1-4]?[0-9]|50)%"):
        load_cifar10(limits=replace(PATIENT, deadline=STEP / 2))
    assert clock.now == 1000 + STEP and not server.go_on.is_set()
    assert listing(tmp_path) == []


def test_the_deadline_is_one_for_all_servers(publish, server, clock):
    publish("wrong", "good")
    with pytest.raises(DataUnavailable) as caught:
        load_cifar10(limits=replace(PATIENT, floor_rate=0, deadline=STEP / 2))
    assert all("the time for all downloads was over" in line for line in caught.value.tried[-2:])


def test_offline_is_known_at_once_and_lists_every_place(monkeypatch, tmp_path):
    """Each host is asked once whether it answers; where none does, no file is asked for."""
    asked, connect = [], download.socket.create_connection
    monkeypatch.setattr(
        download.socket, "create_connection", lambda host, wait: asked.append(host) or connect(host, wait)
    )
    monkeypatch.setattr(
        download.urllib.request, "urlopen", lambda *_, **__: pytest.fail("a file was asked for")
    )
    monkeypatch.setattr(
        cifar10, "PUBLISHED", describe(CONTENT, ["http://127.0.0.1:9/a", "http://127.0.0.1:9/b"])
    )
    with pytest.raises(DataUnavailable, match="offline") as caught:
        load_cifar10()
    assert asked == [("127.0.0.1", 9)] * 2
    assert isinstance(caught.value, OSError)
    for place in ("COURSE_DATA", "cache", "Keras", "network"):
        assert any(place in line for line in caught.value.tried)
    assert listing(tmp_path) == []


def test_hosts_that_never_answer_cost_one_timeout_in_all(monkeypatch, clock):
    """The three are asked at once; what the first has used up of the time, the others do not get again."""
    patience, begun, over = [], threading.Barrier(4), threading.Event()

    def never_answer(_host, wait):
        begun.wait()  # until all three are asked
        over.wait()
        raise TimeoutError

    class Answers(queue.Queue):
        def get(self, timeout):
            if not patience:
                begun.wait()
            patience.append(timeout)
            if len(patience) == 2:
                raise queue.Empty
            clock.now += 1
            return "https://example.org/a", True

    monkeypatch.setattr(download.socket, "create_connection", never_answer)
    monkeypatch.setattr(download.queue, "Queue", Answers)
    urls = [f"https://example.org/{name}" for name in "abc"]
    assert reachable(urls, timeout=1.5) == urls[:1]
    over.set()
    assert patience == [1.5, 0.5]


def test_reachable_keeps_the_order(server):
    urls = [f"{server.address}/b", "http://127.0.0.1:9/", f"{server.address}/a", "nonsense"]
    assert reachable(urls) == [urls[0], urls[2]]


def test_course_offline_asks_nobody(monkeypatch, publish, server):
    publish("good")
    monkeypatch.setenv("COURSE_OFFLINE", "1")
    with pytest.raises(DataUnavailable, match="switched off by COURSE_OFFLINE"):
        load_cifar10()
    assert server.requests == []


# ---- what goes wrong on this machine


def load_in_another_process(published, results):
    cifar10.PUBLISHED = published
    cifar10.reachable = functools.partial(reachable, timeout=250)
    wait = lock.time.sleep
    lock.time.sleep = lambda seconds: results.put("waiting") or wait(seconds)
    results.put(int(load_cifar10(limits=replace(PATIENT, floor_rate=0, silence=250)).x_train.sum()))


def test_two_processes_download_once(publish, server, tmp_path):
    """The server holds the file back until the second process waits for the first."""
    publish("held")
    spawn = multiprocessing.get_context("spawn")
    results = spawn.Queue()
    arguments = (cifar10.PUBLISHED, results)
    processes = [spawn.Process(target=load_in_another_process, args=arguments) for _ in range(2)]
    for process in processes:
        process.start()
    assert results.get(timeout=250) == "waiting"
    server.go_on.set()
    sums = []
    while len(sums) < 2:
        said = results.get(timeout=250)
        sums += [] if said == "waiting" else [said]
    for process in processes:
        process.join(250)
    assert sums == [ARRAYS["x_train"].sum()] * 2
    assert server.requests == ["held"]
    assert listing(tmp_path) == ["cifar10.npz"]


def test_another_notebook_that_does_not_finish(publish, tmp_path, capsys):
    publish("good")
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "cifar10.lock").write_text("another process, alive")
    with pytest.raises(DataUnavailable, match="another notebook is still downloading"):
        load_cifar10(limits=replace(PATIENT, deadline=0.3))
    assert "waiting" in capsys.readouterr().err
    assert listing(tmp_path) == ["cifar10.lock"]


def test_killed_process_left_a_lock_and_half_a_file(publish, tmp_path):
    publish("good")
    leftover = tmp_path / "cache" / "incoming-killed"
    leftover.mkdir(parents=True)
    (leftover / "tmpabc").write_bytes(b"half")
    lock = tmp_path / "cache" / "cifar10.lock"
    lock.write_text("a process that is no more")
    os.utime(lock, (1, 1))
    assert_is_the_set(load_cifar10(limits=PATIENT))
    assert listing(tmp_path) == ["cifar10.npz"]


def test_cache_that_cannot_be_written_is_named(monkeypatch, publish, server, tmp_path):
    publish("good")

    def refuse(path, *_):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    monkeypatch.setattr("helpers.data.lock.os.open", refuse)
    with pytest.raises(DataUnavailable, match="cannot be written to; set COURSE_CACHE"):
        load_cifar10(limits=PATIENT)
    assert server.requests == [] and listing(tmp_path) == []


def test_cache_that_can_only_be_read_is_enough(monkeypatch, tmp_path):
    (tmp_path / "cache").mkdir()
    np.savez(tmp_path / "cache" / "cifar10.npz", **ARRAYS)

    def refuse(*_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    for name in ("open", "mkdir", "replace", "rename", "unlink"):
        monkeypatch.setattr(os, name, refuse)
    assert_is_the_set(load_cifar10())


class FullDisk(io.BytesIO):
    def write(self, _):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def write_half(path, **_):
    path.write_bytes(b"PK half a file")
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("moment", ["before", "download", "conversion"])
def test_full_disk_is_named_and_leaves_nothing(monkeypatch, publish, tmp_path, moment):
    publish("good", "good")
    if moment == "before":
        usage = shutil.disk_usage(tmp_path)._replace(free=1000)
        monkeypatch.setattr(mirrors.shutil, "disk_usage", lambda _: usage)
    elif moment == "download":
        monkeypatch.setattr(download, "open", lambda *_: FullDisk(), raising=False)
    else:
        monkeypatch.setattr(archive_module.np, "savez", write_half)
    with pytest.raises(DataUnavailable, match="is full"):
        load_cifar10(limits=PATIENT)
    assert listing(tmp_path) == []


# ---- files that are not what they seem


def load_prepared(monkeypatch, tmp_path, **changes):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    monkeypatch.setenv("COURSE_OFFLINE", "1")
    np.savez(tmp_path / "cifar10.npz", **(ARRAYS | changes))
    return load_cifar10()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"x_train": ARRAYS["x_train"][:-1]}, r"x_train must be uint8 \(20, 32, 32, 3\), it is uint8 \(19,"),
        ({"x_test": ARRAYS["x_test"] / 255}, "it is float64"),
        ({"y_train": ARRAYS["y_train"] + 1}, "from 1 to 10"),
        ({"y_test": ARRAYS["y_test"] * 1.0}, "y_test must be 4 integers, it is float64"),
        ({"y_train": ARRAYS["y_train"].astype(object)}, "not a readable .npz"),
    ],
)
def test_arrays_are_checked(monkeypatch, tmp_path, changes, reason):
    with pytest.raises(DataUnavailable, match=reason):
        load_prepared(monkeypatch, tmp_path, **changes)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 half a zip", b"<html></html>", pickle.dumps([1, 2])])
def test_file_that_is_no_npz(monkeypatch, tmp_path, content):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    (tmp_path / "cifar10.npz").write_bytes(content)
    with pytest.raises(DataUnavailable, match="not a readable .npz"):
        load_cifar10()


def test_corrupt_cache_is_replaced(publish, tmp_path):
    publish("good")
    cache = tmp_path / "cache"
    cache.mkdir()
    np.savez(cache / "cifar10.npz", **ARRAYS)
    content = bytearray((cache / "cifar10.npz").read_bytes())
    content[5000] ^= 1  # one bit, in the middle of the pixels
    (cache / "cifar10.npz").write_bytes(content)
    assert_is_the_set(load_cifar10(limits=PATIENT))
    np.testing.assert_array_equal(np.load(cache / "cifar10.npz")["x_train"], ARRAYS["x_train"])


def test_npz_without_an_array(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    np.savez(tmp_path / "cifar10.npz", x_train=ARRAYS["x_train"])
    with pytest.raises(DataUnavailable, match="it has no array"):
        load_cifar10()


class Malice:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("checksum_known", [True, False])
def test_malicious_pickle_is_not_executed(monkeypatch, tmp_path, checksum_known):
    trap = tmp_path / "executed"
    content = pack(BATCHES | {"data_batch_1": pickle.dumps({b"data": Malice(trap), b"labels": []})})
    pickle.loads(pickle.dumps(Malice(trap))).close()
    assert trap.exists()  # this is what an ordinary unpickler does
    trap.unlink()
    monkeypatch.setattr(cifar10, "PUBLISHED", describe(content if checksum_known else CONTENT))
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(
        DataUnavailable, match="asks for .*open" if checksum_known else "its checksum is another"
    ):
        load_cifar10()
    assert not trap.exists()


# ---- its name


def test_source_is_told_by_the_pixels(monkeypatch, tmp_path):
    parts = (ARRAYS["x_train"], ARRAYS["x_test"])
    sums = tuple(tuple(int(part[..., c].astype(int).sum()) for c in range(3)) for part in parts)
    monkeypatch.setattr(sources, "CHANNEL_SUMS", {sums: "CIFAR-10, JPEG q75 copy"})
    assert load_prepared(monkeypatch, tmp_path).source == "CIFAR-10, JPEG q75 copy"
    order = np.arange(20)[::-1]
    shuffled = {name: ARRAYS[name][order] for name in ("x_train", "y_train")}
    assert load_prepared(monkeypatch, tmp_path, **shuffled).source == "CIFAR-10, JPEG q75 copy"
    changed = ARRAYS["x_train"].copy()
    changed[0, 0, 0, 0] ^= 1
    assert "not equal to the original" in load_prepared(monkeypatch, tmp_path, x_train=changed).source


def test_original_sums_follow_from_the_published_channel_means():
    means = (125.30691805, 122.95039414, 113.86538318), (126.02464141, 123.7085042, 114.85431865)
    pixels = 50_000 * 32 * 32, 10_000 * 32 * 32
    original = next(sums for sums, name in sources.CHANNEL_SUMS.items() if name == "CIFAR-10")
    for part in range(2):
        for channel in range(3):
            assert round(original[part][channel] / pixels[part], 8) == means[part][channel]
            assert round((original[part][channel] + 1) / pixels[part], 8) != means[part][channel]


def test_the_copy_with_139_images_from_the_jpeg_copy_has_a_name_of_its_own():
    """139 of 60,000 images move the mean of a channel by less than 0.01 of 255."""
    names = {name: np.array(sum(sums, ())) for sums, name in sources.CHANNEL_SUMS.items()}
    original = names["CIFAR-10"]
    nearly = np.abs(names["CIFAR-10, 139 of 60,000 images from a JPEG copy"] - original)
    copy = np.abs(names["CIFAR-10, JPEG q75 copy"] - original)
    assert (nearly > 0).all() and (nearly < copy).mean() > 0.6 and nearly.sum() < copy.sum() / 2
    pixels = np.repeat([50_000 * 32 * 32, 10_000 * 32 * 32], 3)
    assert (nearly / pixels < 0.01).all()


@pytest.mark.parametrize(
    "changes", [{"floor_rate": -1}, {"window": 0}, {"silence": -1}, {"deadline": float("nan")}]
)
def test_limits_are_checked(changes):
    with pytest.raises(ValueError, match=next(iter(changes))):
        Limits(**changes)
