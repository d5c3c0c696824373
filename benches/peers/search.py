"""The peer of `overt bench search`: faiss-cpu's exact index over the same random unit vectors, on as many threads.

`overt bench search --peer` starts it. It makes the vectors itself by the same whole-number rule, so that nothing has to
be sent, says hello with the rows that it finds, and then answers each number of seconds with one line of JSON.
"""

import argparse
import json
import sys
import time

# As many values are made at once, so that making them takes little memory beside the rows.
CHUNK_VALUES = 1 << 24


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, required=True)
    arguments.add_argument("--dims", type=int, required=True)
    arguments.add_argument("--probes", type=int, required=True)
    arguments.add_argument("--top", type=int, required=True)
    arguments.add_argument("--score", choices=["cosine", "distance"], required=True)
    arguments.add_argument("--threads", type=int, default=1)
    arguments = arguments.parse_args()

    try:
        import faiss
        import numpy
    except ImportError as missing:
        print(json.dumps({"missing": missing.name}), flush=True)
        return 3

    faiss.omp_set_num_threads(arguments.threads)
    rows = numpy.empty((arguments.rows, arguments.dims), dtype=numpy.float32)
    step = max(1, CHUNK_VALUES // arguments.dims)
    for first in range(0, arguments.rows, step):
        last = min(first + step, arguments.rows)
        rows[first:last] = vectors(numpy, first, last, arguments.dims)
    probes = vectors(numpy, arguments.rows, arguments.rows + arguments.probes, arguments.dims)
    index = (faiss.IndexFlatIP if arguments.score == "cosine" else faiss.IndexFlatL2)(arguments.dims)
    index.add(rows)
    del rows
    _, found = index.search(probes, arguments.top)
    print(json.dumps({"version": faiss.__version__, "found": found[:, 0].tolist()}), flush=True)
    for line in sys.stdin:
        seconds = float(line)
        runs_ms = []
        processor_begun = time.process_time()
        begun = time.perf_counter()
        while True:
            before = time.perf_counter()
            index.search(probes, arguments.top)
            after = time.perf_counter()
            runs_ms.append((after - before) * 1000)
            if after - begun >= seconds:
                break
        processor_ms = (time.process_time() - processor_begun) * 1000
        print(json.dumps({"runs_ms": runs_ms, "processor_ms": processor_ms}), flush=True)
    return 0


def vectors(numpy, first, last, dims):
    """Unit vectors of these numbers: each value is the sum of the four quarters of a mixed number, less its mean."""
    numbers = numpy.arange(first * dims, last * dims, dtype=numpy.uint64)
    numbers *= numpy.uint64(0x9E3779B97F4A7C15)
    numbers ^= numbers >> numpy.uint64(30)
    numbers *= numpy.uint64(0xBF58476D1CE4E5B9)
    numbers ^= numbers >> numpy.uint64(27)
    numbers *= numpy.uint64(0x94D049BB133111EB)
    numbers ^= numbers >> numpy.uint64(31)
    quarters = numbers.view(numpy.uint16).reshape(-1, 4)
    whole = (quarters.sum(axis=1, dtype=numpy.int64) - 131070).reshape(-1, dims)
    lengths = numpy.sqrt((whole * whole).sum(axis=1).astype(numpy.float64))
    return (whole / lengths[:, None]).astype(numpy.float32)


if __name__ == "__main__":
    sys.exit(main())
