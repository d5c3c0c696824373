"""What overt's entries say and whether it fits together, for `verify.py`; written from docs/reference/record.md.

Entries are taken in one after another. Whatever is wrong is a `ValueError` whose text says what.
"""
import datetime
import hashlib
import json
import math
import re

from tlog import need

SECOND = 10**9                  # Times are whole nanoseconds since 1970.
UNCOVERED_MAX = 60 * SECOND     # Comparison at either end of a stretch of it that no receipt covers.
NAME_BYTES_MAX = 200
CAMERAS_MAX = 256               # Of one deployment.
BEGINNING = b'{"at":"'          # How every entry begins.

# The fields of every kind of fact, in order, each with its shape.
FACTS = {
    "policy-adopted": "profile:text version:u32 digest:digest",
    "operation-opened": "operation:text title:text force:text purpose:text policy_digest:digest"
                        " outside_authoriser:text-or-none",
    "staff-counted": "by_role:by_ground",
    "deployment-proposed": "deployment:text operation:text deployment_kind:text purpose:text place:text"
                           " place_ground:text place_evidence:digest cameras:u32"
                           " starts:time ends:time",
    "document-filled": "deployment:text slot:text digest:digest",
    "deployment-approved": "deployment:text role:text",
    "deployment-approved-urgently": "deployment:text role:text ground:text ratify_by:time",
    "deployment-ratified": "deployment:text role:text",
    "outside-authorised": "deployment:text signature:text",
    "notice-published": "deployment:text notice_digest:digest",
    "watchlist-frozen": "deployment:text people:u64 images:u64 by_ground:by_ground commitment:digest"
                        " by_approval?:by_ground",
    "signage-confirmed": "deployment:text signs:u32 alternative_route:text page:text role:text",
    "recording-declared": "deployment:text camera:text digest:digest bytes:u64",
    "camera-declared": "deployment:text camera:text source_commitment:digest zone:zone face_side_px_min:u32-or-none",
    "deployment-started": "deployment:text equipment:equipment",
    "deployment-paused": "deployment:text reason:text",
    "deployment-resumed": "deployment:text",
    "deployment-tripped": "deployment:text wire:text found:text",
    "trip-cleared": "deployment:text role:text reason:text",
    "alert-raised": "deployment:text alert:text camera:text evidence_commitment:digest expires:time",
    "alert-adjudicated": "deployment:text alert:text judgement:text seconds_to_decide:u64",
    "outcome-recorded": "deployment:text alert:text outcome:text",
    "deletion-receipt": "deployment:text from:time to:time counts:counts",
    "deployment-ended": "deployment:text reason:text counts:counts",
    "deployment-purged": "deployment:text alerts_destroyed:u64 watchlist_images_destroyed:u64 key_destroyed:yes-or-no",
    "deployment-withdrawn": "deployment:text reason:text",
    "results-published": "deployment:text results:results",
    "alerts-suppressed": "deployment:text up_to:u64",
    "watchlist-destroyed": "deployment:text images:u64 key_destroyed:yes-or-no",
    "commitments-destroyed": "deployment:text questions:u64",
    "alert-judged-once": "deployment:text alert:text judgement_commitment:digest seconds_to_decide:u64",
    "alert-judged-twice": "deployment:text alert:text first:text salt:text second:text seconds_to_decide:u64",
    "alert-engaged": "deployment:text alert:text engagement:text",
    "outcome-reclassified": "deployment:text alert:text outcome:text reason:text",
    "alert-held": "deployment:text alert:text ground:text until:time evidence_commitment:digest",
    "hold-released": "deployment:text alert:text",
    "held-evidence-destroyed": "deployment:text alert:text",
    "seeds-committed": "deployment:text seeds:u64 commitment:digest",
    "seeds-revealed": "deployment:text salt:text seeds:names shown:u64 judgements:u64 false_accepts:u64 cannot_tell:u64"
                      " judged_twice:u64 agreed:u64 seconds_to_decide_p50:u64 seconds_to_decide_p90:u64",
    "threshold-proposed": "change:change role:text",
    "threshold-set": "change:change proposed_by:text approved_by:text",
    "complaint-received": "complaint:text about:text about_deployment:text-or-none",
    "complaint-answered": "complaint:text finding:text",
    "complaint-forgotten": "complaint:text",
    "share-proposed": "share:text direction:text counterpart:text what:text agreement:text basis:text expires:time"
                      " outcome_due_seconds:u64",
    "share-approved": "share:text role:text",
    "share-used": "share:text counterpart:text direction:text what:text items:u64",
    "share-outcome-reported": "share:text",
    "share-revoked": "share:text reason:text",
}
PARTS = {
    "entry": "at:time fact:fact",
    "equipment": "software:text detector:text recogniser:text weights_sha256:digest engine:text threshold:text"
                 " threshold_fpir:text threshold_evaluation:text",
    "results": "started:time duration_seconds:u64 cameras:u32 watchlist:u64 threshold:text total_alerts:u64"
               " positive_alerts:u64 positive_interventions:u64 incorrect_alerts:u64 incorrect_interventions:u64"
               " arrests_or_disposals:u64 faces_seen:u64",
    "change": "model:text value:text fpir:text evaluation:text evaluation_digest:digest reason:text forecast:in-words"
              " previous:text-or-none",
    "counts": "faces_seen:u64 templates_made:u64 templates_destroyed:u64 alerts_kept:u64",
}
# The stages in which a fact about a deployment may become true, and the stage it leads to.
STEPS = {
    "document-filled": ("proposed approved", None),
    "deployment-approved": ("proposed", "approved"),
    "deployment-approved-urgently": ("proposed", "approved"),
    "deployment-ratified": ("approved announced comparing paused tripped ended", None),
    "outside-authorised": ("approved", None),
    "notice-published": ("approved", "announced"),
    "watchlist-frozen": ("announced", None),
    "signage-confirmed": ("announced", None),
    "recording-declared": ("announced", None),
    "camera-declared": ("announced", None),
    "deployment-started": ("announced", "comparing"),
    "deployment-paused": ("comparing", "paused"),
    "deployment-tripped": ("comparing paused", "tripped"),
    "deployment-resumed": ("paused", "comparing"),
    "trip-cleared": ("tripped", "comparing"),
    "alert-raised": ("comparing paused tripped", None),
    "deletion-receipt": ("comparing paused tripped", None),
    "deployment-ended": ("comparing paused tripped", "ended"),
    "alert-adjudicated": ("comparing paused tripped ended", None),
    "outcome-recorded": ("comparing paused tripped ended", None),
    "deployment-purged": ("ended", "purged"),
    "results-published": ("purged", "accounted"),
    "alerts-suppressed": ("comparing", None),
    "watchlist-destroyed": ("ended", None),
    "commitments-destroyed": ("purged accounted", None),
    "alert-judged-once": ("comparing paused tripped ended", None),
    "alert-judged-twice": ("comparing paused tripped ended", None),
    "alert-engaged": ("comparing paused tripped ended", None),
    "outcome-reclassified": ("comparing paused tripped ended purged accounted", None),
    "alert-held": ("comparing paused tripped ended", None),
    "hold-released": ("comparing paused tripped ended purged accounted", None),
    "held-evidence-destroyed": ("comparing paused tripped ended purged accounted", None),
    "seeds-committed": ("announced", None),
    "seeds-revealed": ("ended", None),
    "deployment-withdrawn": ("proposed approved announced", "withdrawn"),
}


