#!/usr/bin/env python3
"""Lets anybody check a public log with a second program, one that shares no code with overt's own.

Written from C2SP tlog-tiles and docs/reference/record.md; `tlog.py` and `record.py` beside it hold the parts. README.md
says how to use it, what a good verdict means and what it does not.
"""
import argparse
import base64
import datetime
import hashlib
import math
import os
import pathlib
import re
import sys

import record
import tlog
from source import Folder, Refused, Site, Unreadable, blaming
from tlog import WIDTH, need

TILE_BYTES_MAX = WIDTH * 32
BUNDLE_BYTES_MAX = WIDTH * (2 + 65_535)
CHECKPOINT_BYTES_MAX = 65_536
KEPT_MAX = 1_000_000
INDEX_BYTES_MAX = KEPT_MAX * 14
OTHER_FILE_BYTES_MAX = 2**24


# --- How a log lies in its files ------------------------------------------------------------------------------------

def tile_path(level, n, width):
    """`tile/0/x001/067`, or `tile/0/x001/067.p/8` where it is partial. The level of entries is `entries`."""
    name, rest = f"{n % 1000:03}", n // 1000
    while rest:
        name, rest = f"x{rest % 1000:03}/{name}", rest // 1000
    return f"tile/{level}/{name}" + ("" if width == WIDTH else f".p/{width}")


def parse_tile_path(path):
    """Level, index and width, or None where it is no path of a tile."""
    match = re.fullmatch(r"tile/(entries|[0-9])/([x0-9/]{3,50}?)(?:\.p/([0-9]{1,3}))?", path)
    if not match:
        return None
    level = match[1] if match[1] == "entries" else int(match[1])
    n, width = int("0" + re.sub("[x/]", "", match[2])), int(match[3] or WIDTH)
    return (level, n, width) if tile_path(level, n, width) == path and 0 < width <= WIDTH else None


def tiles_of(count):
    """Index and width of each tile that `count` hashes fill."""
    return [(n, min(WIDTH, count - n * WIDTH)) for n in range(math.ceil(count / WIDTH))]


def part(hashes, n, width):
    return hashes[n * WIDTH:n * WIDTH + width]


def split_bundle(data, width):
    """The first `width` entries of a bundle, and what follows them."""
    entries, at = [], 0
    for which in range(1, width + 1):
        end = at + 2 + int.from_bytes(data[at:at + 2], "big")
        need(at + 2 <= end <= len(data), f"it ends before the end of entry {which} of {width}")
        entries.append(data[at + 2:end])
        at = end
    return entries, data[at:]


# --- The check ------------------------------------------------------------------------------------------------------

