"""Writes templates and pictures in the forms in which they might be left behind; scan.py looks for these."""

import base64
import math
import re
import struct
import zlib
from typing import NamedTuple

VALUES_MIN = 16  # consecutive values of a template that count as a remain of it
BYTE_VALUES_MIN = 32  # the same where each value is one byte
DECIMAL_BYTES, DECIMAL_SURE_BYTES = 64, 192  # some 5 values, and some 16
FILE_BYTES, FILE_SURE_BYTES = 64, 512
ROW_PIXELS, ROWS_MAX, ROW_DISTINCT_MIN = 32, 32, 16  # windows of a picture: 96 bytes as RGB, with so many different ones
DISTINCT_MIN = 8  # different bytes in what counts as a remain: a flat stretch would be found anywhere


class Piece(NamedTuple):
    """One form of a needle, or of a part of it."""

    needle: int
    form: str
    data: bytes
    least: int  # bytes of it that count as a remain
    sure: int  # a remain of this many bytes is certainly found


def pieces(needle, path):
    """What is looked for of one needle file; its ending says what it is."""
    data = path.read_bytes()
    if path.suffix == ".f32":
        made = list(template_pieces(needle, data))
    elif size := re.search(r"\.(\d+)x(\d+)\.rgb$", path.name):
        width, height = map(int, size.groups())
        if len(data) != 3 * width * height:
            raise ValueError(f"{len(data)} bytes are not {width} x {height} pixels of RGB")
        made = list(picture_pieces(needle, width, height, data))
    else:
        made = [file_piece(needle, data)]
        if path.suffix == ".png":
            made += picture_pieces(needle, *png_pixels(data))
    if not any(len(set(piece.data)) >= DISTINCT_MIN for piece in made):
        raise ValueError("it is too short or too flat to be told from anything else")
    return made


def read_template(data):
    """The values of a template file."""
    if len(data) % 4 or len(data) < 4 * VALUES_MIN:
        raise ValueError(f"{len(data)} bytes are not {VALUES_MIN} or more 32-bit floats")
    values = [value for (value,) in struct.iter_unpack("<f", data)]
    if not all(map(math.isfinite, values)) or not any(values):
        raise ValueError("a template has finite values, and not only zeros")
    return values


def template_pieces(needle, data):
    """A template in every form: numbers of several widths, quantised to bytes, and as text."""
    values = read_template(data)
    for form, letter in {"f32": "<f", "f32-big-endian": ">f", "f64": "<d", "f16": "<e"}.items():
        try:
            written = b"".join(struct.pack(letter, value) for value in values)
        except OverflowError:  # too large for 16 bits
            continue
        least = VALUES_MIN * struct.calcsize(letter)
        yield Piece(needle, form, written, least, least)
    least = min(BYTE_VALUES_MIN, len(values))
    for form, largest in {"int8-peak": max(map(abs, values)), "int8-unit": math.hypot(*values)}.items():
        yield Piece(needle, form, bytes(round(127 * value / largest) & 0xFF for value in values), least, least)
    least = 8 * VALUES_MIN
    for text in (data.hex(), data.hex().upper()):
        yield Piece(needle, "hex", text.encode(), least, least)
    least = 6 * VALUES_MIN
    for before in range(3):  # base64 depends on how many bytes came before, modulo three
        text = base64.b64encode(bytes(before) + data)[4 if before else 0 : -4]
        for written in {text, text.translate(bytes.maketrans(b"+/", b"-_"))}:
            yield Piece(needle, "base64", written, least, least)
    for number in (shortest, repr):  # as a 32-bit number is written, and as the same number with 64 bits is
        for between in (",", ", "):
            yield Piece(needle, "decimal", between.join(map(number, values)).encode(), DECIMAL_BYTES, DECIMAL_SURE_BYTES)


def shortest(value):
    """The shortest decimal text that is this 32-bit number again."""
    texts = (f"{value:.{digits}g}" for digits in range(6, 10))
    return next(text for text in texts if struct.pack("<f", float(text)) == struct.pack("<f", value))


def picture_pieces(needle, width, height, rgb):
    """The most varied window of rows spread over the middle of a picture, in the forms a decoded picture has."""
    wide = min(width, ROW_PIXELS)
    rows = range(height // 5, max(height - height // 5, height // 5 + 1))
    for row in rows[:: max(1, -(-len(rows) // ROWS_MAX))]:
        line = rgb[3 * width * row : 3 * width * (row + 1)]
        windows = [line[at : at + 3 * wide] for at in range(0, 3 * (width - wide) + 1, 3 * max(1, wide // 2))]
        window = max(windows, key=lambda window: len(set(window)))
        if len(set(window)) < ROW_DISTINCT_MIN:
            continue
        red, green, blue = window[0::3], window[1::3], window[2::3]
        opaque = b"\xff" * wide
        orders = {"bgra": (blue, green, red, opaque), "rgba": (red, green, blue, opaque)}
        orders |= {"bgr": (blue, green, red), "rgb": (red, green, blue), "plane": (green,)}
        forms = {bytes(value for pixel in zip(*order) for value in pixel): form for form, order in orders.items()}
        forms[struct.pack(f"<{wide}f", *green)] = "f32-plane-255"
        forms[struct.pack(f"<{wide}f", *(value / 255 for value in green))] = "f32-plane-1"
        for written, form in forms.items():
            yield Piece(needle, form, written, len(written), len(written))


def file_piece(needle, data):
    """A file as its own bytes, but for the head of a picture, which is alike in many."""
    head = 0
    if data.startswith(b"\x89PNG"):
        head = data.find(b"IDAT")
    elif data.startswith(b"\xff\xd8"):
        head = data.rfind(b"\xff\xda")
    data = data[max(head, 0) :]
    return Piece(needle, "file", data, min(FILE_BYTES, len(data)), min(FILE_SURE_BYTES, len(data)))


def png_pixels(data):
    """Width, height and RGB of a PNG; one that cannot be decoded here is refused, not searched for by half."""
    at, parts, head = 8, [], (0, 0, 0, 0, 0, 0, 0)
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            head = struct.unpack(">IIBBBBB", body)
        elif kind == b"IDAT":
            parts.append(body)
        at += length + 12
    width, height, depth, colour, _, _, interlaced = head
    step = {0: 1, 2: 3, 4: 2, 6: 4}.get(colour)
    if depth != 8 or interlaced or not step:
        raise ValueError("only PNG with 8 bits a channel, no palette and no interlacing is decoded; with another ending "
                         "than .png the file is looked for as it is")
    raw, stride, rgb = zlib.decompress(b"".join(parts)), step * width, bytearray()
    above = bytes(stride)
    for row in range(height):
        start = row * (stride + 1)
        above = unfiltered(raw[start], bytearray(raw[start + 1 : start + 1 + stride]), above, step)
        channels = [above[channel::step] for channel in ((0, 1, 2) if step > 2 else (0, 0, 0))]
        rgb += bytes(value for pixel in zip(*channels) for value in pixel)
    return width, height, bytes(rgb)


def unfiltered(kind, line, above, step):
    """One row of a PNG as it was before its filter."""
    for at in range(len(line)) if kind else ():
        left, corner = (line[at - step], above[at - step]) if at >= step else (0, 0)
        up = above[at]
        if kind == 4:
            guess = left + up - corner
            add = min((left, up, corner), key=lambda value: abs(guess - value))
        else:
            add = (0, left, up, (left + up) // 2)[kind]
        line[at] = (line[at] + add) & 0xFF
    return line
