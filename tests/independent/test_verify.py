"""Shows that `verify.py` accepts what the specifications allow and refuses everything else: `python3 -m unittest`.

Expectations come from published vectors, from `publisher.py`, which is written from the definitions, or from arithmetic on
paper. The vectors are not part of this repository: they are looked for in $OVERT_SHARED, or in `shared` beside the repository.
"""
import base64
import contextlib
import copy
import functools
import http.server
import io
import json
import os
import pathlib
import sys
import tempfile
import threading
import unittest
from fnmatch import fnmatchcase

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import publisher
import record
import source
import tlog
import verify
from publisher import (LOG, WITNESS, about, at, change, counts, digest, lawful, receipt, redress,
                       spelt_all)

KEY = tlog.parse_key(LOG.text, tlog.NOTE)
WITNESS_KEY = tlog.parse_key(WITNESS.text, tlog.COSIGNATURE)
GOLDEN_KEY = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
# The entries of the reference tree that the published vectors of transparency-dev/merkle are made of.
REFERENCE = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657",
                                              "606162636465666768696a6b6c6d6e6f")]


def vectors(name):
    """A folder of published vectors; says so and skips the test where it is missing."""
    repository = pathlib.Path(__file__).parents[2]
    folder = pathlib.Path(os.environ.get("OVERT_SHARED") or repository.parent / "shared") / "vectors" / name
    if not folder.is_dir():
        print(f"skipped: vectors/{name} of shared/ not found", flush=True)
        raise unittest.SkipTest(f"vectors/{name} not found")
    return folder


class Memory:
    """A log in memory, as a source."""

    def __init__(self, files):
        self.files = files

    def read(self, path, bytes_max):
        return source.within(path, self.files[path], bytes_max) if path in self.files else None

    def names(self, pattern):
        return [path for path in self.files if fnmatchcase(path, pattern.replace("**/", ""))]


class Case(unittest.TestCase):
    def check(self, files, key=KEY, witnesses=()):
        return verify.LogCheck(Memory(files), key, witnesses)

    def refused(self, files, file, reason="", key=KEY, witnesses=()):
        with self.assertRaises(source.Refused) as found:
            self.check(files, key, witnesses)
        self.assertEqual(found.exception.file, file, str(found.exception))
        self.assertIn(reason, str(found.exception))

    def refused_at_every_byte(self, files, key=KEY, step=1, masks=(1, 0x80)):
        """Changes one byte at a time; the refusal must name the file, or what a list now wrongly points to."""
        changes = 0
        for path, data in files.items():
            for place in range(0, len(data), step):
                for mask in masks:
                    changed = data[:place] + bytes([data[place] ^ mask]) + data[place + 1:]
                    with self.assertRaises(source.Refused, msg=f"{path} byte {place}") as found:
                        self.check({**files, path: changed}, key)
                    if path != "checkpoints/index":
                        self.assertEqual(found.exception.file, path, f"byte {place}: {found.exception}")
                    changes += 1
        return changes


