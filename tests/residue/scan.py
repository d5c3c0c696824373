#!/usr/bin/env python3
"""Looks from outside, sharing no code with overt, for remains of given templates and pictures in files and in processes.

README.md beside this file says how to run it, what a clean answer means, and what it cannot see.

How it searches: every needle is written in each form it might be left in. Of each form some words of 8 bytes are kept,
chosen so that any long enough remain holds one of them on a multiple of 8, wherever it begins. What is searched is then
read as 8-byte words, each looked up in one table: the time hardly depends on the number of needles. Where a known word
stands, its surroundings are compared too, and only a whole stretch counts.
"""

import argparse
import json
import math
import os
import re
import stat
import struct
import sys
import zlib
from pathlib import Path

from needles import DISTINCT_MIN, pieces, read_template

FOUND_NOTHING, FOUND, UNREADABLE, PROCESS_UNREADABLE = 0, 1, 2, 3

CHUNK_BYTES = 8 << 20  # read at a time
MARGIN_BYTES = 4096  # read again around each chunk, so that a remain across its edge is seen whole
ZEROS = bytes(1 << 16)  # empty memory is skipped in blocks of this size
PAGE_BYTES = 4096
WORD_DISTINCT_MIN = 4  # different bytes in a word that is kept
TAME_MAX = 1e3  # no template has a value beyond this; other bytes read as floats often do, and count as zero


class Gone(Exception):
    """A process has no memory (any more)."""


