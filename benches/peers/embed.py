"""The peer of `overt bench embed`: the same graph file in Python's onnxruntime, on as many threads.

Alone:        python3 embed.py GRAPH --shape 1,3,150,150 --seconds 10
Interleaved:  `overt bench embed --peer` starts it with --serve and writes one number of seconds a line; each is
              answered with one line of JSON.
"""

import argparse
import json
import sys
import time


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("graph")
    arguments.add_argument("--shape", required=True, help="pictures,channels,rows,columns")
    arguments.add_argument("--threads", type=int, default=1)
    arguments.add_argument("--seconds", type=float, default=10.0)
    arguments.add_argument("--serve", action="store_true")
    arguments = arguments.parse_args()

    try:
        import numpy
        import onnxruntime
    except ImportError as missing:
        print(json.dumps({"missing": missing.name}), flush=True)
        return 3

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = arguments.threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(arguments.graph, options, providers=["CPUExecutionProvider"])
    shape = [int(side) for side in arguments.shape.split(",")]
    picture = numpy.random.default_rng(1).random(shape, dtype=numpy.float32)
    name = session.get_inputs()[0].name
    for _ in range(3):
        session.run(None, {name: picture})

    def measure(seconds):
        runs_ms = []
        processor_begun, begun = time.process_time(), time.perf_counter()
        while True:
            before = time.perf_counter()
            session.run(None, {name: picture})
            after = time.perf_counter()
            runs_ms.append((after - before) * 1000)
            if after - begun >= seconds:
                processor_ms = (time.process_time() - processor_begun) * 1000
                return {"runs_ms": runs_ms, "processor_ms": processor_ms, "version": onnxruntime.__version__}

    if not arguments.serve:
        runs_ms = sorted(measure(arguments.seconds)["runs_ms"])
        rate = shape[0] * len(runs_ms) / (sum(runs_ms) / 1000)
        print(f"onnxruntime {onnxruntime.__version__}: {rate:.1f} chips/s, median {runs_ms[len(runs_ms) // 2]:.3f} ms a run of {shape[0]}")
        return 0
    print(json.dumps({"version": onnxruntime.__version__}), flush=True)
    for line in sys.stdin:
        print(json.dumps(measure(float(line))), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
