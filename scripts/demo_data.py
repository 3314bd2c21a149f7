"""Real recordings with transcripts from Debian's packages, as SPEAKER/NAME.wav + SPEAKER/NAME.lab.

    demo_data.py OUT [--minutes 4] [--speaker allison] [--language en|es|ru]

The voices: Asterisk core sounds, English, recorded by Allison Smith (theivrvoice.com), (c) 2003-2010, funded by Digium,
Inc., CC BY-SA 3.0; Spanish, the same; Russian, recorded by Maxim Topal (ivrvoice.ru), CC BY 3.0. Audio made from one carries
the same line and licence.

Packages: asterisk-core-sounds-XX-g722 (recordings, G.722 at 16 kHz), asterisk-core-sounds-XX (transcripts). Where dpkg
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

SOUNDS = pathlib.Path("/usr/share/asterisk/sounds")
FOLDERS = {
    "en": "en_US_f_Allison",
    "es": "es_MX_f_Allison",
    "ru": "ru_RU_f_IvrvoiceRU",
}
HELD_OUT = pathlib.Path(__file__).with_name("demo_held_out.tsv")
G722_BYTES_PER_SECOND = 8000
DIGITS = "zero one two three four five six seven eight nine".split()
SKIPPED_FOLDERS = ("letters/", "phonetic/", "digits/", "silence/")
# English says digits and signs one by one; in the other languages it is not known how.
NOT_SPOKEN_AS_WRITTEN = {"en": re.compile(r"[\[\]()<>]|\d\d|\d\.\d|H\.\d")}
ANY_SIGN = re.compile(r"[\[\]()<>\d#*]")


def transcript_lines(language: str) -> list[str]:
    package = f"asterisk-core-sounds-{language}"
    inside = f"usr/share/doc/{package}/core-sounds-{language}.txt.gz"
    installed = pathlib.Path("/") / inside
    if installed.exists():
        return gzip.decompress(installed.read_bytes()).decode().splitlines()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["apt-get", "download", "-qq", package], cwd=folder, check=True)
        subprocess.run(["dpkg", "-x", next(pathlib.Path(folder).glob("*.deb")), folder], check=True)
        return gzip.decompress((pathlib.Path(folder) / inside).read_bytes()).decode().splitlines()


def spoken(text: str) -> str:
    text = text.replace("#", " pound ").replace("*", " star ")
    text = re.sub(r"\d", lambda m: f" {DIGITS[int(m[0])]} ", text)
    return re.sub(r" +([.,;:?!])", r"\1", re.sub(r" +", " ", text)).strip()


def usable_recordings(language: str) -> list[tuple[str, pathlib.Path, str]]:
    """(name, recording, text), sorted by name."""
    held_out = {line.split("\t")[0] for line in HELD_OUT.read_text().splitlines()}
    root = SOUNDS / FOLDERS[language]
    files = {str(p.relative_to(root).with_suffix("")): p for p in root.rglob("*.g722")}
    folded = {name.casefold(): name for name in files}
    found = {}
    for line in transcript_lines(language):
        match = re.match(r"^([^;:\s]\S*?)\s*:\s*(.+?)\s*$", line)
        if not match:
            continue
        name = match[1] if match[1] in files else folded.get(match[1].casefold())
        if name is None or name in found or name.replace("/", "_") in held_out:
            continue
        if name.casefold().startswith(SKIPPED_FOLDERS) or NOT_SPOKEN_AS_WRITTEN.get(language, ANY_SIGN).search(match[2]):
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
    parser.add_argument("--language", choices=sorted(FOLDERS), default="en", help="whose recordings (default en)")
    options = parser.parse_args()
    if not (SOUNDS / FOLDERS[options.language]).is_dir():
        package = f"asterisk-core-sounds-{options.language}-g722"
        sys.exit(f"demo_data: {SOUNDS / FOLDERS[options.language]} is missing: install {package} (scripts/setup does)")
    chosen, seconds = [], 0.0
    for clip in usable_recordings(options.language):
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