class Exact:
    """Finds remains that have the very bytes of a piece."""

    def __init__(self, wanted):
        self.pieces, self.words, self.windows = wanted, {}, 0
        for number, piece in enumerate(wanted):
            step = max(8, (piece.sure - 7) // 8 * 8)
            self.windows += len(range(0, len(piece.data) - 7, step))
            for phase in range(8):
                due = 0
                for at in range(phase, len(piece.data) - 7, 8):
                    word = piece.data[at : at + 8]
                    if at >= due and len(set(word)) >= WORD_DISTINCT_MIN:
                        self.words.setdefault(int.from_bytes(word, sys.byteorder), []).append((number, at))
                        due = at + step

    def search(self, block, begin, end, base, seen, _aligned):
        """Yields (offset, needle, form) of remains with a word in block[begin:end]; `base` is the offset of the block."""
        for start in range(begin, end, len(ZEROS)):
            if block.startswith(ZEROS, start):
                continue
            words = memoryview(block)[start : min(start + len(ZEROS), end)]
            words = words[: len(words) // 8 * 8].cast("Q")
            marks = bytes(map(self.words.__contains__, words))
            at = marks.find(1)
            while at >= 0:
                yield from self.compare(block, start + 8 * at, self.words[words[at]], base, seen)
                at = marks.find(1, at + 1)

    def compare(self, block, at, candidates, base, seen):
        """Yields the candidates of which a whole stretch stands around a word; what moved there in one go is one hit."""
        for number, place in candidates:
            piece = self.pieces[number]
            moved = (piece.needle, piece.form, base + at - place)
            if moved in seen:
                continue
            back = min(at, place, MARGIN_BYTES)
            back = alike(block[at - back : at][::-1], piece.data[place - back : place][::-1])
            length = back + alike(block[at : at + MARGIN_BYTES], piece.data[place : place + MARGIN_BYTES])
            remain = block[at - back : at - back + length]
            if length >= piece.least and len(set(remain)) >= DISTINCT_MIN:
                seen.add(moved)
                yield base + at - back, piece.needle, piece.form


def alike(one, other):
    """How many bytes two strings have in common at their beginning."""
    differing = (at for at, (a, b) in enumerate(zip(one, other)) if a != b)
    return next(differing, min(len(one), len(other)))


class Like:
    """Finds runs of 32-bit floats whose cosine with a template reaches a limit: remains whose bits may differ."""

    def __init__(self, first_needle, templates, cosine):
        import numpy

        self.numpy, self.first, self.cosine, self.windows = numpy, first_needle, cosine, len(templates)
        self.dims = len(templates[0])
        self.bands = [self.band(numpy.array(values) / math.hypot(*values)) for values in templates]
        self.ones = self.band(numpy.ones(self.dims))

    def band(self, values):
        """Two matrices which turn rows of `dims` floats, and the rows after them, into the products of all windows."""
        numpy, places = self.numpy, self.numpy.arange(self.dims)
        lag = places[:, None] - places[None, :]
        wrapped = values.astype("f4")[lag % self.dims]
        zero = numpy.float32(0)
        return numpy.where(lag >= 0, wrapped, zero), numpy.where(lag < 0, wrapped, zero)

    def search(self, block, begin, end, base, _seen, aligned):
        """Yields (offset, needle, form); floats in a process are aligned, in a file they may begin at any byte."""
        numpy, dims = self.numpy, self.dims
        for start in range(begin, min(begin + (1 if aligned else 4), end)):
            count = min((end - start + 3) // 4 + dims, (len(block) - start) // 4)
            floats = numpy.frombuffer(block, "<f4", count, start)
            if not floats.view("u4").any():
                continue
            rows = numpy.zeros((count // dims + 2, dims), "f4")
            rows.reshape(-1)[:count] = floats
            rows[~(numpy.abs(rows) <= TAME_MAX)] = 0
            squares = rows * rows
            sizes = numpy.sqrt(numpy.maximum(squares[:-1] @ self.ones[0] + squares[1:] @ self.ones[1], 1e-12))
            for number, (here, after) in enumerate(self.bands):
                close = rows[:-1] @ here + rows[1:] @ after >= self.cosine * sizes
                for at in numpy.flatnonzero(close).tolist():
                    if start + 4 * at < end:
                        yield base + start + 4 * at, self.first + number, "like"


class Scan:
    """What was read and found."""

    def __init__(self, searches):
        self.searches, self.places, self.bytes, self.hits = searches, 0, 0, []
        self.files_unread, self.processes_unread = [], []
        self.margin = max([MARGIN_BYTES] + [8 * search.dims for search in searches if isinstance(search, Like)])

    def look(self, place, read, start, end, aligned):
        """Searches what `read(offset, length)` gives between two offsets."""
        seen = [set() for _ in self.searches]
        for at in range(start, end, CHUNK_BYTES):
            before, until = min(self.margin, at - start), min(CHUNK_BYTES, end - at)
            block = read(at - before, before + min(until + self.margin, end - at))
            until = max(0, min(until, len(block) - before))
            self.bytes += until
            for search, known in zip(self.searches, seen):
                found = search.search(block, before, before + until, at - before, known, aligned)
                self.hits += [{"place": place, "offset": o, "needle": n, "form": form} for o, n, form in found]
        self.places += 1

    def files(self, place):
        """Searches a file, or every regular file under a directory; links inside it are not followed."""
        if not os.path.isdir(place):
            if not stat.S_ISREG(os.stat(place).st_mode):
                raise ValueError(f"{place} is neither a directory nor a regular file")
            return self.file(place)
        folders = os.walk(place, onerror=lambda error: self.missed(error.filename, error))
        for path in sorted(os.path.join(folder, name) for folder, _, names in folders for name in names):
            try:
                if stat.S_ISREG(os.lstat(path).st_mode):
                    self.file(path)
            except FileNotFoundError:
                pass  # a temporary file that is gone holds nothing

    def file(self, path):
        try:
            with open(path, "rb", buffering=0) as file:
                read = lambda offset, length: os.pread(file.fileno(), length, offset)
                self.look(path, read, 0, os.fstat(file.fileno()).st_size, aligned=False)
        except FileNotFoundError:
            raise
        except OSError as error:
            self.missed(path, error)

    def missed(self, path, error):
        self.files_unread.append(f"{path}: {error.strerror}")

    def process(self, pid):
        """Searches every page that a process has in memory."""
        unread = set()
        try:
            with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
                read = lambda offset, length: read_memory(memory.fileno(), offset, length, unread)
                for start, end, name in regions(pid):
                    self.look(f"pid {pid} {name}".strip(), read, start, end, aligned=True)
            # What was unmapped meanwhile is no longer there to be read.
            left = sum(any(start <= page < end for start, end, _ in regions(pid)) for page in unread)
            if left:
                self.processes_unread.append(f"process {pid}: {left} of its pages could not be read")
        except PermissionError:
            self.processes_unread.append(f"process {pid}: the kernel refuses: it is marked undumpable or somebody else's; "
                                         "only root with CAP_SYS_PTRACE may read it")
        except (FileNotFoundError, ProcessLookupError, Gone):
            self.processes_unread.append(f"process {pid}: there is none, or it ended meanwhile")


def regions(pid):
    """The mappings of a process of which something is in memory: start, end, name."""
    text = Path(f"/proc/{pid}/smaps").read_text(errors="replace")
    heads = list(re.finditer(r"^([0-9a-f]+)-([0-9a-f]+) \S+ \S+ \S+ \S+ *(.*)$", text, re.MULTILINE))
    if not heads:
        raise Gone
    for head, following in zip(heads, heads[1:] + [None]):
        facts = text[head.end() : following.start() if following else None]
        held = any(int(kilobytes) for kilobytes in re.findall(r"^(?:Rss|Swap): *(\d+)", facts, re.MULTILINE))
        if held and not head[3].startswith(("[vvar", "[vsyscall]")):
            yield int(head[1], 16), int(head[2], 16), head[3]


def read_memory(memory, at, length, unread):
    """Bytes of a process; a page that cannot be read is noted and given as zeros."""
    parts, end = [], at + length
    while at < end:
        try:
            got = os.pread(memory, end - at, at)
            if not got:
                raise Gone
        except PermissionError:
            raise
        except OSError:
            unread.add(at // PAGE_BYTES * PAGE_BYTES)
            got = bytes(min(end, (at // PAGE_BYTES + 1) * PAGE_BYTES) - at)
        parts.append(got)
        at += len(got)
    return b"".join(parts)


def arguments(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], epilog="Exit: 0 nothing found, 1 found, "
                                     "2 usage or unreadable, 3 a process could not be read.")
    parser.add_argument("places", nargs="*", metavar="PLACE", help="a file, or a directory with all below it")
    parser.add_argument("--pid", type=int, action="append", default=[], help="a process whose memory is searched")
    parser.add_argument("--needles", action="append", default=[], metavar="PATH",
                        help="a needle, or a directory of them: .f32, .png, NAME.WIDTHxHEIGHT.rgb, any other file as it is")
    parser.add_argument("--like", action="append", default=[], metavar="FILE.f32",
                        help="a template to look for by likeness; needs numpy")
    parser.add_argument("--dims", type=int, help="values that each --like template must have")
    parser.add_argument("--cosine", type=float, default=0.98, help="least cosine that counts as like (default 0.98)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args(argv)
    if not (args.places or args.pid) or not (args.needles or args.like):
        parser.error("name what to look for (--needles, --like) and where (PLACE, --pid)")
    if os.getpid() in args.pid:
        parser.error("this process holds the needles and would find itself")
    return args


def prepare(args):
    """The searches asked for, and the number of needles."""
    paths = []
    for given in map(Path, args.needles):
        paths += sorted(path for path in given.rglob("*") if path.is_file()) if given.is_dir() else [given]
    if args.needles and not paths:
        raise ValueError("there are no needles")
    wanted = []
    for needle, path in enumerate(paths, 1):
        try:
            wanted += pieces(needle, path)
        except (ValueError, IndexError, struct.error, zlib.error) as error:
            raise ValueError(f"needle {needle}: {error}") from error
    searches = [Exact(wanted)] if wanted else []
    if args.like:
        templates = [read_template(Path(path).read_bytes()) for path in args.like]
        if len({args.dims or len(templates[0]), *map(len, templates)}) > 1:
            raise ValueError("the templates of --like have not all the number of values they should have")
        searches.append(Like(len(paths) + 1, templates, args.cosine))
    return searches, len(paths) + len(args.like)


def main(argv=None):
    args = arguments(argv)
    try:
        searches, needles = prepare(args)
        scan = Scan(searches)
        for place in args.places:
            scan.files(place)
    except ImportError:
        print("scan: --like needs numpy", file=sys.stderr)
        return UNREADABLE
    except (OSError, ValueError) as error:
        print(f"scan: {error}", file=sys.stderr)
        return UNREADABLE
    for pid in args.pid:
        scan.process(pid)
    return report(scan, needles, args.json)


def report(scan, needles, as_json):
    """Says what was found, never what it is; the exit status says the gravest."""
    windows = sum(search.windows for search in scan.searches)
    unread = scan.files_unread + scan.processes_unread
    if as_json:
        print(json.dumps({"places": scan.places, "bytes_scanned": scan.bytes, "needles": needles, "windows": windows,
                          "hits": scan.hits, "unread": unread}, indent=1))
    else:
        for hit in scan.hits:
            print(f"{hit['place']}\t{hit['offset']:#x}\tneedle {hit['needle']}\t{hit['form']}")
        print(f"{len(scan.hits)} hits of {needles} needles ({windows} windows) in {scan.places} files and mappings, "
              f"{scan.bytes} bytes")
    for missed in unread:
        print(f"scan: {missed}", file=sys.stderr)
    if scan.hits:
        return FOUND
    return PROCESS_UNREADABLE if scan.processes_unread else UNREADABLE if scan.files_unread else FOUND_NOTHING


if __name__ == "__main__":
    sys.exit(main())
