#!/usr/bin/env python3
"""The peer's side of `starling bench peers`: one product of Wan 2.1 1.3B through OpenBLAS and oneDNN.

    bench/peers/products.py --threads 1 --rounds 3

Prints one JSON object a line: {"peer", "name", "shape", "threads", "seconds"}, or {"error"} where a library is not installed. The
libraries are loaded when it runs: libopenblas.so.0 (Debian's libopenblas0-pthread), with its best kernels for the CPU unless
STARLING_BENCH_PEER names others, and libdnnl.so.2 (Debian's libdnnl2) or libdnnl.so.3. Nothing else is needed.
"""

import argparse
import ctypes
import json
import os
import platform
import statistics
import time

M, N, K = 1024, 8960, 1536
SHAPE = f"{M} x {N} x {K}"


def median_time(run, rounds, threads):
    clock = time.process_time if threads == 1 else time.perf_counter
    run()
    seconds = []
    for _ in range(rounds):
        start = clock()
        run()
        seconds.append(clock() - start)
    return statistics.median(seconds)


def floats(count):
    return (ctypes.c_float * count)(*([0.5, -0.25, 0.125, 1.0] * (count // 4)))


def openblas():
    # It reads these when it is loaded: what slows it would flatter us, and by itself it takes AVX2 kernels on CPUs it does not know.
    os.environ.pop("OPENBLAS_L2_SIZE", None)
    if platform.machine() == "x86_64":
        best = "SkylakeX" if "avx512dq" in open("/proc/cpuinfo").read() else "Haswell"
        os.environ["OPENBLAS_CORETYPE"] = os.environ.get("STARLING_BENCH_PEER", best)
    library = ctypes.CDLL("libopenblas.so.0")
    library.openblas_get_config.restype = ctypes.c_char_p
    version = library.openblas_get_config().decode().split()[1]
    a, b, c = floats(M * K), floats(N * K), floats(M * N)
    rows, no, yes = 101, 111, 112
    one, zero = ctypes.c_float(1.0), ctypes.c_float(0.0)
    yield f"OpenBLAS {version} f32", lambda: library.cblas_sgemm(rows, no, yes, M, N, K, one, a, K, b, K, zero, c, N)


def onednn():
    library = None
    for name in ("libdnnl.so.3", "libdnnl.so.2"):
        try:
            library = ctypes.CDLL(name)
            break
        except OSError:
            pass
    if library is None:
        raise OSError("libdnnl.so.2 is not there")

    class Version(ctypes.Structure):
        _fields_ = [("major", ctypes.c_int), ("minor", ctypes.c_int), ("patch", ctypes.c_int)]

    library.dnnl_version.restype = ctypes.POINTER(Version)
    found = library.dnnl_version().contents
    version = f"{found.major}.{found.minor}.{found.patch}"
    size = ctypes.c_int64
    no, yes, fixed = ctypes.c_char(b"N"), ctypes.c_char(b"T"), ctypes.c_char(b"F")
    one, zero = ctypes.c_float(1.0), ctypes.c_float(0.0)
    a, b, c = floats(M * K), floats(N * K), floats(M * N)
    yield f"oneDNN {version} f32", lambda: library.dnnl_sgemm(
        no, yes, size(M), size(N), size(K), one, a, size(K), b, size(K), zero, c, size(N))
    a8, b8 = (ctypes.c_int8 * (M * K))(), (ctypes.c_int8 * (N * K))()
    ctypes.memset(a8, 3, M * K)
    ctypes.memset(b8, 5, N * K)
    c32, offset = (ctypes.c_int32 * (M * N))(), ctypes.c_int32(0)
    yield f"oneDNN {version} s8, sums", lambda: library.dnnl_gemm_s8s8s32(
        no, yes, fixed, size(M), size(N), size(K), one, a8, size(K), ctypes.c_int8(0), b8, size(K), ctypes.c_int8(0),
        zero, c32, size(N), ctypes.byref(offset))


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--threads", type=int, default=1)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--blocks", type=int, default=30)  # of the model's step, which is not here
    arguments.add_argument("--only", default="")
    given = arguments.parse_args()
    if given.only not in f"product {SHAPE}":
        return
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ[variable] = str(given.threads)
    for library, peer, package in ((openblas, "OpenBLAS", "libopenblas0-pthread"), (onednn, "oneDNN", "libdnnl2")):
        row = {"peer": peer, "name": "product", "shape": SHAPE, "threads": given.threads}
        try:
            for name, run in library():
                print(json.dumps({**row, "peer": name, "seconds": median_time(run, given.rounds, given.threads)}),
                      flush=True)
        except (OSError, AttributeError) as error:
            print(json.dumps({**row, "error": f"not measured: {error}; apt install {package}"}), flush=True)


if __name__ == "__main__":
    main()