def read_entry(data):
    """The time and the fact of an entry, which must be in its one spelling."""
    value = json.loads(data.decode("utf-8"))
    entry = read(value, "entry")
    spelling = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    need(spelling.encode("utf-8") == data, "it is not in its one spelling")
    return entry["at"], entry["fact"]


def read(value, shape):
    """The value, if it has this shape; times as numbers."""
    fields = PARTS.get(shape)
    if shape == "fact":
        kind = value.get("kind") if isinstance(value, dict) else None
        need(isinstance(kind, str) and kind in FACTS, "it is no fact of a known kind")
        shape, fields = kind, f"kind:text {FACTS[kind]}"
    if fields:
        shapes = dict(pair.split(":") for pair in fields.split())
        # A field with `?` is left out where it is empty.
        shapes = {name.rstrip("?"): inner for name, inner in shapes.items()
                  if not name.endswith("?") or name.rstrip("?") in value}
        need(isinstance(value, dict) and list(value) == list(shapes), f"the fields of `{shape}` are not {fields}")
        return {name: read(value[name], inner) for name, inner in shapes.items()}
    if shape == "time":
        return read_time(value)
    if shape == "by_ground":
        right = isinstance(value, dict) and list(value) == sorted(value)
        right = right and all(type(people) is int and people >= 0 for people in value.values())
    elif shape == "in-words":
        right = isinstance(value, dict) and list(value) == sorted(value)
        right = right and all(isinstance(words, str) for words in value.values())
    elif shape == "names":
        right = isinstance(value, list) and all(isinstance(name, str) for name in value)
    elif shape in ("u32", "u64"):
        right = type(value) is int and 0 <= value < 2 ** int(shape[1:])
    elif shape == "digest":
        right = isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value)
    elif shape == "zone":
        right = isinstance(value, str) and is_zone(value)
    elif shape == "u32-or-none":
        right = value is None or type(value) is int and 0 <= value < 2 ** 32
    else:
        right = type(value) in {"text": (str,), "text-or-none": (str, type(None)), "yes-or-no": (bool,)}[shape]
    need(right, f"a {shape} is none: {str(value)[:80]!r}")
    return value


