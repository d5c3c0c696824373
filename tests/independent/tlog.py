"""What a transparency log is made of, for `verify.py`: its tree, keys, signed notes, checkpoints, cosignatures, proofs.

Written from C2SP signed-note, tlog-checkpoint, tlog-cosignature and tlog-proof and from RFC 6962, section 2.1. Whatever
is wrong is a `ValueError` whose text says what.
"""
import base64
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

WIDTH = 256                     # Hashes in a full tile, and entries in a full bundle.
ENTRIES_MAX = 2**40
PROOF_HASHES_MAX = 64
SECONDS_MAX = 2**37           # After 1970: a cosignature may be refused as dated in the future.
NOTE, COSIGNATURE = 1, 4        # Signature types of C2SP signed-note.


def need(holds, sentence):
    if not holds:
        raise ValueError(sentence)


# --- The tree -------------------------------------------------------------------------------------------------------

def leaf_hash(entry):
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """The tree over the hashes pushed so far. `levels[L]` are the hashes that the tiles of level L hold."""

    def __init__(self):
        self.size, self.levels = 0, [[]]
        self.perfect = []       # Entries and root of the perfect subtrees, largest first.

    def push(self, leaf):
        entries, level, root = 1, 0, leaf
        self.levels[0].append(leaf)
        while self.perfect and self.perfect[-1][0] == entries:
            entries, root = entries * 2, node_hash(self.perfect.pop()[1], root)
            if entries == WIDTH ** (level + 1):
                level += 1
                if level == len(self.levels):
                    self.levels.append([])
                self.levels[level].append(root)
        self.perfect.append((entries, root))
        self.size += 1

    def root(self):
        if not self.perfect:
            return hashlib.sha256(b"").digest()
        *lefts, (_, root) = self.perfect
        for _, left in reversed(lefts):
            root = node_hash(left, root)
        return root


def root_from_proof(index, size, leaf, proof):
    """The root that an inclusion proof leads to (RFC 9162, section 2.1.3.2)."""
    need(0 <= index < size, f"there is no entry {index} among {size}")
    need(all(len(known) == 32 for known in (leaf, *proof)), "one of the hashes has not 32 bytes")
    place, last, root = index, size - 1, leaf
    for beside in proof:
        need(last > 0, "the proof has more hashes than the tree has levels")
        if place % 2 == 1 or place == last:
            root = node_hash(beside, root)
            while place % 2 == 0 and place > 0:
                place, last = place // 2, last // 2
        else:
            root = node_hash(root, beside)
        place, last = place // 2, last // 2
    need(last == 0, "the proof has fewer hashes than the tree has levels")
    return root


# --- Text -----------------------------------------------------------------------------------------------------------

def decode64(text):
    """Base64 in its one spelling, so that no changed character can mean the same bytes."""
    data = base64.b64decode(text, validate=True)
    need(base64.b64encode(data).decode() == text, "it holds base64 in another than the canonical spelling")
    return data


def decode_hash(text):
    data = decode64(text)
    need(len(data) == 32, f"it holds a hash of {len(data)} bytes, not 32")
    return data


def number(text):
    need(re.fullmatch("0|[1-9][0-9]{0,18}", text), f"{text[:30]!r} is not a number in plain decimal")
    return int(text)


# --- Keys and signed notes ------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Key:
    name: str
    id: bytes
    public: Ed25519PublicKey

    def check(self, signature, text):
        try:
            self.public.verify(signature, text.encode())
        except InvalidSignature:
            raise ValueError(f"its signature by {self.name} was not made with that key over this text") from None


