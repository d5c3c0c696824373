"""Plants patterns where remains might lie and proves that scan.py finds each of them, and none where there is none."""

import array
import base64
import contextlib
import io
import json
import math
import os
import random
import sqlite3
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).parent))

import scan  # noqa: E402

try:
    import numpy
except ImportError:
    numpy = None

NOBODY = 65534
# Makes a template in its own memory, from its seed, so that no planted byte ever passed through anything else.
CHILD = """
import array, ctypes, random, sys
seed, undumpable = int(sys.argv[1]), sys.argv[2] == "undumpable"
random = random.Random(seed)
held = array.array("f", [0.0] * 1000 + [random.gauss(0, 0.1) for _ in range(128)] + [0.0] * 1000)
if undumpable:
    ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)
print("ready", flush=True)
sys.stdin.read()
"""


def template(seed, count=128):
    source = random.Random(seed)
    return array.array("f", [source.gauss(0, 0.1) for _ in range(count)])


def noise(seed, count):
    return random.Random(seed).randbytes(count)


def png(width, height, channels, pixels):
    """A PNG whose rows use each of the five filters in turn; filters written as the standard states them."""
    raw, stride = b"", channels * width
    value = lambda x, y: pixels[stride * y + x] if x >= 0 and y >= 0 else 0
    for y in range(height):
        raw += bytes([y % 5])
        for x in range(stride):
            left, up, corner = value(x - channels, y), value(x, y - 1), value(x - channels, y - 1) if x >= channels else 0
            paeth = left + up - corner
            far_left, far_up, far_corner = abs(paeth - left), abs(paeth - up), abs(paeth - corner)
            nearest = left if far_left <= far_up and far_left <= far_corner else up if far_up <= far_corner else corner
            raw += bytes([(value(x, y) - (0, left, up, (left + up) // 2, nearest)[y % 5]) % 256])
    chunk = lambda kind, body: struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    head = struct.pack(">IIBBBBB", width, height, 8, {1: 0, 3: 2, 4: 6}[channels], 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")


class Residue(unittest.TestCase):
    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.folder.chmod(0o755)
        self.needles, self.place = self.folder / "needles", self.folder / "place"
        self.needles.mkdir()
        self.place.mkdir()

    def needle(self, name, data):
        (self.needles / name).write_bytes(data)

    def scan(self, *where, status, needles=True, more=()):
        """Runs the command, expects an exit status, and returns what it printed as JSON."""
        out, self.errors = io.StringIO(), io.StringIO()
        command = (["--needles", str(self.needles)] if needles else []) + ["--json", *map(str, where), *more]
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(self.errors):
            self.assertEqual(scan.main(command), status, self.errors.getvalue())
        return json.loads(out.getvalue()) if out.getvalue() else None

    def child(self, seed, kind="dumpable"):
        command = [sys.executable, "-c", CHILD, str(seed), kind]
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(child.communicate)
        self.assertEqual(child.stdout.readline(), b"ready\n")
        return child.pid

    def as_nobody(self, *command):
        """Exit status of a scan by a user without rights, in a process of its own."""
        pid = os.fork()
        if pid == 0:
            status = 99
            try:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
                with open(os.devnull, "w") as null, contextlib.redirect_stdout(null), contextlib.redirect_stderr(null):
                    status = scan.main(["--needles", str(self.needles), *map(str, command)])
            finally:
                os._exit(status)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


class InFiles(Residue):
    def test_every_form_is_found_wherever_it_begins_and_across_chunks(self):
        values = template(1)
        data = values.tobytes()
        swapped = array.array("f", values)
        swapped.byteswap()
        rounded = [round(value, 4) for value in template(2)]
        peak, norm = max(map(abs, values)), math.hypot(*values)
        forms = {
            "f32": data,
            "f32-big-endian": swapped.tobytes(),
            "f64": array.array("d", values).tobytes(),
            "f16": struct.pack("<128e", *values),
            "int8-peak": array.array("b", [round(value / peak * 127) for value in values]).tobytes(),
            "int8-unit": array.array("b", [round(value / norm * 127) for value in values]).tobytes(),
            "hex": data.hex().encode(),
            "base64": base64.b64encode(data),
            "decimal": json.dumps(list(values)).encode(),
        }
        others = [("hex", data.hex().upper().encode()), ("base64", base64.urlsafe_b64encode(b"a" + data)),
                  ("base64", base64.b64encode(b"ab" + data + b"c")),
                  ("decimal", b"[" + b",".join(b"%.4g" % value for value in rounded))]
        self.needle("1.f32", data)
        self.needle("2.f32", array.array("f", rounded).tobytes())
        chunk = 1 << 16
        with mock.patch.object(scan, "CHUNK_BYTES", chunk):
            for form, planted in [*forms.items(), *others]:
                for at in [*range(8), chunk - len(planted) // 2, chunk - 1, chunk, 2 * chunk - len(planted) + 3]:
                    (self.place / "file").write_bytes(noise(7, at) + planted + noise(8, 3 * chunk))
                    hits = self.scan(self.place, status=scan.FOUND)["hits"]
                    self.assertIn(form, {hit["form"] for hit in hits}, f"at {at}")
                    near = [hit["offset"] - at for hit in hits if hit["form"] == form]
                    self.assertTrue(all(-4 <= offset <= 24 for offset in near), near)
                    self.assertEqual(len(near), 1, f"{form} at {at}: one remain is one hit")

    def test_any_sixteen_values_are_a_remain_and_fifteen_are_none(self):
        values = template(2)
        self.needle("1.f32", values.tobytes())
        for first in range(128 - 16 + 1):
            (self.place / "file").write_bytes(noise(first, 100 + first) + values[first : first + 16].tobytes() + noise(9, first % 9))
            summary = self.scan(self.place, status=scan.FOUND)
            self.assertEqual([hit["offset"] for hit in summary["hits"]], [100 + first])
        (self.place / "file").write_bytes(noise(1, 100) + values[40:55].tobytes() + noise(9, 90))
        self.scan(self.place, status=scan.FOUND_NOTHING)

    def test_several_needles_are_told_apart_by_number(self):
        for number in range(1, 21):
            self.needle(f"{number:02}.f32", template(number).tobytes())
        (self.place / "below").mkdir()
        (self.place / "below/a").write_bytes(bytes(3) + template(17).tobytes())
        (self.place / "b").write_bytes(template(99).tobytes() + template(3).tobytes())
        summary = self.scan(self.place, status=scan.FOUND)
        found = [(hit["place"], hit["offset"], hit["needle"], hit["form"]) for hit in summary["hits"]]
        self.assertEqual(found, [(f"{self.place}/b", 512, 3, "f32"), (f"{self.place}/below/a", 3, 17, "f32")])
        self.assertEqual((summary["places"], summary["bytes_scanned"], summary["needles"]), (2, 1024 + 515, 20))

    def test_nothing_is_found_where_nothing_is(self):
        self.needle("1.f32", template(1).tobytes())
        self.needle("2.png", png(40, 40, 3, noise(2, 4800)))
        (self.place / "noise").write_bytes(noise(3, 1 << 21))
        (self.place / "zeros").write_bytes(bytes(1 << 20))
        (self.place / "other").write_bytes(template(4).tobytes() + png(40, 40, 3, noise(5, 4800)))
        self.assertEqual(self.scan(self.place, status=scan.FOUND_NOTHING)["hits"], [])

    def test_a_picture_is_found_as_a_file_and_as_pixels(self):
        width, height, pixels = 60, 50, bytes(value % 64 for value in noise(1, 60 * 50 * 3))
        file = png(width, height, 3, pixels)
        planes = [pixels[channel::3] for channel in range(3)]
        of = lambda *order: bytes(value for pixel in zip(*order) for value in pixel)
        opaque = b"\xff" * (width * height)
        forms = {
            "file": file[len(file) // 2 :][:1000],
            "rgb": pixels,
            "bgr": of(*planes[::-1]),
            "rgba": of(*planes, opaque),
            "bgra": of(*planes[::-1], opaque),
            "plane": planes[1],
            "f32-plane-255": array.array("f", list(planes[1])).tobytes(),
            "f32-plane-1": array.array("f", [value / 255 for value in planes[1]]).tobytes(),
        }
        for name, needle in (("1.png", file), (f"1.{width}x{height}.rgb", pixels)):
            self.needle(name, needle)
            for form, planted in forms.items():
                if (form, name[-3:]) != ("file", "rgb"):
                    (self.place / "file").write_bytes(noise(3, 1001) + planted + noise(4, 1001))
                    hits = self.scan(self.place, status=scan.FOUND)["hits"]
                    self.assertEqual({hit["form"] for hit in hits}, {form})
                    self.assertEqual(len(hits), 1 if form == "file" else 30, "rows of the middle, one window each")
            (self.needles / name).unlink()

    def test_flat_pictures_give_no_windows(self):
        flat = bytes(240 + value % 10 for value in range(60 * 50 * 3))
        pixels = bytearray(flat)
        pixels[60 * 3 * 25 : 60 * 3 * 26] = noise(1, 180)
        self.needle("1.60x50.rgb", pixels)
        (self.place / "flat").write_bytes(flat)
        self.scan(self.place, status=scan.FOUND_NOTHING)
        (self.place / "flat").write_bytes(flat + pixels)
        self.assertEqual(len(self.scan(self.place, status=scan.FOUND)["hits"]), 1)

    def test_links_and_pipes_inside_a_place_are_not_read(self):
        self.needle("1.f32", template(1).tobytes())
        (self.place / "link").symlink_to(self.needles / "1.f32")
        os.mkfifo(self.place / "pipe")
        self.assertEqual(self.scan(self.place, status=scan.FOUND_NOTHING)["places"], 0)

    def test_a_file_that_is_gone_when_its_turn_comes_is_no_failure(self):
        self.needle("1.f32", template(1).tobytes())
        with mock.patch.object(os, "walk", return_value=[(str(self.place), [], ["gone"])]):
            self.scan(self.place, status=scan.FOUND_NOTHING)

    def test_the_output_holds_neither_bytes_nor_names_of_needles(self):
        self.needle("a-person.f32", template(1).tobytes())
        (self.place / "file").write_bytes(template(1).tobytes())
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            self.assertEqual(scan.main(["--needles", str(self.needles), str(self.place)]), scan.FOUND)
        self.assertIn(f"{self.place}/file\t0x0\tneedle 1\tf32\n", out.getvalue())
        self.assertNotIn("a-person", out.getvalue())
        self.assertNotIn(template(1).tobytes().hex()[:16], out.getvalue())


class InDatabases(Residue):
    def setUp(self):
        super().setUp()
        self.needle("1.f32", template(1).tobytes())
        self.path = self.place / "kept.db"

    def fill(self, journal, secure_delete):
        """A database that held a template in one of many rows, and deleted them; still open."""
        database = sqlite3.connect(self.path, isolation_level=None)
        self.addCleanup(database.close)
        database.execute(f"PRAGMA journal_mode = {journal}")
        database.execute(f"PRAGMA secure_delete = {secure_delete}")
        database.execute("CREATE TABLE kept (number INTEGER PRIMARY KEY, template BLOB)")
        rows = [(number, template(1 if number == 50 else 100 + number).tobytes()) for number in range(100)]
        database.executemany("INSERT INTO kept VALUES (?, ?)", rows)
        self.assertEqual(self.files_with_hits(), {"kept.db-wal" if journal == "WAL" else "kept.db"}, "before it is deleted")
        database.execute("DELETE FROM kept")
        return database

    def files_with_hits(self, status=scan.FOUND):
        return {Path(hit["place"]).name for hit in self.scan(self.place, status=status)["hits"]}

    def test_free_pages_hold_what_was_deleted_unless_it_was_overwritten(self):
        self.fill("DELETE", "OFF").close()
        self.assertEqual(self.files_with_hits(), {"kept.db"})
        self.path.unlink()
        self.fill("DELETE", "ON").close()
        self.assertEqual(self.files_with_hits(scan.FOUND_NOTHING), set())

    def test_a_write_ahead_log_holds_what_was_overwritten_in_the_database(self):
        database = self.fill("WAL", "ON")
        self.assertEqual(self.files_with_hits(), {"kept.db-wal"})
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.assertEqual(self.files_with_hits(scan.FOUND_NOTHING), set())

    def test_a_rollback_journal_left_behind_is_read(self):
        self.fill("PERSIST", "ON")
        journal = self.place / "kept.db-journal"
        self.path.unlink()
        self.assertTrue(journal.exists())
        self.assertEqual(self.files_with_hits(), {"kept.db-journal"})


class InProcesses(Residue):
    def setUp(self):
        super().setUp()
        self.needle("1.f32", template(1).tobytes())

    def test_a_core_file_is_searched_as_any_file(self):
        pages = bytes(4096) * 300 + noise(1, 4096 * 20) + bytes(96) + template(1).tobytes() + bytes(4096) * 300
        (self.place / "core.1234").write_bytes(b"\x7fELF\2\1\1" + bytes(9) + struct.pack("<HH", 4, 62) + bytes(4076) + pages)
        hits = self.scan(self.place, status=scan.FOUND)["hits"]
        self.assertEqual([hit["offset"] for hit in hits], [4096 * 321 + 96])

    def test_what_a_process_holds_is_found_and_what_it_does_not_hold_is_not(self):
        holding, empty = self.child(1), self.child(2)
        hits = self.scan(status=scan.FOUND, more=["--pid", str(holding)])["hits"]
        self.assertTrue(hits and all(hit["place"].startswith(f"pid {holding}") for hit in hits))
        summary = self.scan(status=scan.FOUND_NOTHING, more=["--pid", str(empty)])
        self.assertGreater(summary["bytes_scanned"], 1 << 20)

    def test_root_may_read_an_undumpable_process_and_nobody_else_may(self):
        child = self.child(1, "undumpable")
        if os.geteuid() != 0:
            self.scan(status=scan.PROCESS_UNREADABLE, more=["--pid", str(child)])
            self.assertIn("undumpable", self.errors.getvalue())
            return
        self.assertEqual(self.as_nobody("--pid", child), scan.PROCESS_UNREADABLE)
        try:
            os.close(os.open(f"/proc/{child}/mem", os.O_RDONLY))
        except PermissionError:
            self.skipTest("skipped: this root may not read other processes (no CAP_SYS_PTRACE)")
        self.scan(status=scan.FOUND, more=["--pid", str(child)])

    def test_a_process_that_is_not_there_is_not_a_clean_one(self):
        child = subprocess.Popen(["true"])
        child.wait()
        summary = self.scan(status=scan.PROCESS_UNREADABLE, more=["--pid", str(child.pid)])
        self.assertEqual((summary["bytes_scanned"], len(summary["unread"])), (0, 1))

    def test_a_page_that_cannot_be_read_is_not_a_clean_one(self):
        real, child = os.pread, self.child(2)
        bad = next(start for start, _, name in scan.regions(child) if name == "[heap]") + scan.PAGE_BYTES

        def pread(descriptor, length, offset):
            if offset <= bad < offset + scan.PAGE_BYTES:
                raise OSError(5, "Input/output error")
            return real(descriptor, min(length, bad - offset) if offset < bad else length, offset)

        whole = self.scan(status=scan.FOUND_NOTHING, more=["--pid", str(child)])
        with mock.patch.object(os, "pread", pread):
            holed = self.scan(status=scan.PROCESS_UNREADABLE, more=["--pid", str(child)])
        self.assertEqual(holed["unread"], [f"process {child}: 1 of its pages could not be read"])
        self.assertEqual(holed["bytes_scanned"], whole["bytes_scanned"], "the other pages are searched all the same")


class Refusals(Residue):
    def test_a_misuse_is_told_from_a_clean_answer(self):
        (self.place / "file").write_bytes(b"x")
        for command in ([], ["--needles", "x"], [str(self.place)], ["--needles", "x", "--pid", str(os.getpid())]):
            with self.assertRaises(SystemExit) as left, contextlib.redirect_stderr(io.StringIO()):
                scan.main(command)
            self.assertEqual(left.exception.code, scan.UNREADABLE)
        self.scan(self.place, status=scan.UNREADABLE)  # no needles
        for name, data in (("1.f32", bytes(511)), ("1.f32", bytes(512)), ("1.f32", array.array("f", [math.nan] * 99).tobytes()),
                           ("1.9x9.rgb", bytes(100)), ("1.bin", b"short"), ("1.png", b"\x89PNG\r\n\x1a\n" + bytes(99))):
            self.needle(name, data)
            self.scan(self.place, status=scan.UNREADABLE)
            (self.needles / name).unlink()
        self.needle("1.f32", template(1).tobytes())
        self.scan(self.folder / "missing", status=scan.UNREADABLE)
        os.mkfifo(self.folder / "pipe")
        self.scan(self.folder / "pipe", status=scan.UNREADABLE)

    @unittest.skipUnless(os.geteuid() == 0, "skipped: only root can make a file that somebody else may not read")
    def test_an_unreadable_file_is_not_a_clean_one(self):
        self.needle("1.f32", template(1).tobytes())
        (self.place / "file").write_bytes(b"x")
        self.assertEqual(self.as_nobody(self.place), scan.FOUND_NOTHING)
        (self.place / "file").chmod(0)
        self.assertEqual(self.as_nobody(self.place), scan.UNREADABLE)
        (self.place / "file").chmod(0o644)
        (self.place / "below").mkdir(0o700)
        self.assertEqual(self.as_nobody(self.place), scan.UNREADABLE)


@unittest.skipUnless(numpy, "skipped: numpy is not installed")
class ByLikeness(Residue):
    def turned(self, cosine, seed=1):
        """A template at a given cosine from the one looked for, of another length."""
        values, other = (numpy.array(template(number), "f8") for number in (seed, 1000 + seed))
        values /= numpy.linalg.norm(values)
        other -= values * (other @ values)
        other /= numpy.linalg.norm(other)
        return (3 * (cosine * values + math.sqrt(1 - cosine**2) * other)).astype("<f4").tobytes()

    def like(self, *where, status, more=(), seed=1):
        path = self.folder / "like.f32"
        path.write_bytes(template(seed).tobytes())
        more = ["--like", str(path), "--dims", "128", "--cosine", "0.98", *more]
        return self.scan(*where, status=status, needles=False, more=more)

    def test_a_template_of_other_bits_is_found_at_any_byte_amid_anything(self):
        around = array.array("f", [math.nan, math.inf, 3e38, -3e38, 1e-40, 5.0] * 50).tobytes()
        with mock.patch.object(scan, "CHUNK_BYTES", 1 << 14):
            for at in [*range(1200, 1208), (1 << 14) - 4, (1 << 14) - 255, 2 << 14]:
                lead = (noise(3, 1 << 16) + around)[-at:]
                for cosine, status in ((1, scan.FOUND), (0.981, scan.FOUND), (0.979, scan.FOUND_NOTHING)):
                    (self.place / "file").write_bytes(lead + self.turned(cosine) + around)
                    hits = self.like(self.place, status=status)["hits"]
                    self.assertEqual([hit["offset"] for hit in hits], [at] if status == scan.FOUND else [], f"{cosine} at {at}")

    def test_noise_and_zeros_are_like_nothing(self):
        (self.place / "noise").write_bytes(noise(1, 1 << 20))
        (self.place / "zeros").write_bytes(bytes(1 << 20))
        (self.place / "others").write_bytes(b"".join(template(seed).tobytes() for seed in range(2, 200)))
        self.like(self.place, status=scan.FOUND_NOTHING)

    def test_a_process_that_holds_one_is_found(self):
        self.like(status=scan.FOUND, more=["--pid", str(self.child(1))])
        self.like(status=scan.FOUND_NOTHING, more=["--pid", str(self.child(2))])

    def test_a_template_of_another_length_is_refused(self):
        self.like(self.place, status=scan.UNREADABLE, more=["--dims", "512"])


if __name__ == "__main__":
    unittest.main()
