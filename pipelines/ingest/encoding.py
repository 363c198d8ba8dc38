"""How a text file writes its characters: sniffed from all of its bytes, and copied to UTF-8 where it differs.

Memory stays at a mebibyte however large the file: it is read as a stream, twice at most.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import SourceError
from pipelines.ingest.unpack import chunks, unreadable

SAMPLE = 1 << 20
_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
# Bytes that stand in no text in Windows-1252: control characters, and the five it does not define.
_NO_TEXT = bytes({*range(9), 11, *range(14, 32), 127, 0x81, 0x8D, 0x8F, 0x90, 0x9D})
_UTF8_LETTER = re.compile(rb"[\xc3-\xc5][\x80-\xbf]")


@dataclass(frozen=True)
class Scan:
    """What the bytes of a file say, read once.

    `sample` is its beginning, unpacked. `not_utf8` and `nul` are the lines (from 1) of the first byte that is
    not UTF-8, and of the first NUL. `newlines` holds the kinds of line ends in it.
    """

    sample: bytes
    size: int
    not_utf8: int | None
    nul: int | None
    newlines: frozenset[str]

    @property
    def has_mark(self) -> bool:
        return self.sample.startswith(tuple(_MARKS))


def scan(path: Path, compression: str, max_line: int | None = None) -> Scan:
    """Read a file's bytes through.

    Raises
    ------
    SourceError
        When the file is damaged, or a line is longer than `max_line` bytes.
    """
    unbroken = 0
    decoder = codecs.getincrementaldecoder("utf-8")()
    sample, size, line = b"", 0, 1
    not_utf8: int | None = None
    nul: int | None = None
    ends, last = {"\n": 0, "\r\n": 0, "\r": 0}, b""
    for piece in chunks(path, compression):
        if len(sample) < SAMPLE:
            sample += piece[: SAMPLE - len(sample)]
        if not_utf8 is None:
            try:
                decoder.decode(piece)
            except UnicodeDecodeError as error:
                not_utf8 = line + piece[: error.start].count(b"\n")
        if nul is None and b"\0" in piece:
            nul = line + piece[: piece.index(b"\0")].count(b"\n")
        feeds, returns = piece.count(b"\n"), piece.count(b"\r")
        both = (piece.count(b"\r\n") if returns else 0) + (last == b"\r" and piece.startswith(b"\n"))
        ends["\n"] += feeds - both
        ends["\r"] += returns - both
        ends["\r\n"] += both
        if feeds or returns:
            unbroken = len(piece) - 1 - max(piece.rfind(b"\n"), piece.rfind(b"\r"))
        else:
            unbroken += len(piece)
        line, size, last = line + feeds, size + len(piece), piece[-1:]
        if max_line is not None and unbroken > max_line:
            raise SourceError(
                f"{path}: line {line} is longer than {max_line:,} bytes; expected a table."
                " Is a line end missing?"
            )
    try:
        decoder.decode(b"", final=True) if not_utf8 is None else None
    except UnicodeDecodeError:
        not_utf8 = line
    return Scan(sample, size, not_utf8, nul, frozenset(end for end, count in ends.items() if count))


def encoding_of(path: Path, compression: str, found: Scan, stated: str | None) -> str:
    """The file's encoding, as Python names it: as stated, or sniffed.

    A byte order mark decides; else NULs at every other place are UTF-16; else valid UTF-8 is UTF-8; else
    bytes that all stand for characters in it are Windows-1252.

    Parameters
    ----------
    path : the file.
    compression : how the file is compressed; empty for not at all.
    found : what a scan of the bytes found.
    stated : the encoding that the source states, if it does.

    Raises
    ------
    SourceError
        When the bytes are not text, not in the stated encoding, or in more than one.
    """
    encoding = stated or _marked(found.sample) or _wide(found.sample)
    if not (encoding or "").startswith("utf-16") and found.nul is not None:
        raise SourceError(
            f"{path}: line {found.nul} contains a NUL byte, so the file is truncated or is not a text"
            " file. Send the file again"
        )
    if encoding is None:
        encoding = "utf-8" if found.not_utf8 is None else _single_byte(path, compression, found.not_utf8)
    if encoding == "utf-8" and found.not_utf8 is not None:
        raise SourceError(
            f"{path}: line {found.not_utf8} is not UTF-8, although csv.encoding says so. Correct"
            " csv.encoding, or send the file again"
        )
    return encoding


def _marked(sample: bytes) -> str | None:
    return next((name for mark, name in _MARKS.items() if sample.startswith(mark)), None)


def _wide(sample: bytes) -> str | None:
    """UTF-16 without its mark: half of the bytes of a table are NUL."""
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if max(even, odd) < 0.2 * len(sample) or min(even, odd) > 0.02 * len(sample):
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _single_byte(path: Path, compression: str, line: int) -> str:
    """`windows-1252` where every byte is a character of it; a second reading, of such files only."""
    for piece in chunks(path, compression):
        if len(piece.translate(None, _NO_TEXT)) < len(piece):
            raise SourceError(
                f"{path}: line {line} is not UTF-8, and the file is not Windows-1252 either."
                " Set csv.encoding, or send it as UTF-8"
            )
        if _UTF8_LETTER.search(piece):
            raise SourceError(
                f"{path}: line {line} is not UTF-8, and other lines are: the file mixes two encodings. Say"
                " csv.encoding if it does not, or send it in one"
            )
    return "windows-1252"


def copy_as_utf8(path: Path, compression: str, encoding: str, target: Path) -> None:
    """Write the file as UTF-8 with lines that end in a line feed, unpacked, without byte order mark.

    Parameters
    ----------
    path : the file.
    compression : how the file is compressed; empty for not at all.
    encoding : the encoding of the file, as Python names it.
    target : the file to write.

    Raises
    ------
    SourceError
        When a byte does not fit the encoding, naming its line, or the copy cannot be written.
    """
    codec = {"utf-8": "utf-8-sig"}.get(encoding, encoding)
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(codec)(), translate=True)
    line = 1
    try:
        with target.open("w", encoding="utf-8", newline="") as copy:
            for text in _decoded(path, compression, decoder):
                if "\0" in text:
                    at = line + text[: text.index("\0")].count("\n")
                    raise SourceError(f"{path}: line {at} holds a NUL character; expected text")
                copy.write(text)
                line += text.count("\n")
    except UnicodeError:
        raise SourceError(
            f"{path}: is not {encoding} at or after line {line}. Set csv.encoding, or send the file again"
        ) from None
    except OSError as error:
        raise unreadable(path, error) from None


def _decoded(path: Path, compression: str, decoder: io.IncrementalNewlineDecoder) -> Iterator[str]:
    for piece in chunks(path, compression):
        yield decoder.decode(piece)
    yield decoder.decode(b"", final=True)
