import contextlib
import errno
import hashlib
import random
import resource
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest
from tenacity import wait_none

from colorizer.data import http_download
from colorizer.data.archive import ArchiveError
from colorizer.data.download import fetch
from colorizer.data.http_download import ATTEMPTS
from colorizer.params import Archive

MakeArchive = Callable[[Mapping[str, bytes]], Archive]

PAYLOAD = random.Random(7).randbytes(300_000)


@dataclass(frozen=True)
class Answer:
    """How the server answers one request: by default with all that is asked for."""

    status: int = 200
    knows_ranges: bool = True
    drop_after: int | None = None  # bytes sent before the connection ends
    stall: float = 0.0  # seconds before it does
    payload: bytes = PAYLOAD
    etag: str = ""
    heeds_if_range: bool = True
    shift: int = 0  # bytes that a part begins too late
    says_length: bool = True
    location: str = ""


@dataclass
class Host:
    """A web server's file, the answers it gives (the last one again and again), and its log."""

    url: str
    answers: list[Answer] = field(default_factory=lambda: [Answer()])
    ranges: list[str | None] = field(default_factory=list)  # the Range header of each request
    paths: list[str] = field(default_factory=list)  # what each asked for

    def archive(self, *, length: int = len(PAYLOAD), payload: bytes = PAYLOAD) -> Archive:
        return Archive(source=self.url, bytes=length, md5=hashlib.md5(payload).hexdigest())

    def next_answer(self) -> Answer:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr("colorizer.data.http_download.wait_exponential", lambda **_: wait_none())

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers["Range"]
            host.ranges.append(asked)
            host.paths.append(self.path)
            answer = host.next_answer()
            partial = asked is not None and answer.knows_ranges and answer.status == 200
            if self.headers["If-Range"] not in (None, answer.etag) and answer.heeds_if_range:
                partial = False
            start = int(asked.removeprefix("bytes=").removesuffix("-")) if partial else 0
            start += answer.shift if partial else 0
            whole = len(answer.payload)
            body = answer.payload[start:] if answer.status == 200 else b"no"
            status = 206 if partial else answer.status
            self.send_response(416 if partial and start >= whole else status)
            headers = {
                "Content-Length": str(len(body)) if answer.says_length else "",
                "Content-Range": f"bytes {start}-{whole - 1}/{whole}" if partial else "",
                "ETag": answer.etag,
                "Location": answer.location,
            }
            for name, value in headers.items():
                if value:
                    self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(ConnectionError):  # of who has had enough
                self.wfile.write(body[: answer.drop_after])
            time.sleep(answer.stall)

        def do_HEAD(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(PAYLOAD)))
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        host = Host(f"http://127.0.0.1:{server.server_port}/photos.zip?download=1")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield host
        server.shutdown()
        thread.join()


@dataclass(frozen=True)
class Folders:
    final: Path
    partial: Path

    def part(self, archive: Archive) -> Path:
        return self.partial / f"{archive.md5}.part"

    def fetch(self, archive: Archive) -> Path:
        fetch([archive], self.final, partial=self.partial)
        return self.final / archive.name

    def fail(self, archive: Archive) -> str:
        """Fetch in vain, see that nothing is final, and return the error, which is one line."""
        with pytest.raises(ArchiveError) as error:
            self.fetch(archive)
        message = str(error.value)
        assert len(message.splitlines()) == 1
        assert list(self.final.iterdir()) == []
        return message


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path / "archives", tmp_path / "downloads")


def test_an_archive_that_is_there_is_kept_and_one_that_is_not_named_goes(
    host: Host, folders: Folders, make_archive: MakeArchive
) -> None:
    other = make_archive({"other.jpg": b"other"}, "other.zip")
    for archives in ([host.archive(), other], [host.archive()], [host.archive(), other]):
        fetch(archives, folders.final, partial=folders.partial)
        assert {path.name for path in folders.final.iterdir()} == {a.name for a in archives}
    assert host.ranges == [None]  # one request in all


