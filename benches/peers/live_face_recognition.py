# The peer of `overt bench live --peer face-recognition`: its ordinary use. Every frame is decoded by OpenCV's VideoCapture, as in its own
# examples, and goes through `face_locations` (HOG, default upsampling), `face_encodings` and `face_distance`, with our threshold.
# `overt bench` starts it after faces.py, with one argument: a file of JSON that says what to do. It enrols, says hello, and answers
# each line that names a clip with counts and the numbers of the listed people it found, from 1.


def watch(cv2, numpy, face_recognition, listed, task, clip):
    processor_begun, begun = time.process_time(), time.perf_counter()
    capture = capture_of(cv2, clip, task["threads"])
    frames, faces, told = 0, 0, set()
    while True:
        more, picture = capture.read()
        if not more:
            break
        frames += 1
        picture = numpy.ascontiguousarray(picture[:, :, ::-1])
        locations = face_recognition.face_locations(picture)
        for encoding in face_recognition.face_encodings(picture, locations):
            faces += 1
            distances = face_recognition.face_distance(listed, encoding)
            best = int(distances.argmin())
            if -float(distances[best]) >= task["threshold"]:
                told.add(best + 1)
    seconds, processor_seconds = time.perf_counter() - begun, time.process_time() - processor_begun
    return {"frames": frames, "faces": faces, "seconds": seconds, "processor_seconds": processor_seconds, "told": sorted(told)}


def main():
    cv2, numpy, dlib, face_recognition = modules("cv2", "numpy", "dlib", "face_recognition")
    with open(sys.argv[1], encoding="utf-8") as file:
        task = json.load(file)
    cv2.setNumThreads(task["threads"])
    if task["score"] != "euclidean":
        sys.exit("face_recognition measures distances: compare it with a bundle whose recogniser is dlib's")
    listed = []
    for path in task["listed"]:
        picture = face_recognition.load_image_file(path)
        listed.append(face_recognition.face_encodings(picture)[0])
    version = f"face_recognition {face_recognition.__version__}, dlib {dlib.__version__}, OpenCV {cv2.__version__}"
    say(version=version, found=[len(listed)])
    for line in sys.stdin:
        say(**watch(cv2, numpy, face_recognition, listed, task, json.loads(line)["clip"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
