"""Who may include whom (docs/architecture.md): fails, naming file and line, where a folder includes one that it must not see."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# folder of koi/ -> the folders that it may include, itself aside. The order is the pipeline's.
ALLOWED = {
    "base": "",
    "config": "base",
    "text": "base",
    "checkpoint": "base",
    "kernels": "base",
    "tensor": "base checkpoint kernels",
    "audio": "base tensor",
    "codec": "base checkpoint tensor config audio kernels",
    "dataset": "base text checkpoint",
    "align": "base text audio dataset",
    "check": "base text checkpoint audio dataset",
    "lm": "base text checkpoint tensor kernels",
    "train": "base config checkpoint tensor text dataset lm",
    "codec_train": "base config text checkpoint tensor audio codec train",
    "speech": "base text checkpoint tensor audio codec kernels lm",
    "eval": "base text audio dataset",
}
# Folders free of libtorch, and the single files in them that are not.
TORCH_FREE = {"base", "config", "text", "checkpoint", "audio", "dataset", "align", "check", "kernels", "eval"}
TORCH_FILES = {"koi/audio/mel.h", "koi/audio/mel.cc", "koi/audio/mel_test.cc"}
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')


def faults(path: pathlib.Path) -> list[str]:
    name = path.relative_to(ROOT).as_posix()
    folder = path.parent.name
    is_test = path.stem.endswith("_test")
    found = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        target = match[1]
        place = f"{name}:{number}"
        if target == "torch/torch.h":
            found.append(f"{place}: torch/torch.h costs too much to compile; include koi/tensor/torch.h")
        if folder in TORCH_FREE and name not in TORCH_FILES:
            if target.startswith(("ATen/", "torch/", "c10/", "koi/tensor/")) or target in TORCH_FILES:
                found.append(f"{place}: koi/{folder} is free of libtorch, but includes {target}")
        if target.startswith(("cli/", "server/")) or (target.startswith("tests/") and not is_test):
            found.append(f"{place}: the library must not include {target}")
        parts = target.split("/")
        if parts[0] == "koi" and parts[1] not in (folder, *ALLOWED[folder].split()):
            found.append(f"{place}: koi/{folder} must not include koi/{parts[1]}")
    return found


def main() -> None:
    unknown = [p.name for p in (ROOT / "koi").iterdir() if p.is_dir() and p.name not in ALLOWED]
    found = [f"koi/{name}: a folder that scripts/check_layering.py does not know" for name in unknown]
    for path in sorted((ROOT / "koi").glob("*/*.*")):
        if path.suffix in (".h", ".cc") and path.parent.name in ALLOWED:
            found += faults(path)
    print("\n".join(found) or "layering: sound")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