def test_nothing_goes_but_zip_files_that_are_not_named(
    host: Host, folders: Folders, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("folder/photo.jpg", "folder.zip/photo.jpg", "notes.txt", "old.zip", "older.zip"):
        (folders.final / name).parent.mkdir(parents=True, exist_ok=True)
        (folders.final / name).touch()
    with caplog.at_level("INFO", "colorizer.data.download"):
        folders.fetch(host.archive())
    left = {path.name for path in folders.final.rglob("*") if path.is_file()}
    assert left == {"photo.jpg", "notes.txt", "photos.zip"}
    assert (folders.final / "folder.zip/photo.jpg").exists()
    (line,) = caplog.messages
    assert line.startswith(f"{folders.final}: removed") and line.endswith(": old.zip, older.zip")


@pytest.mark.parametrize("name", ["other.zip", "photos.zip"])
def test_nothing_goes_from_a_folder_that_a_link_leads_to(
    host: Host, folders: Folders, tmp_path: Path, name: str
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    folders.final.symlink_to(own)
    folders.fetch(host.archive())  # which takes nothing away
    (own / name).write_bytes(b"a person's own")
    with pytest.raises(ArchiveError, match=rf"{name} would be removed, but .* is a link to {own}"):
        folders.fetch(host.archive())
    assert (own / name).read_bytes() == b"a person's own"


def test_a_folder_with_an_archive_s_name_is_refused(host: Host, folders: Folders) -> None:
    (folders.final / "photos.zip/deep").mkdir(parents=True)
    with pytest.raises(ArchiveError, match="is a folder where an archive belongs"):
        folders.fetch(host.archive())
    assert (folders.final / "photos.zip/deep").is_dir()


@pytest.mark.parametrize("there", [PAYLOAD[:-1] + b"!", PAYLOAD[:-1], b""])
def test_a_file_with_another_checksum_is_fetched_again_and_nothing_it_links_to_is_harmed(
    host: Host, folders: Folders, tmp_path: Path, there: bytes
) -> None:
    linked = tmp_path / "linked"
    linked.write_bytes(there)
    folders.final.mkdir()
    (folders.final / "photos.zip").hardlink_to(linked)
    assert folders.fetch(host.archive()).read_bytes() == PAYLOAD
    assert linked.read_bytes() == there


def test_a_failure_costs_no_archive_that_is_there(host: Host, folders: Folders) -> None:
    folders.fetch(host.archive())
    host.answers = [Answer(404)]
    changed = Archive(source=host.url.replace("photos", "new"), bytes=9, md5="0" * 32)
    with pytest.raises(ArchiveError):
        folders.fetch(changed)
    assert [path.name for path in folders.final.iterdir()] == ["photos.zip"]


@pytest.mark.parametrize(("cached", "requests"), [(PAYLOAD, 0), (PAYLOAD[:-1] + b"!", 1)])
def test_a_deleted_archive_comes_from_dvcs_cache_if_it_is_whole_there(
    host: Host, folders: Folders, tmp_path: Path, cached: bytes, requests: int
) -> None:
    archive = host.archive()
    path = tmp_path / "cache" / archive.md5[:2] / archive.md5[2:]
    path.parent.mkdir(parents=True)
    path.write_bytes(cached)
    fetch([archive], folders.final, partial=folders.partial, cache=tmp_path / "cache")
    assert (folders.final / archive.name).read_bytes() == PAYLOAD
    assert len(host.ranges) == requests


def test_local_archive_is_copied_under_its_own_name(
    make_archive: MakeArchive, folders: Folders
) -> None:
    archive = make_archive({"im1.jpg": b"one"})
    path = folders.fetch(archive)
    assert path == folders.final / "photos.zip"
    assert path.read_bytes() == Path(archive.source).read_bytes()
    assert list(folders.partial.iterdir()) == []


def test_local_archive_is_fetched_again_over_an_older_one(
    make_archive: MakeArchive, folders: Folders
) -> None:
    folders.fetch(make_archive({"im1.jpg": b"one"}))
    newer = make_archive({"im1.jpg": b"another"})
    assert folders.fetch(newer).read_bytes() == Path(newer.source).read_bytes()


def test_missing_local_archive_is_an_error(make_archive: MakeArchive, folders: Folders) -> None:
    archive = make_archive({"im1.jpg": b"one"})
    Path(archive.source).unlink()
    assert "not found" in folders.fail(archive)


def test_local_archive_of_another_size_is_an_error_that_gives_both(
    make_archive: MakeArchive, folders: Folders
) -> None:
    archive = make_archive({"im1.jpg": b"one"})
    message = folders.fail(archive.model_copy(update={"bytes": 1_234_567}))
    assert "1,234,567" in message
    assert f"{archive.bytes:,} bytes" in message
    assert list(folders.partial.iterdir()) == []


def test_download_has_the_url_s_file_name(host: Host, folders: Folders) -> None:
    path = folders.fetch(host.archive())
    assert path == folders.final / "photos.zip"
    assert path.read_bytes() == PAYLOAD
    assert host.ranges == [None]
    assert list(folders.partial.iterdir()) == []


def test_download_goes_on_from_exactly_where_the_connection_was_lost(
    host: Host, folders: Folders
) -> None:
    host.answers = [Answer(drop_after=100_001), Answer(drop_after=150_000), Answer()]
    assert folders.fetch(host.archive()).read_bytes() == PAYLOAD
    assert host.ranges == [None, "bytes=100001-", "bytes=250001-"]


def test_download_outlives_more_drops_than_attempts_if_each_brings_bytes(
    host: Host, folders: Folders
) -> None:
    host.answers = [Answer(drop_after=25_000)]
    assert folders.fetch(host.archive()).read_bytes() == PAYLOAD
    starts = range(25_000, len(PAYLOAD), 25_000)
    assert len(starts) > ATTEMPTS
    assert host.ranges == [None, *(f"bytes={start}-" for start in starts)]


def test_download_starts_afresh_if_the_server_knows_no_ranges(host: Host, folders: Folders) -> None:
    host.answers = [Answer(drop_after=100_000), Answer(knows_ranges=False)]
    assert folders.fetch(host.archive()).read_bytes() == PAYLOAD
    assert host.ranges == [None, "bytes=100000-"]


def test_download_that_never_ends_keeps_its_part_for_the_next_run(
    host: Host, folders: Folders
) -> None:
    archive = host.archive()
    host.answers = [Answer(drop_after=40_000), Answer(drop_after=0)]
    message = folders.fail(archive)
    assert "make demo" in message
    assert "40,000 of 300,000 bytes are kept" in message
    assert host.ranges == [None] + ["bytes=40000-"] * ATTEMPTS
    assert folders.part(archive).read_bytes() == PAYLOAD[:40_000]

    host.answers, host.ranges = [Answer()], []
    assert folders.fetch(archive).read_bytes() == PAYLOAD
    assert host.ranges == ["bytes=40000-"]


@pytest.mark.parametrize(
    "drops", [(40_000,), (40_000, 60_000)], ids=["in the same place", "here and there"]
)
def test_download_gives_up_on_a_server_that_knows_no_ranges_and_always_drops(
    host: Host, folders: Folders, drops: tuple[int, ...]
) -> None:
    useless = [Answer(knows_ranges=False, drop_after=drop) for drop in drops]
    bound = Answer(status=404)  # ends the test should `fetch` never give up
    host.answers = [*useless * 30, bound]
    assert "cannot download" in folders.fail(host.archive())
    assert len(host.ranges) <= 3 * ATTEMPTS


def test_unfinished_download_of_an_earlier_run_is_resumed(host: Host, folders: Folders) -> None:
    archive = host.archive()
    folders.partial.mkdir()
    folders.part(archive).write_bytes(PAYLOAD[:123_456])
    assert folders.fetch(archive).read_bytes() == PAYLOAD
    assert host.ranges == ["bytes=123456-"]


def test_complete_download_of_an_earlier_run_is_used(host: Host, folders: Folders) -> None:
    archive = host.archive()
    folders.partial.mkdir()
    folders.part(archive).write_bytes(PAYLOAD)
    assert folders.fetch(archive).read_bytes() == PAYLOAD
    assert host.ranges == []


def test_damaged_leftover_of_an_earlier_run_is_discarded(host: Host, folders: Folders) -> None:
    archive = host.archive()
    folders.partial.mkdir()
    folders.part(archive).write_bytes(PAYLOAD[:-1] + b"?")
    assert "run again" in folders.fail(archive)
    assert folders.fetch(archive).read_bytes() == PAYLOAD
    assert host.ranges == [None]


def test_leftover_of_a_longer_archive_is_discarded_at_once(host: Host, folders: Folders) -> None:
    archive = Archive(source=host.url, bytes=len(PAYLOAD))  # whose MD5 nobody has verified
    folders.partial.mkdir()
    (folders.partial / "photos.zip.part").write_bytes(PAYLOAD + b"?")
    assert folders.fetch(archive).read_bytes() == PAYLOAD
    assert host.ranges == [None]


@pytest.mark.parametrize("status", [404, 403, 410])
def test_refusal_is_an_error_at_once_that_names_the_status(
    host: Host, folders: Folders, status: int
) -> None:
    host.answers = [Answer(status=status)]
    message = folders.fail(host.archive())
    assert f"HTTP {status}" in message
    assert "make demo" in message
    assert host.ranges == [None]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_busy_server_is_asked_again(host: Host, folders: Folders, status: int) -> None:
    host.answers = [Answer(status=status), Answer(status=status), Answer()]
    assert folders.fetch(host.archive()).read_bytes() == PAYLOAD
    assert host.ranges == [None] * 3


def test_server_that_stays_busy_is_an_error_that_names_the_status(
    host: Host, folders: Folders
) -> None:
    host.answers = [Answer(status=503)]
    message = folders.fail(host.archive())
    assert "HTTP 503" in message
    assert "make demo" in message
    assert host.ranges == [None] * ATTEMPTS


def test_refused_connection_is_an_error_that_says_so(host: Host, folders: Folders) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/photos.zip"
    message = folders.fail(host.archive().model_copy(update={"source": url}))
    assert "refused" in message
    assert "make demo" in message


def test_download_with_another_md5_is_discarded(host: Host, folders: Folders) -> None:
    archive = host.archive(payload=b"another archive")
    message = folders.fail(archive)
    assert archive.md5 in message
    assert hashlib.md5(PAYLOAD).hexdigest() in message
    assert list(folders.partial.iterdir()) == []


@pytest.mark.parametrize("kept", [0, 5_000], ids=["from the start", "while resuming"])
def test_announced_size_that_differs_is_an_error_before_anything_is_stored(
    host: Host, folders: Folders, kept: int
) -> None:
    archive = host.archive(length=len(PAYLOAD) + 1)
    folders.partial.mkdir()
    folders.part(archive).write_bytes(PAYLOAD[:kept])
    message = folders.fail(archive)
    assert "300,000" in message
    assert "300,001" in message
    assert len(host.ranges) == 1
    assert folders.part(archive).stat().st_size == kept


def test_too_little_disk_is_an_error_before_anything_is_asked_for(
    host: Host, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=299_999))
    message = folders.fail(host.archive())
    assert "300,000 bytes are needed" in message
    assert "299,999 are free" in message
    assert host.ranges == []


def test_disk_needs_room_only_for_what_is_missing(
    host: Host, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = host.archive()
    folders.partial.mkdir()
    folders.part(archive).write_bytes(PAYLOAD[:200_000])
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=100_000))
    assert folders.fetch(archive).read_bytes() == PAYLOAD