def parse_key(text, kind):
    """A verifier key: <name>+<id>+<base64 of the signature type and the public key>."""
    name, id, body, *_ = text.strip().split("+", 2) + ["", ""]
    need((name, id) != ("PRIVATE", "KEY"), "it is a secret key; verify with the public one, and tell nobody this one")
    need(re.fullmatch(r"\S+", name) and body, "a key reads <name>+<8 hexadecimal digits>+<base64>")
    data = decode64(body)
    need(len(data) == 33 and data[0] == kind, f"it is not an Ed25519 key of signature type {kind}")
    expected = hashlib.sha256(name.encode() + b"\n" + data).digest()[:4]
    need(id == expected.hex(), "its id is not that of its name and key")
    return Key(name, expected, Ed25519PublicKey.from_public_bytes(data[1:]))


def open_note(data):
    """The text of a signed note, and the name, key id and signature of every signature line."""
    note = data.decode("utf-8")
    need(not re.search(r"[\x00-\x09\x0b-\x1f]", note), "it has a control character")
    text, _, lines = note.rpartition("\n\n")
    need(text and lines.endswith("\n"), "it is not a signed note, which is a text, an empty line and signatures")
    signatures = []
    for line in lines[:-1].split("\n"):
        match = re.fullmatch(r"— ([^\s+]+) (\S+)", line)
        need(match, "one of its signature lines is none")
        signature = decode64(match[2])
        signatures.append((match[1], signature[:4], signature[4:]))
    return text + "\n", signatures


# --- Checkpoints ----------------------------------------------------------------------------------------------------

@dataclass
class Checkpoint:
    origin: str
    size: int
    root: bytes
    cosigned: dict              # When each witness cosigned it, in seconds since 1970, by name.
    unchecked: int              # Signatures by keys that were not given.


def open_checkpoint(data, key, witnesses):
    """What a checkpoint says, once the log's signature is found good and those of these witnesses, if there are any."""
    text, signatures = open_note(data)
    signed, cosigned, unchecked = False, {}, 0
    for name, id, signature in signatures:
        witness = next((witness for witness in witnesses if (witness.name, witness.id) == (name, id)), None)
        if (name, id) == (key.name, key.id):
            key.check(signature, text)
            signed = True
        elif witness:
            time = int.from_bytes(signature[:8], "big")
            need(time < SECONDS_MAX, f"the cosignature by {name} is dated {time} seconds after 1970")
            witness.check(signature[8:], f"cosignature/v1\ntime {time}\n{text}")
            cosigned[name] = max(time, cosigned.get(name, 0))
        else:
            unchecked += 1
    need(signed, f"it has no signature by {key.name} with the given key")
    lines = text[:-1].split("\n")
    need(len(lines) >= 3 and all(lines), "it is not a checkpoint, which is an origin, a number of entries and a root")
    origin, size, root = lines[:3]
    need(origin == key.name, f"it is of the log {origin}, the key is of {key.name}")
    need(number(size) <= ENTRIES_MAX, f"it promises {size} entries, {ENTRIES_MAX} are the most that are checked")
    return Checkpoint(origin, int(size), decode_hash(root), cosigned, unchecked)


def need_cosignatures(checkpoint, witnesses):
    for witness in witnesses:
        need(witness.name in checkpoint.cosigned, f"the witness {witness.name} has not cosigned it")


# --- Proofs of one entry --------------------------------------------------------------------------------------------

@dataclass
class Proof:
    index: int
    hashes: list
    extra: bytes | None
    checkpoint: bytes


def open_proof(data):
    """The parts of an offline proof, none of them checked."""
    head, _, checkpoint = data.partition(b"\n\n")
    title, *lines = head.decode("ascii").split("\n")
    need(title == "c2sp.org/tlog-proof@v1", "it does not begin as a proof does, with `c2sp.org/tlog-proof@v1`")
    extra = decode64(lines.pop(0)[6:]) if lines and lines[0].startswith("extra ") else None
    need(lines and lines[0].startswith("index "), "it does not say the index of the entry")
    need(len(lines) <= 1 + PROOF_HASHES_MAX, f"it has more than {PROOF_HASHES_MAX} hashes")
    return Proof(number(lines[0][6:]), [decode_hash(line) for line in lines[1:]], extra, checkpoint)