class LogCheck:
    """One pass over a log, from its checkpoint to what its entries say; raises `Refused` where something is wrong."""

    def __init__(self, source, key, witnesses=()):
        self.source, self.key, self.witnesses = source, key, witnesses
        self.tree, self.roots, self.compared, self.beyond, self.strangers = tlog.Tree(), {}, set(), [], []
        self.record, self.is_ours, self.problem, self.documents, self.missing = record.Record(), None, None, 0, 0
        # The kept ones first: a log that grows meanwhile then never seems to have gone back.
        self.kept = self.find_kept()
        note = source.read("checkpoint", CHECKPOINT_BYTES_MAX)
        if note is None:
            raise Unreadable("there is no file `checkpoint`, so this is not a log")
        with blaming("checkpoint"):
            self.checkpoint = tlog.open_checkpoint(note, key, witnesses)
            tlog.need_cosignatures(self.checkpoint, witnesses)
        self.read_entries()
        self.compare_tiles()
        self.compare_other_tiles()
        self.compare_kept()
        if self.problem:
            raise self.problem
        self.compare_documents()

    def find_kept(self):
        """The path of every kept checkpoint with its number of entries, ascending."""
        with blaming("checkpoints/index"):
            text = (self.source.read("checkpoints/index", INDEX_BYTES_MAX) or b"").decode("ascii")
            need(text[-1:] in ("", "\n"), "its last line has no end")
            sizes = [tlog.number(line) for line in text.split("\n")[:-1]]
            need(all(size < following for size, following in zip(sizes, sizes[1:])), "its sizes do not ascend")
        kept = {f"checkpoints/{size}": size for size in sizes}
        for path in (self.source.names("checkpoints/*") or []) + (self.source.names("checkpoint.*") or []):
            if match := re.fullmatch(r"checkpoint(?:s/|\.)(0|[1-9][0-9]{0,15})", path):
                kept[path] = int(match[1])
        if len(kept) > KEPT_MAX:
            raise Refused("checkpoints", f"it holds more than {KEPT_MAX} checkpoints")
        return dict(sorted(kept.items(), key=lambda item: item[1]))

    def fetch_tile(self, level, n, width):
        """A file that a log of this size has, or the full one that a deleted partial one grew into; with its path."""
        bytes_max = BUNDLE_BYTES_MAX if level == "entries" else TILE_BYTES_MAX
        for path in (tile_path(level, n, width), tile_path(level, n, WIDTH)):
            data = self.source.read(path, bytes_max)
            if data is not None:
                self.compared.add(path)
                return path, data
        raise Refused(tile_path(level, n, width), f"it is missing, although the log has {self.checkpoint.size} entries")

    def read_entries(self):
        """Computes the whole tree from the entries alone, and what they say."""
        sizes, paths = set(self.kept.values()), []
        self.roots[0] = self.tree.root()
        for n, width in tiles_of(self.checkpoint.size):
            path, data = self.fetch_tile("entries", n, width)
            with blaming(path):
                entries, rest = split_bundle(data, width)
                need(not rest or path != tile_path("entries", n, width), f"{len(rest)} bytes follow its entries")
            for entry in entries:
                self.hear(entry, path)
                self.tree.push(tlog.leaf_hash(entry))
                if self.tree.size in sizes:
                    self.roots[self.tree.size] = self.tree.root()
            paths.append(path)
        if self.tree.root() != self.checkpoint.root:
            raise self.find_changed(paths)

    def hear(self, entry, path):
        """Takes in what an entry says. What is wrong with it is told once the files are known to be the log's."""
        begins_like_ours = entry.startswith(record.BEGINNING)
        if self.is_ours is None:
            self.is_ours = begins_like_ours
        if self.problem or not begins_like_ours and not self.is_ours:
            return
        try:
            if self.is_ours:
                self.record.take(entry)
            else:
                record.read_entry(entry)
                self.problem = Refused(path, f"entry {self.tree.size}: it is overt's, but the log began with others'")
        except (ValueError, RecursionError) as error:
            if self.is_ours:
                self.problem = Refused(path, f"entry {self.tree.size}: {error}")

    def find_changed(self, paths):
        """Which file keeps the entries from giving the signed root: the tiles of their hashes tell."""
        promised, changed = tlog.Tree(), None
        for n, width in tiles_of(self.checkpoint.size):
            _, data = self.fetch_tile(0, n, width)
            hashes = [data[at:at + 32] for at in range(0, width * 32, 32)]
            if changed is None and hashes != part(self.tree.levels[0], n, width):
                changed = paths[n]
            for promise in hashes:
                promised.push(promise)
        if changed is None:
            return Refused("checkpoint", f"its root is not that of the first {self.checkpoint.size} entries")
        is_signed = promised.root() == self.checkpoint.root
        return Refused(changed, "its entries do not have the hashes in the tile beside it, "
                       + ("which give the signed root" if is_signed else "and neither give the signed root"))

    def compare_tiles(self):
        for level, hashes in enumerate(self.tree.levels):
            for n, width in tiles_of(len(hashes)):
                path, data = self.fetch_tile(level, n, width)
                expected = b"".join(part(hashes, n, width))
                # Of a full tile that stands for a deleted partial one, only the beginning is promised.
                compare(path, data if path == tile_path(level, n, width) else data[:len(expected)], expected)

    def compare_other_tiles(self):
        """Whatever else lies among the tiles, such as partial ones of smaller sizes."""
        for path in set(self.source.names("tile/**/*") or []) - self.compared:
            level, n, width = parse_tile_path(path) or (None, 0, 0)
            of_level = 0 if level == "entries" else level
            known = of_level is not None and of_level < len(self.tree.levels)
            hashes = part(self.tree.levels[of_level], n, width) if known else []
            if level is None:
                self.strangers.append(path)
            elif len(hashes) < width:
                self.beyond.append(path)
            elif level == "entries":
                with blaming(path):
                    entries, rest = split_bundle(self.source.read(path, BUNDLE_BYTES_MAX) or b"", width)
                    need(not rest, f"{len(rest)} bytes follow its entries")
                    need([tlog.leaf_hash(entry) for entry in entries] == hashes, "its entries are not the log's")
            else:
                compare(path, self.source.read(path, TILE_BYTES_MAX) or b"", b"".join(hashes))
            if len(hashes) == width > 0:
                self.compared.add(path)

    def compare_kept(self):
        for path, size in self.kept.items():
            note = self.source.read(path, CHECKPOINT_BYTES_MAX)
            with blaming(path):
                need(size <= self.checkpoint.size, f"`checkpoint` has only {self.checkpoint.size}: the log went back")
                need(note is not None, "it is missing, although checkpoints/index lists it")
                kept = tlog.open_checkpoint(note, self.key, self.witnesses)
                need(kept.size == size, f"it is of {kept.size} entries, not {size}")
                need(kept.root == self.roots[size], f"its root is not that of the first {size} entries")

    def compare_documents(self):
        """Notices and policies that lie beside the log, with their digests on the record."""
        for path, digest in self.record.documents.items():
            data = self.source.read(path, OTHER_FILE_BYTES_MAX)
            with blaming(path):
                is_recorded = data is None or hashlib.sha256(data).hexdigest() == digest
                need(is_recorded, "its digest is not that on the record")
            self.documents += data is not None
            self.missing += data is None