def test_too_little_disk_for_a_copy_is_an_error(
    make_archive: MakeArchive, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1))
    assert "too little disk" in folders.fail(make_archive({"im1.jpg": b"one"}))
    assert list(folders.partial.iterdir()) == []


@contextlib.contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let no file grow beyond some bytes, as where the disk is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_keeps_what_came_and_the_next_run_goes_on_from_there(
    host: Host, folders: Folders
) -> None:
    archive = host.archive()
    with files_of_at_most(150_000):
        message = folders.fail(archive)
    assert "the disk is full" in message
    assert "150,000 of 300,000 bytes: make room" in message
    assert folders.fetch(archive).read_bytes() == PAYLOAD
    assert host.ranges == [None, "bytes=150000-"]


def test_an_archive_that_does_not_fit_beside_the_others_is_not_there_in_part(
    host: Host, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    def move_half(source: Path, target: Path) -> None:  # as from one disk to another
        target.write_bytes(source.read_bytes()[:1000])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "move", move_half)
        with pytest.raises(OSError, match="No space left"):
            folders.fetch(host.archive())
    assert list(folders.final.iterdir()) == []
    assert folders.fetch(host.archive()).read_bytes() == PAYLOAD
    assert len(host.ranges) == 1  # the part was whole


def test_what_is_complete_is_not_fetched_again_when_another_archive_fails(
    folders: Folders, make_archive: Callable[..., Archive]
) -> None:
    first = make_archive({"a.jpg": b"first"}, "first.zip")
    second = make_archive({"b.jpg": b"second"}, "second.zip")
    missing = second.model_copy(update={"source": "nowhere.zip"})
    with pytest.raises(ArchiveError, match=r"nowhere\.zip not found"):
        fetch([first, missing], folders.final, partial=folders.partial)
    assert list(folders.final.iterdir()) == []
    assert folders.part(first).stat().st_size == first.bytes
    fetch([first, second], folders.final, partial=folders.partial)
    assert sorted(path.name for path in folders.final.iterdir()) == ["first.zip", "second.zip"]
    assert list(folders.partial.iterdir()) == []