def is_zone(text):
    """Whether it is 1 to 16 polygons of 3 to 64 corners in thousandths, in their one spelling, none without an area."""
    polygons = text.split("; ")
    number = "(?:0|[1-9][0-9]{0,2}|1000)"
    if len(polygons) > 16 or not all(re.fullmatch(f"{number},{number}(?: {number},{number}){{2,63}}", polygon)
                                     for polygon in polygons):
        return False
    corners = [[tuple(map(int, corner.split(","))) for corner in polygon.split(" ")] for polygon in polygons]
    return all(sum(x * below - right * y for (x, y), (right, below) in zip(outline, outline[1:] + outline[:1]))
               for outline in corners)


def read_time(value):
    match = isinstance(value, str) and re.fullmatch(r"([0-9-]{10}T[0-9:]{8})(?:\.([0-9]{0,8}[1-9]))?Z", value)
    need(match, f"a time is none: {str(value)[:80]!r}")
    # Some versions of Python read 24:00:00 as the next day.
    moment = datetime.datetime.fromisoformat(match[1])
    need(moment.isoformat() == match[1], f"a time is not in its one spelling: {value}")
    seconds = (moment - datetime.datetime(1970, 1, 1)) // datetime.timedelta(seconds=1)
    return seconds * SECOND + int((match[2] or "").ljust(9, "0"))


def date(time):
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=time // SECOND)
    return f"{moment.isoformat()}.{time % SECOND:09}Z"


