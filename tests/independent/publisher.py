"""Makes small logs, cosignatures and proofs for the tests of `verify.py`, from the definitions and without its code."""
import base64
import hashlib
import json

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ORIGIN = "example.org/log"


class Signer:
    """A key made from a seed of one repeated byte; signature type 1 signs notes, 4 cosigns."""

    def __init__(self, name, seed, kind=1):
        self.name, self.kind, self.private = name, kind, Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        body = bytes([kind]) + self.private.public_key().public_bytes_raw()
        self.id = hashlib.sha256(name.encode() + b"\n" + body).digest()[:4]
        self.text = f"{name}+{self.id.hex()}+{base64.b64encode(body).decode()}"

    def line(self, text, time=None):
        """A signature line for this note's text; with a time, a cosignature."""
        message, stamp = text, b""
        if time is not None:
            message, stamp = f"cosignature/v1\ntime {time}\n{text}", time.to_bytes(8, "big")
        signature = self.id + stamp + self.private.sign(message.encode())
        return f"— {self.name} {base64.b64encode(signature).decode()}\n"


LOG = Signer(ORIGIN, 7)
WITNESS = Signer("witness.example/w1", 9, kind=4)


def tree_hash(leaves):
    """MTH of RFC 6962, section 2.1, over hashes of entries."""
    if len(leaves) <= 1:
        return leaves[0] if leaves else hashlib.sha256(b"").digest()
    half = largest_power_below(len(leaves))
    return hashlib.sha256(b"\x01" + tree_hash(leaves[:half]) + tree_hash(leaves[half:])).digest()


def largest_power_below(count):
    return 1 << (count - 1).bit_length() - 1


def inclusion_path(index, leaves):
    """PATH of RFC 6962, section 2.1.1."""
    if len(leaves) <= 1:
        return []
    half = largest_power_below(len(leaves))
    if index < half:
        return inclusion_path(index, leaves[:half]) + [tree_hash(leaves[half:])]
    return inclusion_path(index - half, leaves[half:]) + [tree_hash(leaves[:half])]


def leaves_of(entries):
    return [hashlib.sha256(b"\x00" + entry).digest() for entry in entries]


def checkpoint(leaves, signers=((LOG, None),), origin=ORIGIN):
    text = f"{origin}\n{len(leaves)}\n{base64.b64encode(tree_hash(leaves)).decode()}\n"
    return (text + "\n" + "".join(signer.line(text, time) for signer, time in signers)).encode()


def path_of(level, n, width):
    name = f"{n:03}" if n < 1000 else f"x{n // 1000:03}/{n % 1000:03}"
    return f"tile/{level}/{name}" + (f".p/{width}" if width < 256 else "")