class Trees(Case):
    def test_published_inclusion_vectors(self):
        files = sorted(vectors("merkle/inclusion").rglob("*.json"))
        self.assertEqual(len(files), 98)
        for file in files:
            vector = json.loads(file.read_text())
            leaf, root = base64.b64decode(vector["leafHash"]), base64.b64decode(vector["root"])
            proof = [base64.b64decode(text) for text in vector["proof"] or []]
            try:
                holds = tlog.root_from_proof(vector["leafIdx"], vector["treeSize"], leaf, proof) == root
            except ValueError:
                holds = False
            self.assertEqual(holds, not vector["wantErr"], str(file))

    def test_published_consistency_vectors_have_the_roots_computed_here(self):
        """No consistency proof is needed where all entries are read; their vectors still hold known roots."""
        checked = 0
        for file in sorted(vectors("merkle/consistency").rglob("happy-path.json")):
            vector = json.loads(file.read_text())
            for which in ("1", "2"):
                tree = tlog.Tree()
                for entry in REFERENCE[:vector["size" + which]]:
                    tree.push(tlog.leaf_hash(entry))
                self.assertEqual(base64.b64encode(tree.root()).decode(), vector["root" + which], str(file))
                checked += 1
        self.assertEqual(checked, 10)

    def test_roots_of_every_size_are_as_defined(self):
        leaves, tree = publisher.leaves_of([b"%d" % n for n in range(530)]), tlog.Tree()
        for size, leaf in enumerate(leaves):
            self.assertEqual(tree.root(), publisher.tree_hash(leaves[:size]))
            tree.push(leaf)
        for size in (1, 2, 3, 255, 256, 257, 530):
            for index in {0, 1, size // 2, size - 1} & set(range(size)):
                path = publisher.inclusion_path(index, leaves[:size])
                root = tlog.root_from_proof(index, size, leaves[index], path)
                self.assertEqual(root, publisher.tree_hash(leaves[:size]))


class Structure(Case):
    def test_the_golden_log_is_accepted_and_its_entries_are_said_to_be_others(self):
        folder = vectors("tlog/log")
        key = tlog.parse_key(GOLDEN_KEY, tlog.NOTE)
        log = verify.LogCheck(source.Folder(folder), key)
        self.assertEqual((log.checkpoint.size, len(log.kept), len(log.compared)), (15, 16, 30))
        self.assertEqual(base64.b64encode(log.checkpoint.root), b"rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=")
        self.assertIn("only the structure was checked", "".join(verify.told_of_log(log)[1]))
        paths = [path for path in folder.rglob("*") if path.is_file() and ".state" not in path.parts]
        files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
        self.refused_at_every_byte(files, key, step=5, masks=(1,))

    def test_logs_of_every_shape_are_accepted(self):
        for sizes in ([0], [1], [255], [256], [257], [0, 1, 2, 3], [100, 256, 300, 511, 512, 600]):
            log = self.check(publisher.log([b"entry %d" % n for n in range(sizes[-1])], sizes))
            self.assertEqual((log.checkpoint.size, len(log.kept)), (sizes[-1], len(sizes)))
        self.assertEqual(len(self.check(publisher.log([b"%d" % n for n in range(65_537)])).tree.levels), 3)

    def test_every_changed_byte_of_a_small_log_is_refused_by_name(self):
        files = publisher.log([b"one", b"", b"three", b"four"], [2, 4])
        self.assertEqual(self.refused_at_every_byte(files), 2 * sum(map(len, files.values())))

    def test_every_changed_byte_of_an_overt_log_is_refused_by_name(self):
        self.refused_at_every_byte(publisher.log(spelt_all(lawful())), masks=(1,))

    def test_changed_bytes_of_a_log_with_full_tiles_are_refused_by_name(self):
        self.refused_at_every_byte(publisher.log([b"%d" % n for n in range(260)], [100, 260]), step=37, masks=(0x10,))

    def test_longer_shorter_and_missing_files_are_refused_by_name(self):
        files = publisher.log([b"entry %d" % n for n in range(520)], [100, 256, 300, 520])
        may_be_missing = {"checkpoints/index", "tile/1/000.p/1"}
        may_be_missing |= {path for path in files if path.endswith((".p/100", ".p/44"))}
        for path, data in files.items():
            for changed in (data + b"\n", data + data[-32:], data[:-1], b""):
                # Without its last byte, "…520\n" is refused; an empty list points to nothing.
                if path != "checkpoints/index":
                    self.refused({**files, path: changed}, path)
            fewer = {other: files[other] for other in files if other != path}
            if path == "checkpoint":
                self.assertRaises(source.Unreadable, self.check, fewer)
            elif path in may_be_missing:
                self.check(fewer)
            else:
                self.refused(fewer, path, "missing")
        self.refused({**files, "checkpoint": b"x" * 65_537}, "checkpoint", "larger")

    def test_what_a_crash_or_a_lawful_deletion_leaves_is_accepted(self):
        entries = [b"entry %d" % n for n in range(600)]
        files, later = publisher.log(entries[:300], [100, 300]), publisher.log(entries)
        files |= {path: data for path, data in later.items() if path.startswith("tile/") and path not in files}
        files = {path: data for path, data in files.items() if "/001.p/44" not in path}
        log = self.check({**files, "tile/0/readme": b""})
        self.assertEqual((log.checkpoint.size, len(log.strangers)), (300, 1))
        self.assertIn("beyond the checkpoint: 3", "".join(verify.told_of_log(log)[1]))

    def test_a_rewritten_or_shortened_history_is_refused(self):
        entries = [b"entry %d" % n for n in range(30)]
        honest = publisher.log(entries, [10, 30])
        rewritten = publisher.log(entries[:5] + [b"nothing"] + entries[6:], [30])
        kept = {path: honest[path] for path in ("checkpoints/10", "checkpoints/index")}
        self.refused({**rewritten, **kept}, "checkpoints/10", "not that of the first 10")
        self.refused({**honest, "checkpoint": honest["checkpoints/10"]}, "checkpoints/30", "went back")
        self.refused({**honest, "checkpoints/10": honest["checkpoints/30"]}, "checkpoints/10", "it is of 30 entries")
        self.refused({**honest, "checkpoint.12": honest["checkpoints/10"]}, "checkpoint.12", "it is of 10 entries")
        for index in (b"30\n10\n", b"10\n30", b"010\n30\n", b"10\r\n30\n", b"10\n10\n"):
            self.refused({**honest, "checkpoints/index": index}, "checkpoints/index")

    def test_a_signed_root_that_no_file_gives_is_refused(self):
        files = publisher.log([b"one", b"two"])
        self.refused({**files, "checkpoint": publisher.checkpoint(publisher.leaves_of([b"one", b"2"]))}, "checkpoint")

    def test_paths_of_tiles_are_those_of_the_specification(self):
        for numbers, path in [((0, 0, 8), "tile/0/000.p/8"), ((5, 1_234_067, 256), "tile/5/x001/x234/067"),
                              (("entries", 1_000, 255), "tile/entries/x001/000.p/255")]:
            self.assertEqual(verify.tile_path(*numbers), path)
            self.assertEqual(verify.parse_tile_path(path), numbers)
        for path in ("tile/0/000.p/0", "tile/0/000.p/256", "tile/00/000", "tile/0/x000/001", "tile/0/1", "tile/0/0x0"):
            self.assertIsNone(verify.parse_tile_path(path), path)


class Signatures(Case):
    def test_keys(self):
        other = publisher.Signer("example.org/other", 7)
        for text, reason in [("", "a key reads"), ("name", "a key reads"), (other.text.replace("other", "log"), "its id"),
                             ("PRIVATE+KEY+x+00000000+AAAA", "secret"), (WITNESS.text, "signature type 1"),
                             (LOG.text[:-1], "padding")]:
            with self.assertRaisesRegex(ValueError, reason):
                tlog.parse_key(text, tlog.NOTE)

    def test_checkpoints_signed_by_nobody_known_or_about_another_log_are_refused(self):
        files = publisher.log([b"one"])
        other = publisher.Signer("example.org/other", 3)
        self.refused(files, "checkpoint", "no signature by example.org/other", tlog.parse_key(other.text, tlog.NOTE))
        leaves = publisher.leaves_of([b"one"])
        foreign = publisher.checkpoint(leaves, origin="example.org/other")
        self.refused({**files, "checkpoint": foreign}, "checkpoint", "it is of the log example.org/other")
        twice = publisher.checkpoint(leaves, [(other, None), (LOG, None)])
        log = self.check({**files, "checkpoint": twice})
        self.assertIn("keys that were not given: 1", "".join(verify.told_of_log(log)[1]))

    def test_a_note_has_one_spelling(self):
        note = publisher.checkpoint(publisher.leaves_of([b"one"])).decode()
        for changed in (note[:-1], note + "\n", note.replace("\n1\n", "\n01\n"), note.replace("\n1\n", "\n1 \n"),
                        note.replace("— ", "- "), note.replace("\n", "\r\n"), note + "— x\n", "\n" + note,
                        note[:-1] + "x", "\n\n" + note.partition("\n\n")[2]):
            with self.assertRaises(ValueError, msg=changed):
                tlog.open_checkpoint(changed.encode(), KEY, ())
        tlog.open_checkpoint(note.encode(), KEY, ())

    def test_what_the_key_signed_must_be_a_checkpoint(self):
        root = base64.b64encode(bytes(32)).decode()
        for text, reason in [("{}\n2\n{}\n", ""), ("{}\n2\n{}\nmore\n", ""), ("{}\n2\n{}\n\n", "it is not a checkpoint"),
                             ("{}\n\n{}\n", "it is not a checkpoint"), ("{}\n2\n", "it is not a checkpoint"),
                             ("{}\n2\n{}\n\x01\n", "control character"), ("{}\n2\n{}A=\n", "padding"),
                             ("{}\n2\n" + root[:-4] + "\n", "30 bytes"), (f"{{}}\n{2**40 + 1}\n{{}}\n", "the most"),
                             ("{}\n-2\n{}\n", "plain decimal"), ("{}\n02\n{}\n", "plain decimal")]:
            text = text.format(LOG.name, root)
            note = (text + "\n" + LOG.line(text)).encode()
            if reason:
                with self.assertRaisesRegex(ValueError, reason, msg=text):
                    tlog.open_checkpoint(note, KEY, ())
            else:
                self.assertEqual(tlog.open_checkpoint(note, KEY, ()).size, 2)

    def test_cosignatures(self):
        entries = [b"one", b"two"]
        files = publisher.log(entries, signers=[(LOG, None), (WITNESS, 1_772_355_600)])
        told = "".join(verify.told_of_log(self.check(files, witnesses=[WITNESS_KEY]))[0])
        self.assertIn("The witness witness.example/w1 cosigned it, by its own clock at 2026-03-01T09:00:00Z", told)
        self.refused_at_every_byte_of_note(files, [WITNESS_KEY])
        self.refused(publisher.log(entries), "checkpoint", "has not cosigned", witnesses=[WITNESS_KEY])
        late = publisher.log(entries, signers=[(LOG, None), (WITNESS, 2**37)])
        self.refused(late, "checkpoint", "is dated 137438953472 seconds after 1970", witnesses=[WITNESS_KEY])
        # The right key over another time, over another checkpoint, and another key in its name.
        text, _, lines = files["checkpoint"].decode().rpartition("\n\n")
        stamped = WITNESS.line(text + "\n", 5)
        raw = bytearray(base64.b64decode(stamped.split()[2]))
        raw[11] = 6
        liar = publisher.Signer(WITNESS.name, 8, kind=4)
        liar.id = WITNESS.id
        for line in (stamped.replace(stamped.split()[2], base64.b64encode(raw).decode()),
                     WITNESS.line(text + "!\n", 5), liar.line(text + "\n", 5), WITNESS.line(text + "\n")):
            note = (text + "\n\n" + lines.splitlines()[0] + "\n" + line).encode()
            self.refused({**files, "checkpoint": note}, "checkpoint", "witness.example/w1", witnesses=[WITNESS_KEY])
            self.check({**files, "checkpoint": note})

    def refused_at_every_byte_of_note(self, files, witnesses):
        note = files["checkpoint"]
        for place in range(len(note)):
            changed = note[:place] + bytes([note[place] ^ 1]) + note[place + 1:]
            self.refused({**files, "checkpoint": changed}, "checkpoint", witnesses=witnesses)


class Records(Case):
    def told(self, entries):
        """What is wrong with this record, with the number of its entry, or nothing."""
        try:
            self.check(publisher.log(spelt_all(entries)))
        except source.Refused as refusal:
            self.assertTrue(refusal.file.startswith("tile/entries/000.p/"))
            return str(refusal).partition(": ")[2]
        return ""

    def changed(self, kind, **fields):
        entries = lawful()
        entry = next(entry for entry in entries if entry["fact"]["kind"] == kind)
        entry["at"] = fields.pop("at", entry["at"])
        entry["fact"].update(fields)
        return self.told(entries)

    def test_a_lawful_record_adds_up(self):
        log = self.check(publisher.log(spelt_all(lawful())))
        told = "\n".join(verify.told_of_log(log)[0])
        self.assertIn("24 templates made = 23 destroyed + 1 kept", told)
        self.assertIn("every operation (1) and deployment (1)", told)
        open_questions = "".join(verify.told_of_log(self.check(publisher.log(spelt_all(lawful()[:12]))))[1])
        self.assertIn("not purged yet: 1", open_questions)
        results = {"started": at(600), "duration_seconds": 370, "cameras": 1, "watchlist": 3, "threshold": "0.5",
                   "total_alerts": 1, "positive_alerts": 0, "positive_interventions": 0, "incorrect_alerts": 0,
                   "incorrect_interventions": 0, "arrests_or_disposals": 0, "faces_seen": 24}
        accounted = lawful() + [about(991, "results-published", results=results)]
        told = verify.told_of_log(self.check(publisher.log(spelt_all(accounted))))
        self.assertIn("every ended deployment (1)", "".join(told[0]))
        self.assertNotIn("not purged yet", "".join(told[1]))

    def test_few_facts_can_be_left_out(self):
        entries = lawful()
        for place, entry in enumerate(entries):
            told = self.told(entries[:place] + entries[place + 1:])
            may_be = place == len(entries) - 1 or entry["fact"]["kind"] == "outcome-recorded"
            self.assertEqual(not told, may_be, f"without {entry['fact']}: {told}")

    def test_few_facts_can_be_said_twice(self):
        entries = lawful()
        may_be = {"policy-adopted", "signage-confirmed", "recording-declared", "outcome-recorded"}
        for place, entry in enumerate(entries):
            told = self.told(entries[:place] + entries[place:place + 1] + entries[place:])
            self.assertEqual(not told, entry["fact"]["kind"] in may_be, f"twice {entry['fact']}: {told}")

    def test_no_step_can_change_places_with_the_next(self):
        entries, steps = lawful(), [kind for kind, (_, after) in record.STEPS.items() if after]
        for place in range(len(entries) - 1):
            first, second = copy.deepcopy(entries[place]), copy.deepcopy(entries[place + 1])
            if {first["fact"]["kind"], second["fact"]["kind"]} <= {"deployment-proposed", *steps}:
                first["fact"], second["fact"] = second["fact"], first["fact"]
                self.assertTrue(self.told(entries[:place] + [first, second] + entries[place + 2:]), place)

    def test_withdrawal_is_lawful_until_the_start_and_ends_everything(self):
        entries = lawful()
        for count in range(3, len(entries) + 1):
            withdrawn = entries[:count] + [about(1_000, "deployment-withdrawn", reason="rain")]
            self.assertEqual(not self.told(withdrawn), count <= 8, count)
        after = entries[:5] + [about(10, "deployment-withdrawn", reason="rain"), about(11, "deployment-resumed")]
        self.assertIn("entry 6: deployment d1: there is `deployment-resumed` while it is withdrawn", self.told(after))

    def test_what_does_not_fit_is_told(self):
        for kind, fields, reason in [
            ("deployment-ended", {"at": at(959)}, "entry 17: it is dated before the entry it follows"),
            ("deployment-ended", {"counts": counts(25, 1)}, "its receipts add up to 24 faces, 24 templates made, 23"),
            ("deployment-ended", {"counts": {**counts(24, 1), "faces_seen": 25}}, "its total is 25 faces"),
            ("deployment-ended", {"at": at(1_021)}, "no receipt covers the time from 2026-03-01T09:16:00"),
            ("deployment-purged", {"alerts_destroyed": 0}, "not as many alerts"),
            ("deployment-purged", {"watchlist_images_destroyed": 3}, "not as many images"),
            ("deployment-purged", {"key_destroyed": False}, "its key is not destroyed"),
            ("deployment-proposed", {"starts": at(601)}, "outside its window"),
            ("deployment-proposed", {"ends": at(600)}, "the window of deployment d1 ends before it begins"),
            ("deployment-proposed", {"ends": at(700)}, "after the authorised window"),
            ("deployment-proposed", {"operation": "o2"}, "an operation that was never opened"),
            ("deployment-proposed", {"deployment_kind": "trial"}, "of no known kind"),
            ("deployment-proposed", {"deployment_kind": "live"}, "it is no exercise"),
            ("operation-opened", {"policy_digest": digest("other")}, "never adopted"),
            ("watchlist-frozen", {"people": 4}, "by ground"),
            ("signage-confirmed", {"signs": 0}, "without confirmed signs"),
            ("alert-raised", {"expires": at(650)}, "has expired"),
            ("alert-adjudicated", {"alert": "a2"}, "alert a2 is judged, but was never raised"),
            ("outcome-recorded", {"alert": "a2"}, "alert a2 has an outcome, but no judgement"),
            ("deletion-receipt", {"counts": {**counts(10, 1), "templates_destroyed": 8}}, "does not balance"),
            ("deletion-receipt", {"to": at(661)}, "sealed before its end"),
            ("deletion-receipt", {"from": at(661)}, "ends before it begins"),
            ("deletion-receipt", {"from": at(599)}, "begins before 2026-03-01T09:10:00"),
        ]:
            self.assertIn(reason, self.changed(kind, **fields), f"{kind} {fields}")

    def live(self, cameras, **fields):
        """The lawful record as one of a live deployment with these cameras."""
        entries = [entry for entry in lawful() if entry["fact"]["kind"] != "recording-declared"]
        plan = next(entry["fact"] for entry in entries if entry["fact"]["kind"] == "deployment-proposed")
        plan.update(deployment_kind="live", cameras=2)
        place = next(place for place, entry in enumerate(entries) if entry["fact"]["kind"] == "deployment-started")
        zone = {"zone": "0,400 1000,400 1000,1000 0,1000; 0,0 9,0 9,9", "face_side_px_min": None} | fields
        entries[place:place] = [about(7, "camera-declared", camera=camera, source_commitment=digest("c"), **zone)
                                for camera in cameras]
        return entries

    def test_cameras_are_of_a_live_deployment_within_its_plan_each_with_a_zone(self):
        for cameras in (["c1"], ["c1", "c2"]):
            self.assertEqual(self.told(self.live(cameras)), "")
        self.assertEqual(self.told(self.live(["c1"], face_side_px_min=80)), "")
        for cameras, told in ([], "without a declared camera"), (["c1", "c1"], "c1 is declared twice"), \
                (["c1", "c2", "c3"], "more cameras are declared"), (["c" * 201], "more than 200 bytes"):
            self.assertIn(told, self.told(self.live(cameras)))
        exercise = lawful()
        exercise.insert(7, self.live(["c1"])[7])
        self.assertIn("but it is an exercise", self.told(exercise))
        for zone in ("", "0,0 9,0", "0,0 9,0 9,9;0,0 9,0 9,9", "0,0 9,0 1001,9", "0,0 5,5 9,9", "00,0 9,0 9,9", 7,
                     " ".join(["0,0 9,0 9,9"] * 22), "; ".join(["0,0 9,0 9,9"] * 17)):
            self.assertIn("a zone is none", self.told(self.live(["c1"], zone=zone)))
        self.assertIn("a u32-or-none is none", self.told(self.live(["c1"], face_side_px_min=-1)))

    def test_what_is_missing_is_told_where_it_is_missing(self):
        entries = lawful()
        self.assertIn("entry 7: deployment d1: it is started without a frozen", self.told(entries[:5] + entries[6:]))
        second = copy.deepcopy(entries[9])
        second["fact"]["alert"] = "a2"
        told = self.told(entries[:10] + [second] + entries[10:])
        self.assertIn("1 templates were kept, but 2 alerts are on the record", told)
        self.assertIn("a name has more than 200 bytes", self.changed("operation-opened", operation="o" * 201))

    def test_receipts_leave_no_gap_but_a_minute_where_comparison_begins_or_stops(self):
        start, end = lawful()[:9], lambda seconds, made: about(seconds, "deployment-ended", reason="", counts=counts(made, 0))
        pause = [about(700, "deployment-paused", reason="x"), about(4_000, "deployment-resumed")]
        for entries, reason in [
            ([receipt(700, 660, 700, 1, 0), end(760, 1)], ""),
            ([receipt(700, 661, 700, 1, 0), end(760, 1)], "from 2026-03-01T09:10:00.000000000Z to 2026-03-01T09:11:01"),
            ([receipt(700, 600, 700, 1, 0), end(761, 1)], "from 2026-03-01T09:11:40"),
            ([receipt(700, 600, 650, 1, 0), receipt(700, 651, 700, 1, 0), end(701, 2)], "from 2026-03-01T09:10:50"),
            ([receipt(700, 600, 650, 1, 0), receipt(700, 649, 700, 1, 0), end(701, 2)], "begins before"),
            ([receipt(700, 600, 640, 1, 0), *pause, receipt(4_100, 4_060, 4_100, 1, 0), end(4_101, 2)], ""),
            ([receipt(700, 600, 639, 1, 0), *pause, receipt(4_100, 4_060, 4_100, 1, 0), end(4_101, 2)], "no receipt"),
            ([receipt(700, 600, 640, 1, 0), *pause, receipt(4_100, 4_061, 4_100, 1, 0), end(4_101, 2)], "no receipt"),
            ([receipt(700, 600, 640, 1, 0), pause[0], end(4_101, 1)], ""),
            ([receipt(700, 600, 639, 1, 0), pause[0], end(4_101, 1)], "no receipt"),
            ([*pause, receipt(4_100, 600, 4_100, 1, 0), end(4_101, 1)], ""),
            ([*pause, receipt(4_100, 600, 700, 1, 0), receipt(4_100, 4_000, 4_100, 1, 0), end(4_101, 2)], ""),
            ([receipt(700, 600, 700, 1, 0), pause[0], receipt(900, 800, 810, 1, 0), end(901, 2)], "of a pause alone"),
            ([receipt(700, 600, 700, 1, 0), *pause, receipt(4_100, 800, 4_100, 1, 0), end(4_101, 2)], ""),
            ([*pause, receipt(4_100, 4_000, 4_100, 1, 0), end(4_101, 1)], "no receipt"),
        ]:
            told = self.told(start + entries)
            self.assertTrue(reason in told if reason else not told, f"{entries}: {told}")

    def test_thresholds_seeds_holds_shares_and_complaints_add_up(self):
        self.assertEqual(self.told(redress()), "")
        kinds = {entry["fact"]["kind"] for entry in lawful() + redress()}
        untold = {"staff-counted", "document-filled", "deployment-approved-urgently", "deployment-ratified",
                  "outside-authorised", "deployment-tripped", "trip-cleared", "results-published", "alerts-suppressed",
                  "deployment-withdrawn", "camera-declared"}
        self.assertEqual(set(record.FACTS) - kinds, untold)

    def test_every_changed_byte_of_it_is_refused_by_name(self):
        self.refused_at_every_byte(publisher.log(spelt_all(redress())), step=3, masks=(1,))

    def test_what_protects_people_cannot_be_left_out_or_said_twice(self):
        entries = redress()
        # Each with nothing after it that needs it.
        ends = {"share-outcome-reported", "share-revoked", "complaint-answered", "complaint-forgotten", "hold-released",
                "held-evidence-destroyed", "outcome-reclassified", "alert-engaged", "commitments-destroyed"}
        again = {"policy-adopted", "threshold-proposed", "signage-confirmed", "recording-declared", "share-used",
                 "outcome-recorded", "outcome-reclassified", "alert-engaged", "commitments-destroyed"}
        for place, entry in enumerate(entries):
            kind = entry["fact"]["kind"]
            told = self.told(entries[:place] + entries[place + 1:])
            if kind not in ("watchlist-destroyed", "hold-released"):
                self.assertEqual(not told, kind in ends, f"without {kind}: {told}")
            told = self.told(entries[:place + 1] + entries[place:])
            self.assertEqual(not told, kind in again, f"twice {kind}: {told}")

    def test_what_protects_people_and_does_not_fit_is_told(self):
        def told(kind, which=0, **fields):
            entries = redress()
            entry = [entry for entry in entries if entry["fact"]["kind"] == kind][which]
            entry["at"] = fields.pop("at", entry["at"])
            entry["fact"].update(fields)
            return self.told(entries)
        for kind, fields, reason in [
            ("threshold-set", {"change": change("0.41")}, "not set as it was proposed"),
            ("threshold-proposed", {"change": {**change("0.4"), "reason": " "}}, "without a reason"),
            ("threshold-proposed", {"change": {**change("0.4"), "forecast": {}}}, "without a reason or a forecast"),
            ("threshold-proposed", {"change": {**change("0.4"), "forecast": {"men": 1}}}, "a in-words is none"),
            ("threshold-proposed", {"change": change("0.4", "0.3")}, "after another than the one in use"),
            ("seeds-committed", {"seeds": 3}, "are not those fixed"),
            ("seeds-committed", {"commitment": digest("x")}, "are not those fixed"),
            ("seeds-revealed", {"salt": "ac"}, "are not those fixed"),
            ("seeds-revealed", {"seeds": ["s2", "s1"]}, "are not those fixed"),
            ("seeds-revealed", {"seeds": ["s1", 2]}, "a names is none"),
            ("seeds-revealed", {"shown": 3}, "do not add up"),
            ("seeds-revealed", {"false_accepts": 3}, "do not add up"),
            ("seeds-revealed", {"agreed": 2}, "do not add up"),
            ("seeds-revealed", {"judgements": 5}, "do not add up"),
            ("seeds-revealed", {"seconds_to_decide_p50": 10}, "do not add up"),
            ("alert-judged-twice", {"first": "cannot tell"}, "the first judgement was another one"),
            ("alert-judged-twice", {"second": "cannot tell"}, "not everybody who judged saw the same person"),
            ("alert-held", {"until": at(673)}, "until a time that has come"),
            ("alert-held", {"alert": "a3"}, "alert a3 was never raised"),
            ("alert-held", {"until": at(692)}, "has a hold lifted that there is not"),
            ("deployment-purged", {"alerts_destroyed": 2}, "not as many alerts"),
            ("share-proposed", {"expires": at(1)}, "has expired when it is proposed"),
            ("share-proposed", {"expires": at(674)}, "it is used after it expired"),
            ("share-used", {"counterpart": "A third"}, "another counterpart than was agreed"),
            ("share-used", {"direction": "in"}, "another direction than was agreed"),
            ("share-used", {"what": "a list"}, "another what than was agreed"),
            ("share-approved", {"share": "sh2"}, "share sh2 was never proposed"),
            ("complaint-received", {"about": "hearsay"}, "about nothing known"),
            ("complaint-answered", {"finding": "perhaps"}, "no known finding"),
            ("complaint-answered", {"complaint": "k2"}, "complaint k2 was never received"),
            ("complaint-received", {"complaint": "k" * 201}, "more than 200 bytes"),
        ]:
            self.assertIn(reason, told(kind, **fields), f"{kind} {fields}")
        self.assertIn("another threshold than the 0.7 that is set", self.told([
            {**entry, "fact": {**entry["fact"], "change": change("0.7", "0.4")}}
            if entry["fact"].get("change", {}).get("value") == "0.5" else entry for entry in redress()]))

    def test_holds_shares_and_seeds_have_their_times(self):
        entries = redress()
        at_kind = {entry["fact"]["kind"]: place for place, entry in enumerate(entries)}
        without = [entry for entry in entries if entry["fact"]["kind"] != "hold-released"]
        self.assertIn("before the hold is over", self.told(without))
        over = copy.deepcopy(without)
        for entry in over:
            if entry["fact"]["kind"] == "alert-held":
                entry["fact"]["until"] = at(693)
        self.assertEqual(self.told(over), "", "it is over by itself")
        used, told = entries[at_kind["share-used"]], at_kind["share-outcome-reported"]
        later = {**used, "at": at(774)}
        waiting = entries[:told] + [later]
        self.assertIn("a report of an earlier use is overdue", self.told(waiting))
        self.assertEqual(self.told(entries[:told] + [{**used, "at": at(773)}]), "")
        self.assertEqual(self.told(entries[:told + 1] + [later]), "", "after the report the time begins anew")
        early = entries[:at_kind["notice-published"] + 1] + [entries[at_kind["seeds-committed"]]]
        self.assertIn("of a watchlist that is not frozen", self.told(early))
        live = [{**entry, "fact": {**entry["fact"], "deployment_kind": "live"}}
                if entry["fact"]["kind"] == "deployment-proposed" else entry for entry in entries
                if entry["fact"]["kind"] != "recording-declared"]
        self.assertIn("it is no exercise", self.told(live))

    def test_an_entry_has_one_spelling(self):
        good = '{"at":"2026-03-01T09:00:00.5Z","fact":{"kind":"deployment-resumed","deployment":"d\\n\\u0001é\\""}}'
        record.read_entry(good.encode())
        for changed in (good.replace(":00.5Z", ":00.50Z"), good.replace(":00.5Z", ":00.Z"), good.replace(".5Z", ".5+00:00"),
                        good.replace("T09", "T24"), good.replace("-03-", "-13-"), good.replace("03-01", "02-30"),
                        good.replace(":00.5Z", ":60Z"), good.replace('","', '", "'), good.replace("é", "\\u00e9"),
                        good.replace("\\u0001", "\\u0001\\/"), good.replace("\\n", "\\u000a"), good[:-1], good + "\n",
                        good.replace("resumed", "deleted"), good.replace('{"kind"', '{"note":"","kind"'),
                        good.replace('"}}', '","kind":"deployment-resumed"}}'), good.replace('"}}', '"},"x":1}'),
                        good.replace("é", "\\ud800"), "[" * 60_000, '{"at":"', '{"at":1,"fact":{}}', '{"at":"","fact":[]}'):
            with self.assertRaises((ValueError, RecursionError), msg=changed[:200]):
                record.read_entry(changed.encode())

    def test_values_have_their_shapes(self):
        for kind, fields in [("policy-adopted", {"digest": "aa"}), ("policy-adopted", {"version": 2**32}),
                             ("policy-adopted", {"version": -1}), ("policy-adopted", {"version": True}),
                             ("policy-adopted", {"version": 1.0}), ("policy-adopted", {"profile": None}),
                             ("watchlist-frozen", {"images": 2**64}),
                             ("watchlist-frozen", {"by_ground": {"wanted": 2, "missing": 1}}),
                             ("watchlist-frozen", {"by_ground": {"missing": -1, "wanted": 4}}),
                             ("deployment-purged", {"key_destroyed": 1}), ("deletion-receipt", {"counts": {}})]:
            self.assertTrue(self.changed(kind, **fields), f"{kind} {fields}")

    def test_lines_that_are_no_entries_are_refused_in_our_log_and_ours_in_others(self):
        ours = spelt_all(lawful())
        mixed = ours[:3] + [b"hello"] + ours[3:]
        self.refused(publisher.log(mixed), "tile/entries/000.p/21", "entry 3: ")
        self.refused(publisher.log([b"one", b"two", ours[0]]), "tile/entries/000.p/3", "entry 2: it is overt's")
        self.assertFalse(self.check(publisher.log([b"one", b'{"at":"x'])).is_ours)

    def test_notices_and_policies_are_those_on_the_record(self):
        files = publisher.log(spelt_all(lawful()))
        documents = {"notices/d1.txt": b"notice", f"policies/{digest('policy')}.toml": b"policy"}
        self.assertEqual(self.check({**files, **documents}).documents, 2)
        self.assertEqual(self.check(files).missing, 2)
        for path in documents:
            self.refused({**files, **documents, path: b"another"}, path, "its digest")


class Commands(Case):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def write(self, files):
        for path, data in files.items():
            file = self.folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        return str(self.folder)

    def run_it(self, *arguments):
        """Exit code and everything that was printed."""
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            try:
                code = verify.main(list(arguments))
            except SystemExit as exit:
                code = exit.code
        return code, printed.getvalue()

    def test_a_folder_is_verified_refused_or_not_read(self):
        log = self.write(publisher.log(spelt_all(lawful()), [9, 20]))
        self.write({"key": LOG.text.encode() + b"\n"})
        code, printed = self.run_it(log, "--key", f"{log}/key")
        self.assertEqual(code, 0, printed)
        for part in ("root ", "proven:", "not proven:", "24 templates made = 23 destroyed + 1 kept"):
            self.assertIn(part, printed)
        bundle = self.folder / "tile/entries/000.p/20"
        bundle.write_bytes(bundle.read_bytes().replace(b'"templates_made":5', b'"templates_made":4'))
        code, printed = self.run_it(log, "--key", LOG.text)
        self.assertEqual((code, printed[:31]), (1, "refused: tile/entries/000.p/20:"), printed)
        for arguments in ([f"{log}/tile", "--key", LOG.text], [log, "--key", "no key"], [log], [log, "--key", f"{log}/tile"],
                          [log, "--key", LOG.text, "--witness", LOG.text], [log, log, "--key", LOG.text],
                          [log, "--key", LOG.text, "--entry", "x"]):
            self.assertEqual(self.run_it(*arguments)[0], 2, arguments)

    def test_an_address_is_verified_by_its_list(self):
        self.write(publisher.log([b"entry %d" % n for n in range(300)], [100, 256, 300]))
        serve = functools.partial(Quiet, directory=str(self.folder))
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            address = f"http://127.0.0.1:{server.server_port}"
            code, printed = self.run_it(address, "--key", LOG.text)
            self.assertEqual(code, 0, printed)
            self.assertIn("each of 3 kept checkpoints", printed)
            self.assertIn("cannot be listed", printed)
            (self.folder / "checkpoints/100").unlink()
            code, printed = self.run_it(address, "--key", LOG.text)
            self.assertEqual((code, printed[:25]), (1, "refused: checkpoints/100:"), printed)
            server.shutdown()
        self.assertEqual(self.run_it(address, "--key", LOG.text)[0], 2)

    def test_a_proof_shows_one_entry(self):
        entries = spelt_all(lawful())
        entry, signers = entries[9], [(LOG, None), (WITNESS, 1_772_355_600)]
        proof, file = publisher.proof(9, entries, entry, signers), self.folder / "alert.tlog-proof"
        file.write_bytes(proof)
        arguments = ("proof", str(file), "--key", LOG.text, "--witness", WITNESS.text)
        code, printed = self.run_it(*arguments)
        self.assertEqual(code, 0, printed)
        self.assertIn("Entry 9 of that log reads: " + entry.decode(), printed)
        for place in range(len(proof)):
            file.write_bytes(proof[:place] + bytes([proof[place] ^ 1]) + proof[place + 1:])
            code, printed = self.run_it(*arguments)
            self.assertEqual((code, printed[:9]), (1, "refused: "), f"byte {place}: {printed}")
            self.assertIn(str(file), printed)

    def test_a_proof_without_its_entry_is_told_which(self):
        entries = [b"one", b"two", b"three"]
        file = self.folder / "p"
        self.write({"p": publisher.proof(1, entries), "two": b"two", "three": b"three"})
        arguments = ("proof", str(file), "--key", LOG.text)
        self.assertEqual(self.run_it(*arguments)[0], 2)
        self.assertEqual(self.run_it(*arguments, "--entry", str(self.folder / "two"))[0], 0)
        code, printed = self.run_it(*arguments, "--entry", str(self.folder / "three"))
        self.assertIn("is not entry 1 of the signed log", printed)
        self.assertEqual(code, 1)
        self.assertEqual(self.run_it("proof", str(self.folder / "none"), "--key", LOG.text)[0], 2)
        long = publisher.proof(1, entries).replace(b"index 1\n", b"index 1\n" + b"A" * 43 + b"=\n")
        self.write({"p": long})
        self.assertIn("more hashes than", self.run_it(*arguments, "--entry", str(self.folder / "two"))[1])
        self.write({"p": long.replace(b"index 1\n", b"index 1\n" + (b"A" * 43 + b"=\n") * 62)})
        self.assertIn("more than 64 hashes", self.run_it(*arguments, "--entry", str(self.folder / "two"))[1])
        self.write({"p": publisher.proof(0, [b"one"], b"one\x1b[2J\xff")})
        self.assertEqual(self.run_it(*arguments)[0], 1)
        self.write({"p": publisher.proof(0, [b"\x1b[2J\xe2\x80\xae"], b"\x1b[2J\xe2\x80\xae")})
        self.assertIn("reads: \\u{1b}[2J\\u{202e}", self.run_it(*arguments)[1])


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


if __name__ == "__main__":
    unittest.main()
