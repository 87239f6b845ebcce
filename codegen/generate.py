#!/usr/bin/env python3
"""Generates build/gen/aws/<service>/{types.h,api.h,tables.cc} from the pinned API model of one service."""

import argparse
import pathlib

from emit import Emitter
from model import Model


def write_if_changed(path, content):
    """A file that did not change keeps its time, so what includes it is not compiled again."""
    if not path.exists() or path.read_text() != content:
        path.write_text(content)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", required=True, type=pathlib.Path, help="folder of unpacked botocore data")
    parser.add_argument("--services", required=True, type=pathlib.Path, help="models/services.json")
    parser.add_argument("--service", required=True)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    arguments = parser.parse_args()

    emitter = Emitter(Model(arguments.models, arguments.services, arguments.service))
    arguments.out.mkdir(parents=True, exist_ok=True)
    write_if_changed(arguments.out / "types.h", emitter.types())
    write_if_changed(arguments.out / "api.h", emitter.api())
    write_if_changed(arguments.out / "tables.cc", emitter.tables())


if __name__ == "__main__":
    main()