class Record:
    """The record as far as it was taken in."""

    def __init__(self):
        self.latest, self.policies, self.operations, self.deployments = -math.inf, set(), set(), {}
        self.receipts, self.alerts, self.counts = 0, 0, no_counts()
        self.documents = {}     # Digests on the record of files that are published, by path.
        self.thresholds = Thresholds()
        self.shares, self.complaints = {}, {}   # By name; of a complaint, what became of it.

    def take(self, data):
        at, fact = read_entry(data)
        need(at >= self.latest, "it is dated before the entry it follows")
        self.latest = at
        kind, name = fact["kind"], fact.get("deployment")
        for named in (name, *map(fact.get, ("operation", "alert", "share", "complaint"))):
            need(len((named or "").encode()) <= NAME_BYTES_MAX, f"a name has more than {NAME_BYTES_MAX} bytes")
        if kind == "policy-adopted":
            self.policies.add(fact["digest"])
            self.documents[f"policies/{fact['digest']}.toml"] = fact["digest"]
        elif kind == "operation-opened":
            need(fact["policy_digest"] in self.policies, "an operation is opened under a policy that was never adopted")
            need(fact["operation"] not in self.operations, f"operation {fact['operation']} is opened twice")
            self.operations.add(fact["operation"])
        elif kind == "deployment-proposed":
            need(fact["operation"] in self.operations, f"deployment {name} is of an operation that was never opened")
            need(name not in self.deployments, f"deployment {name} is proposed twice")
            self.deployments[name] = Deployment(fact)
        elif kind.startswith("threshold-"):
            self.thresholds.take(fact)
        elif kind.startswith("share-"):
            self.take_share(at, fact)
        elif kind.startswith("complaint-"):
            self.take_complaint(fact)
        elif kind != "staff-counted":
            need(name in self.deployments, f"deployment {name} was never proposed")
            self.deployments[name].take(at, fact)
            if kind == "deployment-started":
                self.thresholds.need_in_use(name, fact["equipment"])
            self.count(kind, fact)

    def take_share(self, at, fact):
        name, kind = fact["share"], fact["kind"]
        if kind == "share-proposed":
            need(name not in self.shares, f"share {name} is proposed twice")
            need(fact["expires"] > at, f"share {name} has expired when it is proposed")
            self.shares[name] = Share(fact)
        else:
            need(name in self.shares, f"share {name} was never proposed")
            try:
                getattr(self.shares[name], kind.replace("-", "_"))(at, fact)
            except ValueError as error:
                raise ValueError(f"share {name}: {error}") from None

    def take_complaint(self, fact):
        name, kind = fact["complaint"], fact["kind"]
        if kind == "complaint-received":
            need(name not in self.complaints, f"complaint {name} is received twice")
            need(fact["about"] in ("alert receipt", "place and time"), f"complaint {name} is about nothing known")
            self.complaints[name] = "open"
            return
        state = self.complaints.get(name)
        need(state in ("open", "answered"), f"complaint {name} was never received, or is forgotten")
        if kind == "complaint-answered":
            need(state == "open", f"complaint {name} is answered twice")
            need(fact["finding"] in ("upheld", "not upheld"), f"complaint {name} has no known finding")
        self.complaints[name] = kind.removeprefix("complaint-")

    def count(self, kind, fact):
        self.alerts += kind == "alert-raised"
        self.receipts += kind == "deletion-receipt"
        if kind == "deletion-receipt":
            add(self.counts, fact["counts"])
        if kind == "notice-published" and re.fullmatch("[A-Za-z0-9][A-Za-z0-9._-]*", fact["deployment"]):
            self.documents[f"notices/{fact['deployment']}.txt"] = fact["notice_digest"]

    def in_stage(self, *stages):
        return sum(deployment.stage in stages for deployment in self.deployments.values())


class Thresholds:
    """The threshold of each model: what is proposed, and what two people have set."""

    def __init__(self):
        self.proposed, self.in_use = {}, {}

    def take(self, fact):
        change = fact["change"]
        model, before = change["model"], self.in_use.get(change["model"])
        if fact["kind"] == "threshold-proposed":
            need(change["previous"] == (before and before["value"]),
                 f"a threshold of {model} is proposed after another than the one in use")
            need(change["reason"].strip() and change["forecast"],
                 f"a threshold of {model} is proposed without a reason or a forecast")
            self.proposed[model] = change
        else:
            need(self.proposed.pop(model, None) == change, f"the threshold of {model} is not set as it was proposed")
            self.in_use[model] = change

    def need_in_use(self, name, equipment):
        model = f"{equipment['recogniser']}/{equipment['weights_sha256'][:16]}/"
        for change in (change for set_for, change in self.in_use.items() if set_for.startswith(model)):
            need((change["value"], change["evaluation"]) == (equipment["threshold"], equipment["threshold_evaluation"]),
                 f"deployment {name}: it is started with another threshold than the {change['value']} that is set")


