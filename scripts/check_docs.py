"""Checks the documents: links lead somewhere, commands and options that they name exist, both languages have the same outline."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAIRS = [("README.md", "README.ko.md")] + [
    (f"docs/en/{p.name}", f"docs/ko/{p.name}") for p in sorted((ROOT / "docs/en").glob("*.md"))
]
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(#[^)\s]*)?\)")
COMMAND = re.compile(r"(?:^|[\s`(/])koi ([a-z]+(?:-[a-z]+)*)((?:[^\n`|]|\\\n)*)", re.M)
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")


def documents() -> list[pathlib.Path]:
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True)
    names = [n for n in listed.stdout.splitlines() if not n.startswith("tests/goldens/")]
    return [ROOT / n for n in names]


def broken_links(path: pathlib.Path, text: str) -> list[str]:
    targets = [m[1] for m in LINK.finditer(text) if "://" not in m[1]]
    return [f"{path.name}: links to {t}, which is not there" for t in targets if not (path.parent / t).exists()]


def help_texts(program: pathlib.Path) -> dict[str, str]:
    def help_of(*words: str) -> str:
        return subprocess.run([program, *words, "--help"], capture_output=True, text=True, check=True).stdout

    names = re.findall(r"^  ([a-z]+(?:-[a-z]+)*)  ", help_of(), re.M)
    return {name: help_of(name) for name in names}


def code_of(text: str) -> str:
    """Code blocks and code spans, where commands stand."""
    blocks = [m[2] for m in BLOCK.finditer(text) if m[1] in ("", "sh", "bash", "console")]
    return "\n".join(blocks + re.findall(r"`([^`\n]+)`", BLOCK.sub("", text)))


def unknown_commands(path: pathlib.Path, text: str, helps: dict[str, str]) -> list[str]:
    found = []
    for match in COMMAND.finditer(code_of(text)):
        name, rest = match[1], match[2]
        if name not in helps:
            found.append(f"{path.name}: names the command koi {name}, which does not exist")
            continue
        for option in OPTION.findall(rest.split(" #")[0]):
            if option != "--help" and not re.search(re.escape(option) + r"(?![\w-])", helps[name]):
                found.append(f"{path.name}: koi {name} has no option {option}")
    return found


def outline(text: str) -> list[int]:
    text = re.sub(r"```.*?```", "", text, flags=re.S)
    return [len(m[1]) for m in re.finditer(r"^(#+) ", text, re.M)]


def main(program: str) -> None:
    helps = help_texts(pathlib.Path(program))
    found = []
    for path in documents():
        text = path.read_text()
        found += broken_links(path, text)
        if path.name != "CHANGELOG.md":
            found += unknown_commands(path, text, helps)
    for english, korean in PAIRS:
        if not (ROOT / korean).exists():
            found.append(f"{korean} is missing ({english} has no Korean side)")
        elif outline((ROOT / english).read_text()) != outline((ROOT / korean).read_text()):
            found.append(f"{korean}: its headings do not follow those of {english}")
    if not (ROOT / "README.md").read_text().split("```")[1].count("make demo"):
        found.append("README.md does not open with make demo and make test")
    print("\n".join(found) or f"docs: {len(documents())} documents sound, {len(helps)} commands known")
    sys.exit(bool(found))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "build/koi"))
