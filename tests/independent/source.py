"""Where `verify.py` reads a log, a folder or an address, and how it says that a file is wrong or cannot be read.

A source has two methods: `read` gives a file, or None where there is none; `names` gives the paths of the files that
match a pattern, or None where they cannot be listed.
"""
import http.client
import pathlib
import urllib.error
import urllib.request
from contextlib import contextmanager

SILENCE_SECONDS_MAX = 60


class Refused(Exception):
    """A file is not what the holder of the key signed, or what they signed does not fit together."""

    def __init__(self, file, reason):
        super().__init__(f"{file}: {reason}")
        self.file = file


class Unreadable(Exception):
    """Nothing can be said, neither for nor against."""


@contextmanager
def blaming(file):
    """Whatever is found wrong in here is wrong with this file."""
    try:
        yield
    except (ValueError, RecursionError) as error:
        raise Refused(file, error) from None


class Folder:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def read(self, path, bytes_max):
        try:
            if not (self.folder / path).is_file():
                return None
            with open(self.folder / path, "rb") as file:
                return within(path, file.read(bytes_max + 1), bytes_max)
        except OSError as error:
            raise Unreadable(f"{path}: {error}") from None

    def names(self, pattern):
        found = self.folder.glob(pattern)
        return sorted(path.relative_to(self.folder).as_posix() for path in found if path.is_file())


class Site:
    def __init__(self, address):
        self.address = address.rstrip("/")

    def read(self, path, bytes_max):
        try:
            with urllib.request.urlopen(f"{self.address}/{path}", timeout=SILENCE_SECONDS_MAX) as answer:
                data = answer.read(bytes_max + 1)
                packed, stated = answer.headers.get("Content-Encoding"), answer.headers.get("Content-Length", "0")
            if packed or len(data) < min(int(stated), bytes_max):
                raise Unreadable(f"{path}: the answer is packed ({packed}) or was cut off after {len(data)} bytes")
        except urllib.error.HTTPError as error:
            if error.code in (404, 410):
                return None
            raise Unreadable(f"{path}: {error}") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Unreadable(f"{path}: {error}") from None
        return within(path, data, bytes_max)

    def names(self, pattern):
        return None


def within(path, data, bytes_max):
    if len(data) > bytes_max:
        raise Refused(path, f"it is larger than the {bytes_max} bytes it may have")
    return data
