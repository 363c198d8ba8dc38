"""Text files as plain bytes: compressed ones unpacked as a stream, and no more than a file may hold.

What is compressed is told by the first bytes, not by the name. DuckDB reads gzip and zstd by itself; the
others are unpacked by the standard library, which has no zstd before Python 3.14: `pipelines.ingest.reading`
leaves that to DuckDB.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pipelines.errors import SourceError

CHUNK = 1 << 20
# A file that grows so much is made to fill a disk: tables of text shrink 5 to 50 times.
MAX_GROWTH = 200
GROWTH_FROM = 64 << 20

_MAGIC = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
}
ENDINGS = {".gz": "gzip", ".zst": "zstd", ".bz2": "bzip2", ".xz": "xz", ".zip": "zip"}

_OPENERS: dict[str, Callable[[Path, str], IO[bytes]]] = {
    "": Path.open,
    "gzip": gzip.open,  # type: ignore[dict-item]
    "bzip2": bz2.open,  # type: ignore[dict-item]
    "xz": lzma.open,  # type: ignore[dict-item]
}
_DAMAGE = (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, gzip.BadGzipFile, NotImplementedError)


def compression_of(path: Path) -> str:
    """`gzip`, `zstd`, `bzip2`, `xz`, `zip`, or an empty text for a plain file.

    Raises
    ------
    SourceError
        When the file's name promises a compression that its first bytes do not keep.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(8)
    except OSError as error:
        raise unreadable(path, error) from None
    found = next((name for magic, name in _MAGIC.items() if head.startswith(magic)), "")
    promised = ENDINGS.get(path.suffix.lower(), "")
    if promised and promised != found:
        raise SourceError(f"{path}: is not a {promised} file, as its ending says. Send the file again")
    return found


def chunks(path: Path, compression: str) -> Iterator[bytes]:
    """The file's unpacked bytes in pieces of at most a mebibyte.

    Raises
    ------
    SourceError
        When the file is damaged or truncated, or grows beyond what a table of text does.
    """
    packed, unpacked = path.stat().st_size, 0
    try:
        with _open(path, compression) as stream:
            while piece := stream.read(CHUNK):
                unpacked += len(piece)
                if compression:
                    refuse_growth(path, packed, unpacked)
                yield piece
    except _DAMAGE:
        raise SourceError(
            f"{path}: is damaged or truncated: it does not unpack as {compression}. Send the file again"
        ) from None
    except OSError as error:
        if compression == "bzip2" and error.errno is None:
            raise SourceError(
                f"{path}: is damaged or truncated: it does not unpack as bzip2. Send the file again"
            ) from None
        raise unreadable(path, error) from None


def refuse_growth(path: Path, packed: int, unpacked: int) -> None:
    """Stop at a file that unpacks to far more than it can honestly hold.

    Raises
    ------
    SourceError
        When it unpacks to more than the limits allow.
    """
    if unpacked > GROWTH_FROM and unpacked > MAX_GROWTH * packed:
        raise SourceError(
            f"{path}: unpacks to more than {MAX_GROWTH} times its {packed:,} bytes, as a file made to fill a"
            " disk does; expected a table. Send it less compressed if it is honest"
        )


def zstd_is_whole(path: Path) -> bool:
    """Whether every zstd frame of a file ends within it: DuckDB reads a file cut short as a shorter one.

    Only the headers of frames and blocks are read (RFC 8878); the rest is passed over.
    """
    end = path.stat().st_size
    with path.open("rb") as stream:
        while stream.tell() < end:
            magic = stream.read(4)
            if len(magic) == 4 and magic[1:] == b"\x2a\x4d\x18" and magic[0] >> 4 == 5:  # skippable
                stream.seek(int.from_bytes(stream.read(4), "little"), 1)
            elif magic != b"\x28\xb5\x2f\xfd" or not _pass_frame(stream):
                return False
        return stream.tell() == end


def _pass_frame(stream: IO[bytes]) -> bool:
    """Go to the end of a frame whose magic number has been read; False where the file ends before."""
    descriptor = stream.read(1)
    if not descriptor:
        return False
    flags = descriptor[0]
    is_single = flags >> 5 & 1
    size_of_size = (0, 2, 4, 8)[flags >> 6] or is_single
    stream.seek((0, 1, 2, 4)[flags & 3] + size_of_size + (0 if is_single else 1), 1)
    while True:
        header = stream.read(3)
        if len(header) < 3:
            return False
        block = int.from_bytes(header, "little")
        is_repeated = block >> 1 & 3 == 1
        stream.seek(1 if is_repeated else block >> 3, 1)
        if block & 1:
            stream.seek(4 if flags >> 2 & 1 else 0, 1)
            return True


def unreadable(path: Path, error: OSError) -> SourceError:
    """The fault of a file that the system does not let us read."""
    return SourceError(f"{path}: cannot be read: {error.strerror or 'the system refuses it'}")


@contextmanager
def _open(path: Path, compression: str) -> Iterator[IO[bytes]]:
    if compression == "zip":
        with zipfile.ZipFile(path) as archive, archive.open(_only_member(path, archive)) as member:
            yield member
        return
    with _OPENERS[compression](path, "rb") as stream:
        yield stream


def _only_member(path: Path, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    # macOS packs what it knows of a file beside it.
    members = [
        member
        for member in archive.infolist()
        if not member.is_dir() and not member.filename.startswith("__MACOSX/")
    ]
    if len(members) != 1:
        raise SourceError(f"{path}: holds {len(members)} files; expected a zip of one")
    if members[0].flag_bits & 1:
        raise SourceError(f"{path}: is encrypted; expected a zip without password")
    return members[0]