def test_archive_that_nobody_measured_is_fetched_once_and_its_checksum_is_printed(
    host: Host, folders: Folders, caplog: pytest.LogCaptureFixture
) -> None:
    host.answers = [Answer(drop_after=100_000), Answer()]
    archive = Archive.model_validate({"source": host.url, "bytes": None, "md5": None})
    assert folders.fetch(archive).read_bytes() == PAYLOAD
    assert hashlib.md5(PAYLOAD).hexdigest() in caplog.text
    assert "nobody has verified" in caplog.text
    assert folders.fetch(archive).read_bytes() == PAYLOAD
    assert host.ranges == [None, "bytes=100000-"]
    folders.fetch(host.archive())  # the checksum, written down, is of what is there
    assert len(host.ranges) == 2


def test_local_archive_that_nobody_measured_is_copied(
    make_archive: MakeArchive, folders: Folders
) -> None:
    archive = Archive(source=make_archive({"a.jpg": b"a"}).source)
    assert folders.fetch(archive).read_bytes() == Path(archive.source).read_bytes()


def test_archive_of_unknown_length_at_a_server_that_is_gone_is_an_error(folders: Folders) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/photos.zip"
    message = folders.fail(Archive(source=url))
    assert "give its bytes" in message


OLD = bytes(len(PAYLOAD))
CHANGED = {"etag": '"2"'}

