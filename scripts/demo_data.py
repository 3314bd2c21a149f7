"""Real recordings with transcripts from Debian's packages, as SPEAKER/NAME.wav + SPEAKER/NAME.lab.

    demo_data.py OUT [--minutes 4] [--speaker allison]

The voice: Asterisk core sounds, English. Recorded by Allison Smith (theivrvoice.com), (c) 2003-2010, funded by Digium,
Inc. CC BY-SA 3.0. Audio made from it carries the same line and licence.

Packages: asterisk-core-sounds-en-g722 (recordings, G.722 at 16 kHz), asterisk-core-sounds-en (transcripts). Where dpkg
left out /usr/share/doc (small container images do), the transcripts are taken out of the package itself.
Files that are there already are not made again. scripts/demo_held_out.tsv names the sentences that are never used.
"""

import argparse
import concurrent.futures
import gzip
import os
import pathlib
import re
import subprocess
import sys
import tempfile

RECORDINGS = pathlib.Path("/usr/share/asterisk/sounds/en_US_f_Allison")
TRANSCRIPTS = "usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz"
HELD_OUT = pathlib.Path(__file__).with_name("demo_held_out.tsv")
G722_BYTES_PER_SECOND = 8000
DIGITS = "zero one two three four five six seven eight nine".split()
SKIPPED_FOLDERS = ("letters/", "phonetic/", "digits/", "silence/")
NOT_SPOKEN_AS_WRITTEN = re.compile(r"[\[\]()<>]|\d\d|\d\.\d|H\.\d")


def transcript_lines() -> list[str]:
    installed = pathlib.Path("/") / TRANSCRIPTS
    if installed.exists():
        return gzip.decompress(installed.read_bytes()).decode().splitlines()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["apt-get", "download", "-qq", "asterisk-core-sounds-en"], cwd=folder, check=True)
        package = next(pathlib.Path(folder).glob("*.deb"))
        subprocess.run(["dpkg", "-x", package, folder], check=True)
        return gzip.decompress((pathlib.Path(folder) / TRANSCRIPTS).read_bytes()).decode().splitlines()


def spoken(text: str) -> str:
    text = text.replace("#", " pound ").replace("*", " star ")
    text = re.sub(r"\d", lambda m: f" {DIGITS[int(m[0])]} ", text)
    return re.sub(r" +([.,;:?!])", r"\1", re.sub(r" +", " ", text)).strip()


def usable_recordings() -> list[tuple[str, pathlib.Path, str]]:
    """(name, recording, text), sorted by name."""
    held_out = {line.split("\t")[0] for line in HELD_OUT.read_text().splitlines()}
    files = {str(p.relative_to(RECORDINGS).with_suffix("")): p for p in RECORDINGS.rglob("*.g722")}
    folded = {name.casefold(): name for name in files}
    found = {}
    for line in transcript_lines():
        match = re.match(r"^([^;:\s]\S*?)\s*:\s*(.+?)\s*$", line)
        if not match:
            continue
        name = match[1] if match[1] in files else folded.get(match[1].casefold())
        if name is None or name in found or name.replace("/", "_") in held_out:
            continue
        if name.casefold().startswith(SKIPPED_FOLDERS) or NOT_SPOKEN_AS_WRITTEN.search(match[2]):
            continue
        if 1 <= files[name].stat().st_size / G722_BYTES_PER_SECOND <= 32:
            found[name] = (name.replace("/", "_"), files[name], spoken(match[2]))
    return [found[name] for name in sorted(found)]


def write_whole(path: pathlib.Path, data: bytes) -> None:
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_bytes(data)
    os.replace(temporary, path)


def make_clip(folder: pathlib.Path, name: str, recording: pathlib.Path, text: str) -> None:
    write_whole(folder / f"{name}.lab", text.encode() + b"\n")
    wav = folder / f"{name}.wav"
    if wav.exists():
        return
    temporary = wav.with_suffix(".tmp.wav")
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "g722", "-i", recording, "-bitexact", temporary]
    subprocess.run(command, check=True)
    os.replace(temporary, wav)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--minutes", type=float, default=4, help="stop when that much is there (default 4)")
    parser.add_argument("--speaker", default="allison", help="name of the speaker's folder")
    options = parser.parse_args()
    if not RECORDINGS.is_dir():
        sys.exit(f"demo_data: {RECORDINGS} is missing: install asterisk-core-sounds-en-g722 (scripts/setup does)")
    chosen, seconds = [], 0.0
    for clip in usable_recordings():
        if seconds >= options.minutes * 60:
            break
        chosen.append(clip)
        seconds += clip[1].stat().st_size / G722_BYTES_PER_SECOND
    folder = options.out / options.speaker
    folder.mkdir(parents=True, exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda clip: make_clip(folder, *clip), chosen))
    print(f"{len(chosen)} recordings, {seconds / 60:.2f} minutes, in {folder}")


if __name__ == "__main__":
    main()
