"""Unpacks from PyPI wheels what koi uses of them: unpack_wheels.py WHEELS_DIR OUT_DIR.

Of torch: the headers, the CPU libraries (and the CUDA ones when CUDA wheels lie beside it) and the
licence; of all others everything. Only the standard library is used.
"""

import pathlib
import sys
import zipfile

CPU_LIBRARIES = ("libc10.so", "libtorch_cpu.so", "libgomp")
CUDA_LIBRARIES = ("libc10_cuda.so", "libtorch_cuda", "libtorch_nvshmem", "libcaffe2_nvrtc")


def wanted_of_torch(name: str, with_cuda: bool) -> bool:
    if name.startswith("torch/include/"):
        return True
    if name.startswith("torch/lib/"):
        libraries = CPU_LIBRARIES + (CUDA_LIBRARIES if with_cuda else ())
        return name.removeprefix("torch/lib/").startswith(libraries)
    return "LICENSE" in name or "NOTICE" in name


def main(wheels_dir: str, out_dir: str) -> None:
    wheels = sorted(pathlib.Path(wheels_dir).glob("*.whl"))
    with_cuda = any(wheel.name.startswith("nvidia_cublas") for wheel in wheels)
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            is_torch = wheel.name.startswith("torch-")
            names = [n for n in archive.namelist() if not is_torch or wanted_of_torch(n, with_cuda)]
            archive.extractall(out_dir, names)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: unpack_wheels.py WHEELS_DIR OUT_DIR")
    main(sys.argv[1], sys.argv[2])