class Share:
    """One agreement to hand something out or take it in. A method that has the name of a kind of fact checks its facts."""

    def __init__(self, terms):
        self.terms, self.is_approved, self.is_revoked = terms, False, False
        self.used = None        # The earliest use that nothing was reported of.

    def share_approved(self, at, fact):
        need(not self.is_approved and not self.is_revoked, "it is approved twice, or after it was revoked")
        self.is_approved = True

    def share_used(self, at, fact):
        need(self.is_approved and not self.is_revoked, "it is used without approval, or after it was revoked")
        need(at < self.terms["expires"], "it is used after it expired")
        for field in ("counterpart", "direction", "what"):
            need(fact[field] == self.terms[field], f"it is used for another {field} than was agreed")
        self.used = at if self.used is None else self.used
        due = max(1, self.terms["outcome_due_seconds"]) * SECOND
        need(at - self.used < due, "it is used while a report of an earlier use is overdue")

    def share_outcome_reported(self, at, fact):
        need(self.used is not None, "an outcome is reported, but nothing was used")
        self.used = None

    def share_revoked(self, at, fact):
        need(not self.is_revoked, "it is revoked twice")
        self.is_revoked = True


class Alert:
    """What is remembered of an alert."""

    def __init__(self):
        self.judged = False         # Then the commitment of a first judgement, then true.
        self.is_same_person = self.has_outcome = False
        self.held_until = None      # While evidence is held.


