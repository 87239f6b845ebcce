#!/usr/bin/env python3
"""Holds the tree to docs/ARCHITECTURE.md: include arrows, no circles, formatting, no forgotten words. Exits 1 and says where."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
ARROW = re.compile(r"^\| `([a-z/_]+)` \| ([^|]*) \|", re.MULTILINE)
LINES_HINT = 900  # past this a file holds two ideas; it only goes down


def tracked():
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [name for name in names.splitlines() if (ROOT / name).is_file()]


def arrows():
    """The table of docs/ARCHITECTURE.md: folder -> folders it may include."""
    text = (ROOT / "docs/ARCHITECTURE.md").read_text()
    section = text.split("<!-- arrows -->")[1]
    table = {name: set(re.findall(r"`([a-z/_]+)`", allowed)) for name, allowed in ARROW.findall(section)}
    if not table:
        sys.exit("docs/ARCHITECTURE.md: no table of arrows found")
    return table


def folder_of(path, table):
    """The longest folder of the table that holds `path` (relative to src)."""
    parts = path.split("/")[:-1]
    while parts:
        name = "/".join(parts)
        if name in table:
            return name
        parts.pop()
    return None


def check_arrows(files, table):
    for name in files:
        if not name.startswith("src/") or not name.endswith((".h", ".cc")):
            continue
        owner = folder_of(name[4:], table)
        if owner is None:
            yield f"{name}: docs/ARCHITECTURE.md does not know this folder"
            continue
        for include in INCLUDE.findall((ROOT / name).read_text()):
            if include.startswith("aws/"):
                target = "aws"
            else:
                target = folder_of(include, table)
            if target is None:
                yield f"{name}: include \"{include}\" is not spelled from src/"
            elif target != owner and target not in table[owner]:
                yield f"{name}: `{owner}` must not include `{target}` ({include})"


def check_circles(table):
    def visit(name, path):
        for other in table.get(name, ()):
            if other in path:
                yield f"docs/ARCHITECTURE.md: circle {' -> '.join(path[path.index(other):] + [other])}"
            else:
                yield from visit(other, path + [other])

    for name in table:
        yield from visit(name, [name])


def check_headers(files):
    for name in files:
        if name.startswith("src/") and name.endswith(".h") and "#pragma once" not in (ROOT / name).read_text():
            yield f"{name}: no #pragma once"


def check_size(files):
    for name in files:
        if name.startswith("src/") and name.endswith((".h", ".cc")):
            lines = (ROOT / name).read_text().count("\n")
            if lines > LINES_HINT:
                yield f"{name}: {lines} lines; look for the second idea (limit {LINES_HINT})"


def check_words(files):
    words = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    for name in files:
        if name.endswith((".h", ".cc", ".py")) and name != "tests/tidy/tidy.py":
            for number, line in enumerate((ROOT / name).read_text(errors="replace").splitlines(), 1):
                if words.search(line):
                    yield f"{name}:{number}: {line.strip()}"


def check_format(files):
    sources = [name for name in files if name.endswith((".h", ".cc")) and name.startswith(("src/", "tests/", "bench/"))]
    done = subprocess.run(["clang-format-19", "--dry-run", "-Werror", *sources], cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        places = sorted({line.split(":")[0] for line in done.stderr.splitlines() if "error:" in line})
        yield from (f"{place}: clang-format (make format)" for place in places)


def main():
    files, table = tracked(), arrows()
    findings = [*check_arrows(files, table), *sorted(set(check_circles(table))), *check_headers(files), *check_size(files),
                *check_words(files), *check_format(files)]
    for finding in findings:
        print(finding)
    print(f"tidy: {len(files)} files, {len(findings)} findings")
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