MENDED = {
    "ends at every tenth": ([Answer(drop_after=30_000)], 10),
    "ends before its first byte": ([Answer(drop_after=0), Answer()], 2),
    "stalls": ([Answer(drop_after=120_000, stall=0.3)] * 2 + [Answer()], 3),
    "knows no ranges": ([Answer(drop_after=9), Answer(knows_ranges=False)], 2),
    "sends another part": ([Answer(drop_after=9), Answer(shift=5), Answer()], 3),
    "does not say how much": ([Answer(says_length=False, drop_after=99), Answer()], 2),
    "is elsewhere": ([Answer(302, location="/moved.zip"), Answer()], 2),
    "has the same": ([Answer(etag='"1"', drop_after=9), Answer(etag='"1"')], 2),
    "has changed": ([Answer(etag='"1"', payload=OLD, drop_after=9), Answer(**CHANGED)], 2),
    "has changed, not heeding": (
        [Answer(etag='"1"', payload=OLD, drop_after=9)]
        + [Answer(heeds_if_range=False, **CHANGED)] * 2,
        3,
    ),
    "has a vague name for it": ([Answer(etag='W/"1"', drop_after=9), Answer(etag='W/"2"')], 2),
}
"""Answers of a server, and how many requests it takes to have the file."""


@pytest.mark.parametrize("case", MENDED)
def test_whatever_a_server_does_the_file_is_whole_in_the_end(
    host: Host, folders: Folders, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    monkeypatch.setattr(http_download, "TIMEOUT", (5, 0.1 if case == "stalls" else 5))
    answers, requests = MENDED[case]
    host.answers = list(answers)
    assert folders.fetch(host.archive()).read_bytes() == PAYLOAD
    assert len(host.ranges) == requests
    assert list(folders.partial.iterdir()) == []


def test_a_file_that_changed_between_two_runs_is_fetched_anew(host: Host, folders: Folders) -> None:
    host.answers = [Answer(etag='"1"', payload=OLD, drop_after=end) for end in (9, 0)]
    assert "9 of 300,000 bytes are kept" in folders.fail(host.archive())
    host.answers = [Answer(**CHANGED)]
    assert folders.fetch(host.archive()).read_bytes() == PAYLOAD


ENDLESS = Answer(payload=PAYLOAD + b"more", says_length=False)

REFUSED = {
    "sends too much": ([ENDLESS], "has over 300,000 bytes, but params.yaml expects 300,000"),
    "has too little": (
        [Answer(payload=PAYLOAD[:-1], says_length=False)],
        "has at most 299,999 bytes, but params.yaml expects 300,000",
    ),
    "names itself without end": ([Answer(302, location="/photos.zip")], "Exceeded 30 redirects"),
    "names a file here": ([Answer(302, location="file:///etc/passwd")], "No connection adapters"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_asking_again_does_not_mend_is_said_at_once(
    host: Host, folders: Folders, case: str
) -> None:
    host.answers, said = list(REFUSED[case][0]), REFUSED[case][1]
    assert said in folders.fail(host.archive())
    assert len(host.ranges) in (1, 2, 31)
    for part in folders.partial.glob("*.part"):
        assert part.stat().st_size <= len(PAYLOAD)  # however much is sent


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl, which makes certificates")
def test_a_certificate_that_is_not_trusted_is_said_at_once(
    folders: Folders, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pem = tmp_path / "own.pem"
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", pem)
    command = ("openssl", "req", "-x509", "-subj", "/CN=localhost", "-days", "2", *key)
    made = subprocess.run(
        [*command, "-out", tmp_path / "cert.pem"], capture_output=True, check=False
    )
    assert made.returncode == 0, made.stderr
    pem.write_bytes(pem.read_bytes() + (tmp_path / "cert.pem").read_bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with socket.create_server(("127.0.0.1", 0)) as plain:
        url = f"https://127.0.0.1:{plain.getsockname()[1]}/photos.zip"

        def answer() -> None:
            with contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) as tls:
                tls.accept()

        thread = threading.Thread(target=answer)
        thread.start()
        message = folders.fail(Archive(source=url, bytes=9, md5="0" * 32))
        thread.join()
    assert "its certificate is not trusted (self" in message
    assert "REQUESTS_CA_BUNDLE" in message
    assert "trying again" not in caplog.text


def test_proxy_variables_are_honored(
    host: Host, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = "http://photos.example/photos.zip"
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("http_proxy", host.url.partition("/photos")[0])
    archive = host.archive().model_copy(update={"source": elsewhere})
    assert folders.fetch(archive).read_bytes() == PAYLOAD
    assert host.paths == [elsewhere]
