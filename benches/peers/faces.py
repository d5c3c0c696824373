# What the peers that look for faces share: the straightforward way with OpenCV and numpy. Stands before each program's own text.
import json
import os
import sys
import time

# Where the five points lie in the aligned cut-out, by the name in a recogniser's contract: the same places as ours.
TARGETS = {
    "arcface-112": (112, [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)]),
    "dlib-150": (150, [(47.55, 45.27), (102.25, 45.27), (74.9, 75.99), (51.1, 101.96), (98.7, 101.96)]),
}


def modules(*names):
    """The modules of these names; the program ends when one is missing, and says which."""
    try:
        return [__import__(name) for name in names]
    except ImportError as missing:
        print(json.dumps({"missing": missing.name}), flush=True)
        sys.exit(3)


def task_of(path):
    """What the program is to do. Libraries learn of their threads when they are loaded, so this comes first."""
    with open(path, encoding="utf-8") as file:
        task = json.load(file)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(task["threads"])
    return task


def say(**answer):
    print(json.dumps(answer), flush=True)


def session_of(onnxruntime, graph, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def capture_of(cv2, clip, threads):
    """A clip as OpenCV decodes it, with FFmpeg inside."""
    capture = cv2.VideoCapture(clip, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, threads])
    if not capture.isOpened():
        sys.exit(f"OpenCV could not open {clip}")
    return capture


def frames_of(cv2, clip, numbers, threads):
    """The frames of these numbers, as OpenCV decodes them: arrays of blue, green and red."""
    capture, wanted, frames, number = capture_of(cv2, clip, threads), set(numbers), {}, 0
    while len(frames) < len(wanted) and capture.grab():
        if number in wanted:
            frames[number] = capture.retrieve()[1]
        number += 1
    return [frames[number] for number in numbers]


def yunet_boxes(cv2, numpy, outputs, width, height, confidence_min, overlap_max):
    """Boxes, points and confidences of YuNet's answer for an input of this size, in its pixels."""
    boxes, points, scores = [], [], []
    for stride in (8, 16, 32):
        columns, rows = width // stride, height // stride
        of = lambda kind, values: outputs[f"{kind}_{stride}"].reshape(-1, values)
        score = numpy.sqrt(numpy.clip(of("cls", 1)[:, 0], 0, 1) * numpy.clip(of("obj", 1)[:, 0], 0, 1))
        (cells,) = numpy.nonzero(score >= confidence_min)
        cell = numpy.stack([cells % columns, cells // columns], axis=1)
        box = of("bbox", 4)[cells]
        size = numpy.exp(box[:, 2:]) * stride
        corner = (cell + box[:, :2]) * stride - size / 2
        boxes.append(numpy.concatenate([corner, size], axis=1))
        points.append((of("kps", 10)[cells].reshape(-1, 5, 2) + cell[:, None]) * stride)
        scores.append(score[cells])
    boxes, points, scores = numpy.concatenate(boxes), numpy.concatenate(points), numpy.concatenate(scores)
    kept = cv2.dnn.NMSBoxes(boxes.tolist(), scores.tolist(), confidence_min, overlap_max)
    kept = numpy.asarray(kept, dtype=int).reshape(-1)
    return boxes[kept], points[kept], scores[kept]


def similarity(numpy, points, targets):
    """The turn, scale and shift that bring the points nearest to the targets, by least squares, as cv2.warpAffine takes it."""
    points, targets = numpy.asarray(points, dtype=numpy.float64), numpy.asarray(targets, dtype=numpy.float64)
    middle, aim = points.mean(axis=0), targets.mean(axis=0)
    p, t = points - middle, targets - aim
    spread = max((p * p).sum(), 1e-9)
    a, b = (p * t).sum() / spread, (p[:, 0] * t[:, 1] - p[:, 1] * t[:, 0]).sum() / spread
    turn = numpy.array([[a, -b], [b, a]])
    return numpy.concatenate([turn, (aim - turn @ middle)[:, None]], axis=1)


def chip_of(cv2, numpy, picture, points, alignment):
    side, targets = TARGETS[alignment]
    return cv2.warpAffine(picture, similarity(numpy, points, targets), (side, side), flags=cv2.INTER_LINEAR)


def blob_of(cv2, numpy, chip, form):
    """The recogniser's input: (pixel - mean) * scale, planes in its order. The mean is given as red, green, blue."""
    picture = cv2.cvtColor(chip, cv2.COLOR_BGR2RGB) if form["order"] == "rgb" else chip
    mean = form["mean"] if form["order"] == "rgb" else form["mean"][::-1]
    planes = (picture.astype(numpy.float32) - numpy.array(mean, dtype=numpy.float32)) * numpy.float32(form["scale"])
    return numpy.ascontiguousarray(planes.transpose(2, 0, 1)[None])


def rounds(runs, seconds):
    """Runs all of `runs` over and over for this long; the time of each run, and processor time of all."""
    runs_ms = []
    processor_begun, begun = time.process_time(), time.perf_counter()
    while True:
        for run in runs:
            before = time.perf_counter()
            run()
            runs_ms.append((time.perf_counter() - before) * 1000)
        if time.perf_counter() - begun >= seconds:
            return {"runs_ms": runs_ms, "processor_ms": (time.process_time() - processor_begun) * 1000}


