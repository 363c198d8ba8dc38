"""Files behind an fsspec address (s3://, gs://, az://, https://), mirrored to the landing.

A file is downloaded again only when what the service says of it has changed: its etag, its size or its time.
The landing's ledger then compares contents, so that a file touched and not changed brings nothing. Files gone
there are gone here, as in a local folder. Credentials come from the environment, as each service's own tools
read them.
"""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote, urlsplit

from pipelines.config.connectors import scheme_of
from pipelines.errors import SourceError

_PACKAGES = {"s3": "s3", "gs": "gcs", "gcs": "gcs", "az": "azure", "abfs": "azure", "abfss": "azure"}


def mirror(folder: Path, name: str, address: str) -> None:
    """Make `folder`/remote/ hold what `address`, a file or a glob, names now.

    Raises
    ------
    SourceError
        When the service does not answer, refuses, or has no such file. What was mirrored before stays.
    """
    shown = _shown(address)
    try:
        found = _listed(name, address)
        if not found:
            raise SourceError(f"sources.{name}: no file matches {shown}; expected at least one")
        _download(folder, name, address, found)
    except SourceError:
        raise
    except Exception as fault:  # noqa: BLE001 - every service has faults of its own, and their text may hold a key
        raise SourceError(f"sources.{name}: {shown} cannot be read ({_reason(fault)})") from None


def mirrored(folder: Path) -> list[Path]:
    """The files of the last mirror, sorted."""
    return sorted(folder / "remote" / entry["file"] for entry in _manifest(folder).values())


def _filesystem(name: str, address: str) -> Any:
    import fsspec

    scheme = scheme_of(address) or ""
    extra = _PACKAGES.get(scheme, "https")
    try:
        # An instance of its own: the shared one remembers listings, and a daemon would never see a new file.
        return fsspec.filesystem(scheme, skip_instance_cache=True, use_listings_cache=False)
    except (ImportError, ValueError):
        raise SourceError(
            f"sources.{name}: {scheme}:// needs the extra `{extra}`: pip install -e '.[{extra}]'"
        ) from None


def _listed(name: str, address: str) -> dict[str, dict[str, Any]]:
    """Remote path -> what the service says of the file."""
    files = _filesystem(name, address)
    if scheme_of(address) in ("http", "https"):
        return {address: files.info(address)}
    if any(sign in address for sign in "*?["):
        found: dict[str, dict[str, Any]] = files.glob(address, detail=True)
    else:
        found = {files._strip_protocol(address): files.info(address)}
    return {
        path: info
        for path, info in sorted(found.items())
        if info.get("type") == "file" and not PurePosixPath(path).name.startswith(".")
    }


def _download(folder: Path, name: str, address: str, found: dict[str, dict[str, Any]]) -> None:
    before = _manifest(folder)
    after: dict[str, Any] = {}
    files = _filesystem(name, address)
    for path, info in found.items():
        mark = _mark(info)
        target = folder / "remote" / _local(path)
        known = before.get(path)
        if not (mark and known and known["mark"] == mark and target.exists()):
            _fetch(files, name, path, target, info.get("size"))
        after[path] = {"file": _local(path), "mark": mark}
        # Kept file by file: what is here after a fault is not downloaded again.
        _keep(folder, {**before, **after})
    _keep(folder, after)
    for path in before.keys() - after.keys():
        (folder / "remote" / before[path]["file"]).unlink(missing_ok=True)


def _fetch(files: Any, name: str, path: str, target: Path, size: object) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.tmp")
    try:
        files.get_file(path, str(temporary))
        if isinstance(size, int) and temporary.stat().st_size != size:
            raise SourceError(
                f"sources.{name}: {_shown(path)} has {size} bytes and {temporary.stat().st_size} arrived;"
                " it may be being written, the next run reads it again"
            )
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _mark(info: dict[str, Any]) -> list[str] | None:
    """What changes when the file does; None when the service says nothing that does."""
    told = [
        info.get(key) for key in ("ETag", "etag", "content_md5", "LastModified", "last_modified", "updated")
    ]
    told = [sign for sign in told if sign]
    return [str(sign) for sign in (*told, info.get("size"))] if told else None


def _local(path: str) -> str:
    """The place of a remote file in the mirror: its own path, with nothing in it that leads elsewhere."""
    parts = urlsplit(path) if "://" in path else None
    inner = f"{parts.netloc}{parts.path}" if parts else path
    safe = [quote(part, safe=" ()+,=@[]~") for part in inner.split("/") if part not in ("", ".", "..")]
    return "/".join(safe)


def _shown(address: str) -> str:
    """An address without its parameters, where a signature may stand."""
    return address.partition("?")[0] if scheme_of(address) in ("http", "https") else address


def _reason(fault: BaseException) -> str:
    """What kind of fault it was, without its text."""
    # fsspec says "no such file" of any answer of a web server but 200, and keeps the answer as the cause.
    status = getattr(fault, "status", None) or getattr(fault.__cause__, "status", None)
    if status:
        return f"it answered {status}"
    if isinstance(fault, FileNotFoundError):
        return "no such file or bucket"
    if isinstance(fault, PermissionError) or type(fault).__name__ == "NoCredentialsError":
        return "access refused; see the credentials in the environment"
    return type(fault).__name__


def _manifest(folder: Path) -> dict[str, dict[str, Any]]:
    try:
        found: dict[str, dict[str, Any]] = json.loads((folder / "remote.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return found


def _keep(folder: Path, manifest: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / ".remote.json.tmp"
    temporary.write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    temporary.replace(folder / "remote.json")
