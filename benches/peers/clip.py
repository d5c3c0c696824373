# The peer of `overt bench detect --clip` and `overt bench embed --clip`: from an array that OpenCV decoded to boxes, or from such
# an array and a face's points to a template, with Python's onnxruntime on the same graph file and as many threads.
# `overt bench` starts it after faces.py, with one argument: a file of JSON that says what to do. It says hello with what it
# found, and then answers each number of seconds with one line of JSON.


def detect_runs(cv2, numpy, session, frames, task):
    """One run a frame: resize, pad, blob, graph, boxes."""
    name = session.get_inputs()[0].name
    names = [output.name for output in session.get_outputs()]
    (width, height), (across, down) = task["scaled"], task["input"]

    def run(frame):
        scaled = cv2.resize(frame, (width, height), interpolation=cv2.INTER_LINEAR)
        padded = cv2.copyMakeBorder(scaled, 0, down - height, 0, across - width, cv2.BORDER_CONSTANT)
        outputs = dict(zip(names, session.run(None, {name: cv2.dnn.blobFromImage(padded)})))
        boxes, _, _ = yunet_boxes(cv2, numpy, outputs, across, down, task["confidence_min"], task["overlap_max"])
        return len(boxes)

    return [lambda frame=frame: run(frame) for frame in frames]


def embed_runs(cv2, numpy, session, frames, task):
    """One run a face: align, planes, graph."""
    name = session.get_inputs()[0].name

    def run(frame, points):
        chip = chip_of(cv2, numpy, frame, points, task["form"]["alignment"])
        session.run(None, {name: blob_of(cv2, numpy, chip, task["form"])})
        return 1

    return [lambda face=face: run(frames[face["frame"]], face["points"]) for face in task["faces"]]


def main():
    cv2, numpy, onnxruntime = modules("cv2", "numpy", "onnxruntime")
    with open(sys.argv[1], encoding="utf-8") as file:
        task = json.load(file)
    cv2.setNumThreads(task["threads"])
    session = session_of(onnxruntime, task["graph"], task["threads"])
    frames = frames_of(cv2, task["clip"], task["frames"], task["threads"])
    runs = (detect_runs if task["what"] == "detect" else embed_runs)(cv2, numpy, session, frames, task)
    # The first round warms up and is what was found.
    found = sum(run() for run in runs)
    say(version=f"onnxruntime {onnxruntime.__version__}, OpenCV {cv2.__version__}", found=[found])
    for line in sys.stdin:
        say(**rounds(runs, float(line)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
