"""Files behind an address, on a real S3 server of moto and a local web server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fixtures.fetched import Fetched, fetched
from fixtures.web import Answer, Request, Service

from pipelines.errors import SourceError
from resources.landing import ledger_name, new_files

HEADER = "id,customer,at,amount\n"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    why = "no S3 server: install moto with flask and flask-cors (they are in requirements.lock)"
    ThreadedMotoServer = pytest.importorskip("moto.server", reason=why).ThreadedMotoServer  # noqa: N806
    one = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    one.start()
    host, port = one.get_host_and_port()
    yield f"http://{host}:{port}"
    one.stop()


@pytest.fixture
def bucket(server: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An empty bucket, `shop`, that the environment leads to."""
    import boto3
    import requests

    for name, value in {
        "AWS_ENDPOINT_URL": server,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "s3cr3t",
        "AWS_DEFAULT_REGION": "eu-north-1",
    }.items():
        monkeypatch.setenv(name, value)
    requests.post(f"{server}/moto-api/reset", timeout=10)
    client = boto3.client("s3")
    client.create_bucket(Bucket="shop", CreateBucketConfiguration={"LocationConstraint": "eu-north-1"})
    return client


def put(bucket: Any, key: str, text: str) -> None:
    bucket.put_object(Bucket="shop", Key=key, Body=(HEADER + text).encode())


def shop(root: Path, files: str = "s3://shop/in/*.csv") -> Fetched:
    return fetched(root, files=files)


def downloads(one: Fetched) -> dict[str, int]:
    """File name -> the inode of its download: another one, when it was downloaded again."""
    return {path.name: path.stat().st_ino for path in one.fetch()}


def test_the_files_of_a_glob_are_mirrored(bucket: Any, tmp_path: Path) -> None:
    for key in ("in/b.csv", "in/a.csv", "in/c.txt", "in/.d.csv", "in/deep/e.csv", "out/f.csv"):
        put(bucket, key, "1,c1,2026-03-01,10\n")
    one = shop(tmp_path)
    assert [path.name for path in one.fetch()] == ["a.csv", "b.csv"]
    assert one.fetch()[0].read_text() == HEADER + "1,c1,2026-03-01,10\n"
    assert one.left_behind() == ["remote.json"]
    assert ledger_name(one.project, one.source, one.fetch()[0]) == (
        ".lohko/landing/shop/remote/shop/in/a.csv"
    )


def test_only_new_and_changed_files_are_downloaded(bucket: Any, tmp_path: Path) -> None:
    put(bucket, "in/a.csv", "1,c1,2026-03-01,10\n")
    put(bucket, "in/b.csv", "2,c1,2026-03-01,10\n")
    one = shop(tmp_path)
    before = downloads(one)
    os.link(one.fetch()[0], tmp_path / "kept")  # so that its inode is not given to another file
    os.link(one.fetch()[1], tmp_path / "kept too")
    put(bucket, "in/b.csv", "2,c1,2026-03-01,99\n")
    put(bucket, "in/c.csv", "3,c1,2026-03-01,10\n")
    after = downloads(one)
    assert after["a.csv"] == before["a.csv"]
    assert after["b.csv"] != before["b.csv"]
    assert sorted(after) == ["a.csv", "b.csv", "c.csv"]


def test_a_file_uploaded_again_unchanged_is_not_new_to_the_ledger(bucket: Any, tmp_path: Path) -> None:
    put(bucket, "in/a.csv", "1,c1,2026-03-01,10\n")
    one = shop(tmp_path)
    (file,) = new_files(one.fetch(), {})
    known = {file.name: {"size": file.size, "mtime_ns": file.mtime_ns, "sha256": file.sha256}}
    put(bucket, "in/a.csv", "1,c1,2026-03-01,10\n")
    assert new_files(one.fetch(), known) == []
    put(bucket, "in/a.csv", "1,c1,2026-03-01,11\n")
    assert [new.name for new in new_files(one.fetch(), known)] == [file.name]


def test_a_file_gone_there_is_gone_here(bucket: Any, tmp_path: Path) -> None:
    put(bucket, "in/a.csv", "")
    put(bucket, "in/b.csv", "")
    one = shop(tmp_path)
    one.fetch()
    bucket.delete_object(Bucket="shop", Key="in/a.csv")
    assert [path.name for path in one.fetch()] == ["b.csv"]
    assert one.left_behind() == ["remote.json"]


def test_one_file_may_be_named(bucket: Any, tmp_path: Path) -> None:
    put(bucket, "in/a.csv", "")
    assert [path.name for path in shop(tmp_path, "s3://shop/in/a.csv").fetch()] == ["a.csv"]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ("s3://shop/in/*.parquet", "no file matches s3://shop/in/"),
        ("s3://shop/in/no.csv", "no such file or bucket"),
        ("s3://nowhere/in/*.csv", "no file matches|no such file or bucket"),
    ],
)
def test_no_file_is_told_and_what_was_mirrored_stays(
    bucket: Any, tmp_path: Path, files: str, expected: str
) -> None:
    put(bucket, "in/a.csv", "")
    shop(tmp_path).fetch()
    with pytest.raises(SourceError, match=expected):
        shop(tmp_path, files).fetch()
    assert shop(tmp_path).files() == ["a.csv"]


def test_a_server_that_is_not_there_is_told_without_the_key(
    bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(SourceError, match=r"s3://shop/in/\*\.csv cannot be read") as told:
        shop(tmp_path).fetch()
    assert "s3cr3t" not in str(told.value)
    assert told.value.__cause__ is None


def test_a_file_of_a_web_server_is_downloaded_when_its_etag_changes(service: Service, tmp_path: Path) -> None:
    body = {"text": HEADER + "1,c1,2026-03-01,10\n", "etag": '"1"'}
    service.respond = lambda _: Answer(body["text"].encode(), headers={"ETag": body["etag"]})
    one = shop(tmp_path, f"{service.address}/export/orders.csv?signature=s3cr3t")
    assert [path.name for path in one.fetch()] == ["orders.csv"]
    asked = len(service.requests)
    one.fetch()
    assert len(service.requests) == asked + 1  # its head only
    body.update(text=HEADER + "1,c1,2026-03-01,11\n", etag='"2"')
    (path,) = one.fetch()
    assert path.read_text() == body["text"]


def test_a_web_server_that_refuses_is_told_without_the_signature(service: Service, tmp_path: Path) -> None:
    def respond(_: Request) -> Answer:
        return Answer(b"", 403)

    service.respond = respond
    with pytest.raises(SourceError, match=r"orders\.csv cannot be read \(it answered 403\)") as told:
        shop(tmp_path, f"{service.address}/orders.csv?signature=s3cr3t").fetch()
    assert "s3cr3t" not in str(told.value)