def compare(path, data, expected):
    with blaming(path):
        need(len(data) == len(expected), f"it has {len(data)} bytes where the entries give {len(expected)}")
        at = next((at for at, byte in enumerate(data) if byte != expected[at]), None)
        need(at is None, f"it differs at byte {at} from what the entries give")


# --- What is said about it ------------------------------------------------------------------------------------------

def told_of_checkpoint(checkpoint):
    """What is proven and what is not by the signatures on a checkpoint."""
    proven = [f"The checkpoint of {checkpoint.size} entries is signed by {checkpoint.origin} with the given key."]
    for name, seconds in checkpoint.cosigned.items():
        moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)
        proven.append(f"The witness {name} cosigned it, by its own clock at {moment.isoformat()}Z: "
                      "until then it had seen this log only grow, and nothing larger of it.")
    open_questions = ["That the statements are true: a log proves that they were made, in this order, and not changed."]
    if not checkpoint.cosigned:
        open_questions.append("Whether others were shown another log: no witness was given with --witness. "
                              "Compare the root with a copy that somebody else keeps.")
    if checkpoint.unchecked:
        open_questions.append(f"Signatures on the checkpoint by keys that were not given: {checkpoint.unchecked}.")
    return proven, open_questions


def told_of_log(log):
    proven, open_questions = told_of_checkpoint(log.checkpoint)
    proven.append("The signed root is that of the entries, computed from them alone; "
                  f"{len(log.compared)} tiles and bundles hold what these entries give, byte for byte.")
    if log.kept:
        proven.append(f"The log only grew: each of {len(log.kept)} kept checkpoints is signed, and its root is that of "
                      "a beginning of these same entries.")
    else:
        open_questions.append("What the log was before: it keeps no earlier checkpoint.")
    if log.source.names("checkpoint") is None:
        open_questions.append("Files that nothing points to: an address cannot be listed.")
    if log.beyond or log.strangers:
        open_questions.append(f"Files among the tiles that are beyond the checkpoint: {len(log.beyond)}; "
                              f"that are no tiles: {len(log.strangers)}. They are not part of the log.")
    if log.is_ours:
        tell_of_record(log, proven, open_questions)
    elif log.is_ours is None:
        open_questions.append("Anything about entries: the log is empty.")
    else:
        open_questions.append("What the entries say: they are not those of overt, so only the structure was checked.")
    return proven, open_questions


