#!/usr/bin/python3
"""check-arrows finds what it is there to find, and names the place. Small trees made on the fly."""
import os
import subprocess
import sys
import tempfile
import unittest

CHECK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "check-arrows")

GOOD = {
    "base/buf.h": "#include <stddef.h>\n",
    "base/log.h": '#include "log_events.def"\n',
    "base/log_events.def": "",
    "base/log.c": '#include "base/log.h"\n\n#include <unistd.h>\n',
    "schemas/wire.h": '#include "base/buf.h"\n',
    "schemas/net.h": "#include <zmq.h>\n",
    "store/sql.c": '#include "schemas/wire.h"\n',
    "questionnaire/check.c": '#include "schemas/wire.h"\n',
    "broker/core/core.h": '#include "schemas/wire.h"\n#include <string.h>\n',
    "broker/journal/journal.h": '#include "broker/core/core.h"\n#include <fcntl.h>\n',
    "broker/net/net.h": '#include "broker/core/core.h"\n#include <czmq.h>\n',
    "broker/main.c": '#include "broker/net/net.h"\n#include "broker/journal/journal.h"\n',
    "client/lib/sluice.h": '#include "schemas/wire.h"\n',
    "client/edge/main.c": '#include "client/lib/sluice.h"\n',
    "client/ctl/main.c": '#include "client/lib/sluice.h"\n#include "store/sql.c"\n',
    "workers/main.c": '#include "client/lib/sluice.h"\n#include "questionnaire/check.c"\n',
}

# file, what is put into its second line, words that must be told
BAD = [
    ("base/log.c", '#include "schemas/wire.h"', "base must not include"),
    ("schemas/wire.h", '#include "store/sql.c"', "schemas must not include"),
    ("schemas/wire.h", '#include "broker/core/core.h"', "schemas must not include"),
    ("questionnaire/check.c", '#include "store/sql.c"', "questionnaire must not include"),
    ("questionnaire/check.c", '#include "client/lib/sluice.h"', "questionnaire must not include"),
    ("broker/main.c", '#include "client/lib/sluice.h"', "broker must not include"),
    ("broker/main.c", '#include "store/sql.c"', "broker must not include"),
    ("broker/net/net.h", '#include "broker/journal/journal.h"', "broker/net must not include"),
    ("broker/net/net.h", '#include "../journal/journal.h"', "broker/net must not include"),
    ("broker/journal/journal.h", '#include "broker/net/net.h"', "broker/journal must not include"),
    ("broker/core/core.h", '#include "broker/net/gone.h"', "broker/core must not include"),
    ("client/lib/sluice.h", '#include "client/edge/main.c"', "client/lib must not include"),
    ("client/edge/main.c", '#include "store/sql.c"', "client/edge must not include"),
    ("client/edge/main.c", '#include <client/ctl/main.c>', "client/edge must not include"),
    ("client/ctl/main.c", '#  include "broker/core/core.h"', "client/ctl must not include"),
    ("workers/main.c", '#include "client/edge/main.c"', "workers must not include"),
    ("workers/main.c", '#include "tests/fake.h"', "workers must not include"),
    ("broker/core/core.h", "#include <time.h>", "<time.h>"),
    ("broker/core/core.h", "#include <stdio.h>", "<stdio.h>"),
    ("broker/core/core.h", "#include <czmq.h>", "<czmq.h>"),
    ("broker/core/core.h", '#include "base/log.h"', "base/log.h"),
    ("broker/core/core.h", '#include "schemas/net.h"', "schemas/net.h -> <zmq.h>"),
    ("client/new.h", "#include <stddef.h>", "stands in no room"),
]


def run(files):
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            full = os.path.join(root, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w", encoding="utf-8") as f:
                f.write(text)
        return subprocess.run([sys.executable, CHECK, "--root", root], capture_output=True,
                              text=True, timeout=60, check=False)


class CheckArrows(unittest.TestCase):
    def test_good_tree(self):
        result = run(GOOD)
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_each_offence_is_named(self):
        for path, line, words in BAD:
            with self.subTest(path=path, line=line):
                result = run({**GOOD, path: "/* first */\n" + line + "\n"})
                self.assertEqual(result.returncode, 1)
                place = f"{path}:0: " if "no room" in words else f"{path}:2: "
                self.assertIn(place, result.stderr)
                self.assertIn(words, result.stderr)

    def test_empty_tree_is_no_success(self):
        self.assertEqual(run({}).returncode, 1)


unittest.main()