def log(entries, sizes=None, signers=((LOG, None),)):
    """The files of a log that had these sizes one after another, by path."""
    files, sizes = {}, sizes or [len(entries)]
    for size in sizes:
        leaves, level = leaves_of(entries[:size]), 0
        for n in range(0, (size + 255) // 256):
            some = entries[n * 256:min(size, n * 256 + 256)]
            bundle = b"".join(len(entry).to_bytes(2, "big") + entry for entry in some)
            files[path_of("entries", n, len(some))] = bundle
        while hashes := [tree_hash(leaves[i * 256**level:(i + 1) * 256**level]) for i in range(size // 256**level)]:
            for n in range(0, (len(hashes) + 255) // 256):
                some = hashes[n * 256:n * 256 + 256]
                files[path_of(level, n, len(some))] = b"".join(some)
            level += 1
        files[f"checkpoints/{size}"] = files["checkpoint"] = checkpoint(leaves, signers)
    files["checkpoints/index"] = "".join(f"{size}\n" for size in sizes).encode()
    return files


def proof(index, entries, extra=None, signers=((LOG, None),)):
    leaves = leaves_of(entries)
    lines = ["c2sp.org/tlog-proof@v1"]
    if extra is not None:
        lines.append(f"extra {base64.b64encode(extra).decode()}")
    lines.append(f"index {index}")
    lines += [base64.b64encode(beside).decode() for beside in inclusion_path(index, leaves)]
    return "\n".join(lines).encode() + b"\n\n" + checkpoint(leaves, signers)


# --- A lawful record ------------------------------------------------------------------------------------------------

def at(seconds):
    return f"2026-03-01T{9 + seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}Z"


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def counts(made, kept):
    return {"faces_seen": made, "templates_made": made, "templates_destroyed": made - kept, "alerts_kept": kept}


def fact(seconds, kind, **fields):
    return {"at": at(seconds), "fact": {"kind": kind, **fields}}


def about(seconds, kind, **fields):
    return fact(seconds, kind, deployment="d1", **fields)


def receipt(seconds, begin, end, made, kept):
    return about(seconds, "deletion-receipt", **{"from": at(begin), "to": at(end), "counts": counts(made, kept)})


def lawful():
    """The record of one deployment from policy to purge."""
    return [
        fact(0, "policy-adopted", profile="standard", version=1, digest=digest("policy")),
        fact(1, "operation-opened", operation="o1", title="Probe – “1”", force="Example", purpose="To try",
             policy_digest=digest("policy"), outside_authoriser=None),
        fact(2, "deployment-proposed", deployment="d1", operation="o1", deployment_kind="exercise", purpose="test",
             place="concourse", place_ground="crime hotspot", place_evidence=digest("crime data"),
             cameras=1, starts=at(600), ends=at(4_200)),
        about(3, "deployment-approved", role="authorising officer"),
        about(4, "notice-published", notice_digest=digest("notice")),
        about(5, "watchlist-frozen", people=3, images=4, by_ground={"missing": 1, "wanted": 2}, commitment=digest("c")),
        about(6, "signage-confirmed", signs=2, alternative_route="north stairs",
              page="https://example.org/d1", role="operator"),
        about(7, "recording-declared", camera="c1", digest=digest("clip"), bytes=1_000),
        about(600, "deployment-started", equipment={
            "software": "overt", "detector": "d", "recogniser": "r", "weights_sha256": digest("w"), "engine": "e",
            "threshold": "0.5", "threshold_fpir": "0.001", "threshold_evaluation": "t"}),
        about(650, "alert-raised", alert="a1", camera="c1", evidence_commitment=digest("e"), expires=at(20_000)),
        receipt(660, 600, 660, 10, 1),
        about(661, "alert-adjudicated", alert="a1", judgement="same", seconds_to_decide=11),
        receipt(720, 660, 720, 5, 0),
        about(730, "deployment-paused", reason="crowding"),
        receipt(731, 720, 730, 2, 0),
        about(900, "deployment-resumed"),
        receipt(960, 900, 960, 7, 0),
        about(970, "deployment-ended", reason="time", counts=counts(24, 1)),
        about(980, "outcome-recorded", alert="a1", outcome="none"),
        about(990, "deployment-purged", alerts_destroyed=1, watchlist_images_destroyed=4, key_destroyed=True),
    ]


def change(value="0.5", previous=None):
    model = f"r/{digest('w')[:16]}/aligned"
    return {"model": model, "value": value, "fpir": "0.001", "evaluation": "t", "evaluation_digest": digest("results"),
            "reason": "as measured", "forecast": {"men": "none", "women": "none"}, "previous": previous}


def commitment(*lines):
    return hashlib.sha256("".join(line + "\n" for line in lines).encode()).hexdigest()


def redress():
    """The same deployment with what protects people in it: thresholds, seeded pairs, two judges, a hold, a share, a complaint."""
    before = lawful()[:8]
    names = ["s1", "s2"]
    return before[:2] + [
        fact(1, "threshold-proposed", change=change("0.4"), role="proposer"),
        fact(1, "threshold-set", change=change("0.4"), proposed_by="proposer", approved_by="authorising officer"),
        fact(1, "threshold-proposed", change=change("0.5", "0.4"), role="proposer"),
        fact(1, "threshold-set", change=change("0.5", "0.4"), proposed_by="proposer", approved_by="authorising officer"),
        fact(1, "share-proposed", share="sh1", direction="out", counterpart="Another", what="an alert's evidence",
             agreement="A-1", basis="statute", expires=at(2_000), outcome_due_seconds=100),
        fact(1, "share-approved", share="sh1", role="authorising officer"),
    ] + before[2:] + [
        about(8, "seeds-committed", seeds=2, commitment=commitment("overt seeds 1", "d1", "ab", *names)),
        lawful()[8],
        about(650, "alert-raised", alert="a1", camera="c1", evidence_commitment=digest("e"), expires=at(20_000)),
        about(651, "alert-raised", alert="a2", camera="c1", evidence_commitment=digest("f"), expires=at(20_000)),
        about(655, "alert-judged-once", alert="a1",
              judgement_commitment=commitment("overt judgement 1", "a1", "cd", "same person"), seconds_to_decide=4),
        about(657, "alert-judged-twice", alert="a1", first="same person", salt="cd", second="same person",
              seconds_to_decide=5),
        about(658, "alert-engaged", alert="a1", engagement="spoken to"),
        about(659, "outcome-recorded", alert="a1", outcome="identity confirmed"),
        receipt(660, 600, 660, 10, 2),
        about(670, "deployment-ended", reason="time", counts=counts(10, 2)),
        about(671, "watchlist-destroyed", images=4, key_destroyed=True),
        fact(672, "complaint-received", complaint="k1", about="alert receipt", about_deployment="d1"),
        about(673, "alert-held", alert="a1", ground="complaint", until=at(5_000), evidence_commitment=digest("g")),
        fact(674, "share-used", share="sh1", counterpart="Another", direction="out", what="an alert's evidence", items=1),
        fact(675, "share-outcome-reported", share="sh1"),
        about(676, "seeds-revealed", salt="ab", seeds=names, shown=2, judgements=3, false_accepts=1, cannot_tell=1,
              judged_twice=1, agreed=1, seconds_to_decide_p50=4, seconds_to_decide_p90=9),
        about(680, "deployment-purged", alerts_destroyed=1, watchlist_images_destroyed=0, key_destroyed=True),
        fact(690, "complaint-answered", complaint="k1", finding="upheld"),
        about(691, "outcome-reclassified", alert="a1", outcome="identity refuted", reason="complaint upheld"),
        about(692, "hold-released", alert="a1"),
        about(693, "held-evidence-destroyed", alert="a1"),
        fact(694, "share-revoked", share="sh1", reason="no longer needed"),
        about(800, "commitments-destroyed", questions=3),
        fact(900, "complaint-forgotten", complaint="k1"),
    ]


def spelt(entry):
    return json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode()


def spelt_all(entries):
    return [spelt(entry) for entry in entries]