def tell_of_record(log, proven, open_questions):
    told = log.record
    counts, ended = told.counts, told.in_stage("ended", "purged", "accounted")
    proven.append(f"The facts of every operation ({len(told.operations)}) and deployment ({len(told.deployments)}) "
                  "stand in a lawful order, and their dates never go back.")
    proven.append(f"Every deletion receipt ({told.receipts}) balances: in all {counts['templates_made']} templates "
                  f"made = {counts['templates_destroyed']} destroyed + {counts['alerts_kept']} kept for alerts.")
    proven.append(f"The total of every ended deployment ({ended}) is the sum of its receipts, which leave no gap but a "
                  "minute where comparison begins or stops; as many alerts are on the record as templates were kept.")
    if log.documents:
        proven.append(f"Every notice and policy published here ({log.documents}) is the one on the record.")
    open_questions.append("That anything was erased: a receipt is a statement about erasure.")
    open_questions.append("When anything happened: dates are the operator's own.")
    if log.missing:
        open_questions.append(f"Notices and policies on the record that are not published here: {log.missing}.")
    if unfinished := len(told.deployments) - told.in_stage("purged", "accounted", "withdrawn"):
        open_questions.append(f"How deployments go on that are not purged yet: {unfinished}.")


def check_proof(file, key, witnesses, entry_file):
    """Checks an offline proof of one entry; gives what is proven and what is not."""
    try:
        data = pathlib.Path(file).read_bytes()[:OTHER_FILE_BYTES_MAX]
        entry = pathlib.Path(entry_file).read_bytes() if entry_file else None
    except OSError as error:
        raise Unreadable(error) from None
    with blaming(file):
        proof = tlog.open_proof(data)
        checkpoint = tlog.open_checkpoint(proof.checkpoint, key, witnesses)
        tlog.need_cosignatures(checkpoint, witnesses)
        entry = proof.extra if entry is None else entry
        if entry is None:
            raise Unreadable(f"{file} does not hold the entry it is about; give it with --entry")
        root = tlog.root_from_proof(proof.index, checkpoint.size, tlog.leaf_hash(entry), proof.hashes)
        need(root == checkpoint.root, f"the entry is not entry {proof.index} of the signed log: it gives another root")
    proven, open_questions = told_of_checkpoint(checkpoint)
    proven.append(f"Entry {proof.index} of that log reads: {entry.decode('utf-8', 'backslashreplace')}")
    open_questions.append("Anything about the other entries: for that, check the whole log.")
    return proven, open_questions


def printable(text):
    """Text in which nothing moves a terminal's cursor or turns its direction."""
    return "".join(c if c.isprintable() else f"\\u{{{ord(c):x}}}" for c in str(text))


def key_from(text, kind, parser):
    try:
        return tlog.parse_key(pathlib.Path(text).read_text() if os.path.isfile(text) else text, kind)
    except (OSError, ValueError) as error:
        parser.error(f"the key cannot be used: {error}")


def main(arguments=None):
    parser = argparse.ArgumentParser(usage="verify.py LOG --key KEY | verify.py proof FILE --key KEY",
                                     description="Checks a public log, or an offline proof of one of its entries.")
    parser.add_argument("what", nargs="+", help="folder or http(s) address of a log, or the word `proof` and a file")
    parser.add_argument("--key", required=True, help="the log's public key, or a file that holds it")
    parser.add_argument("--witness", action="append", default=[], help="key of a witness that must have cosigned")
    parser.add_argument("--entry", help="with `proof`: a file that is the entry, byte for byte")
    options = parser.parse_args(arguments)
    is_proof = len(options.what) == 2 and options.what[0] == "proof"
    if len(options.what) != 1 and not is_proof or options.entry and not is_proof:
        parser.error("give one log, or the word `proof` and one file; --entry goes with `proof`")
    key = key_from(options.key, tlog.NOTE, parser)
    witnesses = [key_from(witness, tlog.COSIGNATURE, parser) for witness in options.witness]
    what = options.what[-1]
    try:
        if is_proof:
            proven, open_questions = check_proof(what, key, witnesses, options.entry)
        else:
            source = Site(what) if re.match("https?://", what) else Folder(what)
            log = LogCheck(source, key, witnesses)
            print(f"root {base64.b64encode(log.checkpoint.root).decode()} of {log.checkpoint.size} entries")
            proven, open_questions = told_of_log(log)
    except Refused as refusal:
        print(printable(f"refused: {refusal}"))
        return 1
    except Unreadable as error:
        print(printable(f"nothing can be said: {error}"), file=sys.stderr)
        return 2
    for title, sentences in (("proven:", proven), ("not proven:", open_questions)):
        print(title, *(printable(f"  - {sentence}") for sentence in sentences), sep="\n")
    return 0


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="backslashreplace")
    sys.stderr.reconfigure(errors="backslashreplace")
    sys.exit(main())
