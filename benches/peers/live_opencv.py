# The peer of `overt bench live --peer opencv`: the straightforward pipeline. Every frame is decoded by OpenCV's VideoCapture, faces are
# looked for in it by cv2.FaceDetectorYN with the same YuNet file, and every face is aligned, turned into a template and compared
# with everybody listed. The recogniser's graph is the same as ours, run by cv2.dnn or by onnxruntime, as the task says.
# `overt bench` starts it after faces.py, with one argument: a file of JSON that says what to do. It enrols, says hello, and answers
# each line that names a clip with counts and the numbers of the listed people it found, from 1.


def recogniser_of(cv2, numpy, task):
    """A function from the recogniser's input to a template, and what runs it."""
    if task["recogniser_by"] == "opencv":
        net = cv2.dnn.readNetFromONNX(task["recogniser"])

        def run(blob):
            net.setInput(blob)
            return net.forward().reshape(-1)

        return run, "cv2.dnn"
    (onnxruntime,) = modules("onnxruntime")
    session = session_of(onnxruntime, task["recogniser"], task["threads"])
    name = session.get_inputs()[0].name
    return lambda blob: session.run(None, {name: blob})[0].reshape(-1), f"onnxruntime {onnxruntime.__version__}"


class Pipeline:
    def __init__(self, cv2, numpy, task):
        self.cv2, self.numpy, self.task = cv2, numpy, task
        limits = (task["confidence_min"], task["overlap_max"], 5000)
        self.detector = cv2.FaceDetectorYN.create(task["detector"], "", (320, 320), *limits)
        self.embed, self.by = recogniser_of(cv2, numpy, task)
        self.listed = numpy.stack([self.enrol(path) for path in task["listed"]])

    def faces(self, picture, long_side):
        """Points of every face, in the picture's pixels."""
        height, width = picture.shape[:2]
        scale = min(1.0, long_side / max(width, height)) if long_side else 1.0
        if scale < 1.0:
            picture = self.cv2.resize(picture, (round(width * scale), round(height * scale)))
        self.detector.setInputSize((picture.shape[1], picture.shape[0]))
        _, found = self.detector.detect(picture)
        return [] if found is None else [face[4:14].reshape(5, 2) / scale for face in found]

    def template(self, picture, points):
        chip = chip_of(self.cv2, self.numpy, picture, points, self.task["form"]["alignment"])
        template = self.embed(blob_of(self.cv2, self.numpy, chip, self.task["form"]))
        return template / self.numpy.linalg.norm(template) if self.task["score"] == "cosine" else template

    def enrol(self, path):
        picture = self.cv2.imread(path)
        return self.template(picture, self.faces(picture, None)[0])

    def best(self, template):
        """Who is most alike, and how much: larger is more alike."""
        if self.task["score"] == "cosine":
            scores = self.listed @ template
        else:
            scores = -self.numpy.linalg.norm(self.listed - template, axis=1)
        best = int(scores.argmax())
        return best, float(scores[best])

    def watch(self, clip):
        processor_begun, begun = time.process_time(), time.perf_counter()
        capture = capture_of(self.cv2, clip, self.task["threads"])
        frames, faces, told = 0, 0, set()
        while True:
            more, picture = capture.read()
            if not more:
                break
            frames += 1
            for points in self.faces(picture, self.task["long_side"]):
                faces += 1
                person, score = self.best(self.template(picture, points))
                if score >= self.task["threshold"]:
                    told.add(person + 1)
        seconds, processor_seconds = time.perf_counter() - begun, time.process_time() - processor_begun
        return {"frames": frames, "faces": faces, "seconds": seconds, "processor_seconds": processor_seconds, "told": sorted(told)}


def main():
    cv2, numpy = modules("cv2", "numpy")
    with open(sys.argv[1], encoding="utf-8") as file:
        task = json.load(file)
    cv2.setNumThreads(task["threads"])
    pipeline = Pipeline(cv2, numpy, task)
    say(version=f"OpenCV {cv2.__version__}, recogniser by {pipeline.by}", found=[len(pipeline.listed)])
    for line in sys.stdin:
        say(**pipeline.watch(json.loads(line)["clip"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
