#!/usr/bin/env python3
"""The generator's output for one small service is committed, so that a change of the generator shows in review.

python3 codegen/test_generate.py            compares
python3 codegen/test_generate.py --update   rewrites codegen/golden/
"""

import pathlib
import sys
import tempfile
import subprocess
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
SERVICE = "sts"
GOLDEN = HERE / "golden" / SERVICE
FILES = ("types.h", "api.h", "tables.cc")


def generate(out):
    subprocess.run([sys.executable, HERE / "generate.py", "--models", ROOT / ".cache" / "models", "--services", ROOT / "models" / "services.json",
                    "--service", SERVICE, "--out", out], check=True)


class Golden(unittest.TestCase):
    def test_output_is_as_committed(self):
        self.maxDiff = 20000
        with tempfile.TemporaryDirectory() as folder:
            generate(folder)
            for name in FILES:
                with self.subTest(name):
                    self.assertMultiLineEqual((pathlib.Path(folder) / name).read_text(), (GOLDEN / name).read_text())


class Compatibility(unittest.TestCase):
    def test_pages_are_up_to_date(self):
        subprocess.run([sys.executable, HERE / "compatibility.py", "--check"], check=True)


if __name__ == "__main__":
    if "--update" in sys.argv:
        GOLDEN.mkdir(parents=True, exist_ok=True)
        generate(GOLDEN)
    else:
        unittest.main()