class Deployment:
    """What is remembered of a deployment. A method that has the name of a kind of fact checks facts of that kind."""

    def __init__(self, plan):
        self.name, self.is_exercise = plan["deployment"], plan["deployment_kind"] == "exercise"
        self.starts, self.ends, self.stage = plan["starts"], plan["ends"], "proposed"
        self.images, self.images_destroyed, self.signs, self.recordings = None, 0, 0, 0
        self.people, self.cameras, self.ratify_by = 0, plan["cameras"], None
        self.alerts = {}        # By name.
        self.seeds, self.has_revealed = None, False     # Number and commitment of the pairs that an exercise seeds.
        self.counts = no_counts()
        self.stretches = []     # Beginning and end of each stretch of comparison that receipts do not cover yet.
        self.covered = None     # Receipts cover comparison until then.
        self.declared = set()   # Names of the cameras declared.
        need(self.is_exercise or plan["deployment_kind"] == "live", f"deployment {self.name} is of no known kind")
        need(self.starts < self.ends, f"the window of deployment {self.name} ends before it begins")

    def take(self, at, fact):
        kind = fact["kind"]
        stages, after = STEPS[kind]
        try:
            need(self.stage in stages.split(), f"there is `{kind}` while it is {self.stage}")
            getattr(self, kind.replace("-", "_"), lambda at, fact: None)(at, fact)
        except ValueError as error:
            raise ValueError(f"deployment {self.name}: {error}") from None
        self.stage = after or self.stage

    def watchlist_frozen(self, at, fact):
        need(self.images is None, "its watchlist is frozen twice")
        need(sum(fact["by_ground"].values()) == fact["people"], "its people by ground do not add up to its people")
        self.images, self.people = fact["images"], fact["people"]

    def deployment_approved_urgently(self, at, fact):
        need(fact["ratify_by"] > at, "it is approved urgently until a moment that has passed")
        self.ratify_by = fact["ratify_by"]

    def deployment_ratified(self, at, fact):
        need(self.ratify_by is not None, "it is ratified, but not approved urgently, or ratified twice")
        need(at < self.ratify_by, "it is ratified after its urgent approval lapsed")
        self.ratify_by = None

    def results_published(self, at, fact):
        row = fact["results"]
        need(row["total_alerts"] == self.counts["alerts_kept"] and row["faces_seen"] == self.counts["faces_seen"]
             and row["watchlist"] == self.people and row["cameras"] == self.cameras, "its results are of something else")
        need(row["positive_alerts"] + row["incorrect_alerts"] <= row["total_alerts"]
             and row["positive_interventions"] <= row["positive_alerts"]
             and row["incorrect_interventions"] <= row["incorrect_alerts"]
             and row["arrests_or_disposals"] <= row["positive_interventions"], "its results do not add up")

    def signage_confirmed(self, at, fact):
        self.signs = fact["signs"]

    def recording_declared(self, at, fact):
        need(self.is_exercise, "a recording is declared, but it is no exercise")
        self.recordings += 1

    def camera_declared(self, at, fact):
        camera = fact["camera"]
        need(not self.is_exercise, "a camera is declared, but it is an exercise")
        need(len(camera.encode()) <= NAME_BYTES_MAX, f"a camera's name has more than {NAME_BYTES_MAX} bytes")
        need(camera not in self.declared, f"camera {camera} is declared twice")
        self.declared.add(camera)
        need(len(self.declared) <= min(self.cameras, CAMERAS_MAX), "more cameras are declared than there were to be")

    def deployment_started(self, at, fact):
        need(self.starts <= at < self.ends, "it is started outside its window")
        need(self.images is not None, "it is started without a frozen watchlist")
        need(self.signs > 0, "it is started without confirmed signs")
        need(self.recordings > 0 or not self.is_exercise, "it is started, as an exercise, without a declared recording")
        need(self.declared or self.is_exercise, "it is started, as a live deployment, without a declared camera")
        self.covered, self.stretches = at, [[at, math.inf]]

    def deployment_paused(self, at, fact):
        self.stretches[-1][1] = at

    def deployment_tripped(self, at, fact):
        if self.stage == "comparing":
            self.stretches[-1][1] = at

    def deployment_resumed(self, at, fact):
        self.stretches.append([at, math.inf])

    trip_cleared = deployment_resumed

    def alert_raised(self, at, fact):
        need(fact["alert"] not in self.alerts, f"alert {fact['alert']} is raised twice")
        need(fact["expires"] > at, f"alert {fact['alert']} has expired when it is raised")
        self.alerts[fact["alert"]] = Alert()

    def alert(self, fact):
        """The alert that a fact is about."""
        name = fact["alert"]
        need(name in self.alerts, f"alert {name} is judged, but was never raised" if "judge" in fact["kind"]
             or "adjudicated" in fact["kind"] else f"alert {name} was never raised")
        return self.alerts[name]

    def alert_adjudicated(self, at, fact):
        alert = self.alert(fact)
        need(alert.judged is False, f"alert {fact['alert']} is judged twice")
        alert.judged, alert.is_same_person = True, fact["judgement"] == "same person"

    def alert_engaged(self, at, fact):
        alert = self.alert(fact)
        need(alert.judged is True and alert.is_same_person,
             f"alert {fact['alert']} is engaged upon, but not everybody who judged saw the same person")

    def outcome_recorded(self, at, fact):
        alert = self.alerts.get(fact["alert"])
        need(alert and alert.judged is True, f"alert {fact['alert']} has an outcome, but no judgement")
        alert.has_outcome = True

    def outcome_reclassified(self, at, fact):
        need(self.alert(fact).has_outcome, f"alert {fact['alert']} has an outcome put right that it never had")

    def alert_held(self, at, fact):
        alert = self.alert(fact)
        need(alert.held_until is None, f"alert {fact['alert']} is held twice at a time")
        need(fact["until"] > at, f"alert {fact['alert']} is held until a time that has come")
        alert.held_until = fact["until"]

    def hold_released(self, at, fact):
        alert = self.alert(fact)
        need(alert.held_until is not None and at < alert.held_until,
             f"alert {fact['alert']} has a hold lifted that there is not")
        alert.held_until = at

    def held_evidence_destroyed(self, at, fact):
        alert = self.alert(fact)
        need(alert.held_until is not None and at >= alert.held_until,
             f"alert {fact['alert']} has held evidence destroyed that is not held, or before the hold is over")
        alert.held_until = None

    def seeds_committed(self, at, fact):
        need(self.is_exercise, "pairs are seeded, but it is no exercise")
        need(self.seeds is None, "pairs are seeded twice")
        need(self.images is not None, "pairs are seeded of a watchlist that is not frozen")
        self.seeds = fact["seeds"], fact["commitment"]

    def seeds_revealed(self, at, fact):
        need(self.seeds is not None and not self.has_revealed, "seeded pairs are told that were not fixed, or twice")
        made = committed("overt seeds 1", self.name, fact["salt"], *fact["seeds"])
        need((len(fact["seeds"]), made) == self.seeds, "the seeded pairs that are told are not those fixed")
        need(fact["shown"] <= self.seeds[0] and fact["judged_twice"] <= fact["shown"]
             and fact["agreed"] <= fact["judged_twice"] and fact["judgements"] <= 2 * fact["shown"]
             and fact["judged_twice"] <= fact["judgements"]
             and fact["false_accepts"] + fact["cannot_tell"] <= fact["judgements"]
             and fact["seconds_to_decide_p50"] <= fact["seconds_to_decide_p90"], "the figures of its pairs do not add up")
        self.has_revealed = True

    def deletion_receipt(self, at, fact):
        begin, end, counts = fact["from"], fact["to"], fact["counts"]
        need(begin <= end, "a receipt ends before it begins")
        need(end <= at, "a receipt is sealed before its end")
        need(begin >= self.covered, f"a receipt begins before {date(self.covered)}, until when all is counted")
        accounted = counts["templates_destroyed"] + counts["alerts_kept"]
        need(counts["templates_made"] == accounted, f"a receipt does not balance: {in_words(counts)}")
        need(begin < self.ends or counts["templates_made"] == 0, "templates were made after the authorised window")
        self.need_covered(begin)
        is_of_comparison = any(first <= end and begin <= last for first, last in self.stretches)
        need(begin == self.covered or is_of_comparison, "a receipt is of a pause alone and does not follow another")
        self.covered = end
        self.stretches = [stretch for stretch in self.stretches if stretch[1] >= end]
        add(self.counts, counts)

    def need_covered(self, until):
        """Receipts miss no comparison before `until`, but for a minute at either end of a stretch of it."""
        for begin, end in self.stretches:
            first, last = max(begin, self.covered), min(end, until)
            excused = (first == begin or last == end) and last - first <= UNCOVERED_MAX
            need(first >= last or excused, f"no receipt covers the time from {date(first)} to {date(last)}")

    def deployment_ended(self, at, fact):
        if self.stage == "comparing":
            self.stretches[-1][1] = at
        self.need_covered(at)
        need(fact["counts"] == self.counts,
             f"its total is {in_words(fact['counts'])}; its receipts add up to {in_words(self.counts)}")
        kept = self.counts["alerts_kept"]
        need(kept == len(self.alerts), f"{kept} templates were kept, but {len(self.alerts)} alerts are on the record")

    def deployment_purged(self, at, fact):
        need(self.seeds is None or self.has_revealed, "it is purged before its seeded pairs are told")
        held = sum(alert.held_until is not None for alert in self.alerts.values())
        need(fact["alerts_destroyed"] == self.counts["alerts_kept"] - held,
             "not as many alerts are destroyed as were kept and are not held")
        left = self.images - self.images_destroyed
        need(fact["watchlist_images_destroyed"] == left, "not as many images are destroyed as were listed")
        need(fact["key_destroyed"], "its key is not destroyed")

    def watchlist_destroyed(self, at, fact):
        need(not self.images_destroyed, "its watchlist is destroyed twice")
        need(fact["images"] == self.images, "not as many images are destroyed as were listed")
        need(fact["key_destroyed"], "the key of its watchlist is not destroyed")
        self.images_destroyed = fact["images"]

    def alert_judged_once(self, at, fact):
        alert = self.alert(fact)
        need(alert.judged is False, f"alert {fact['alert']} is judged twice")
        alert.judged = fact["judgement_commitment"]

    def alert_judged_twice(self, at, fact):
        alert = self.alert(fact)
        made = committed("overt judgement 1", fact["alert"], fact["salt"], fact["first"])
        need(alert.judged == made, f"alert {fact['alert']}: the first judgement was another one")
        alert.judged, alert.is_same_person = True, fact["first"] == fact["second"] == "same person"


def committed(*lines):
    """A commitment that the record opens itself: over lines of text, each with its line's end."""
    return hashlib.sha256("".join(line + "\n" for line in lines).encode()).hexdigest()


def no_counts():
    return dict.fromkeys(("faces_seen", "templates_made", "templates_destroyed", "alerts_kept"), 0)


def add(total, counts):
    for name, count in counts.items():
        total[name] += count


def in_words(counts):
    words = "{faces_seen} faces, {templates_made} templates made, {templates_destroyed} destroyed, {alerts_kept} kept"
    return words.format(**counts)
