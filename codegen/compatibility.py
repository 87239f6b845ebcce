#!/usr/bin/env python3
"""Prints docs/compatibility/ from models/services.json and the pinned models.

What is listed as served is a pure virtual function of the generated API: the program does not link without it.
--check writes nothing and fails when the pages are out of date.
"""

import argparse
import json
import pathlib
import re
import sys

from model import Model

ROOT = pathlib.Path(__file__).resolve().parent.parent
# RE2 knows none of these; src/wire/patterns.h skips such patterns.
LOOKAROUND = re.compile(r"\(\?(?:!|=|<!|<=)")
PROTOCOLS = {"rest_json": "rest-json", "rest_xml": "rest-xml", "json_1_0": "json 1.0", "json_1_1": "json 1.1", "query": "query", "ec2": "ec2",
             "rpc_v2_cbor": "rpc-v2-cbor"}


def columns(names, count=3):
    rows = ["| " + " | ".join(names[i:i + count] + [""] * (count - len(names[i:i + count]))) + " |" for i in range(0, len(names), count)]
    return ["|" + " |" * count, "|" + "---|" * count, *rows]


def page(model, patched):
    metadata = model.metadata
    served, others = sorted(model.served), sorted(set(model.operations) - set(model.served))
    out = [f"# {metadata['serviceFullName']}", "", "Printed by `codegen/compatibility.py`; do not edit.", "",
           f"API version {metadata['apiVersion']}, protocol {', '.join(PROTOCOLS[p] for p in model.entry['protocols'])}. "
           f"{len(served)} of {len(model.operations)} operations are served.", "", "## Served", "", *columns([f"`{n}`" for n in served])]
    if others:
        out += ["", "## Answered with 501 and their name", "", *columns([f"`{n}`" for n in others])]
    skipped = [(name, model.shapes[name]["pattern"]) for name in sorted(model.structures) if LOOKAROUND.search(model.shapes[name].get("pattern", ""))]
    if skipped:
        out += ["", "## Patterns that are not enforced", "", "They look ahead or behind, which RE2 does not do.", "",
                *[f"- `{name}`: `{pattern}`" for name, pattern in skipped]]
    if patched:
        out += ["", f"The pinned model is changed by `models/patches/{model.service}.json`."]
    return "\n".join(out) + "\n"


def pages(models, services_file):
    result, rows = {}, []
    total_served = total = 0
    for service in json.loads(services_file.read_text()):
        model = Model(models, services_file, service)
        result[f"{service}.md"] = page(model, (services_file.parent / "patches" / f"{service}.json").exists())
        rows.append(f"| [{model.metadata['serviceFullName']}]({service}.md) | {model.metadata['apiVersion']} | {len(model.served)} | {len(model.operations)} |")
        total_served += len(model.served)
        total += len(model.operations)
    result["README.md"] = "\n".join(
        ["# Compatibility", "", "Printed by `codegen/compatibility.py` from the pinned models and `models/services.json`; do not edit.", "",
         "A served operation is implemented: the program does not link without it. Every other one answers HTTP 501 and its name, in the caller's protocol.",
         "", "| service | API version | served | in the model |", "|---|---|--:|--:|", *rows, f"| all | | {total_served} | {total} |"]) + "\n"
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=pathlib.Path, default=ROOT / ".cache" / "models")
    parser.add_argument("--services", type=pathlib.Path, default=ROOT / "models" / "services.json")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "docs" / "compatibility")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()

    wanted = pages(arguments.models, arguments.services)
    if arguments.check:
        have = {file.name: file.read_text() for file in arguments.out.glob("*.md")}
        stale = sorted(name for name in set(wanted) | set(have) if wanted.get(name) != have.get(name))
        if stale:
            sys.exit(f"out of date in {arguments.out}: {', '.join(stale)}; run codegen/compatibility.py")
        return
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name, content in wanted.items():
        (arguments.out / name).write_text(content)


if __name__ == "__main__":
    main()
