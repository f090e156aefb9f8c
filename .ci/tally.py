#!/usr/bin/env python3
"""Counts meson's test results for ./check.

    .ci/tally.py TITLE TESTLOG.json FAILURES

It prints "passed failed skipped".  The outputs of failing tests are appended
to FAILURES under TITLE.  A log that is missing or holds no test counts as one
failure.
"""

import json
import sys

GOOD = ('OK', 'EXPECTEDFAIL')
TAIL = 60       # lines of a failing test's output that are shown


def main():
    title, path, failures = sys.argv[1:]
    passed = failed = skipped = 0
    try:
        with open(path, encoding='utf-8', errors='replace') as log:
            tests = [json.loads(line) for line in log if line.strip()]
    except (OSError, ValueError):
        tests = []
    with open(failures, 'a', encoding='utf-8') as out:
        for test in tests:
            if test['result'] in GOOD:
                passed += 1
            elif test['result'] == 'SKIP':
                skipped += 1
            else:
                failed += 1
                text = test.get('stdout', '') + test.get('stderr', '')
                lines = text.splitlines()[-TAIL:]
                out.write(f"--- {title}: {test['name']}: {test['result']}, "
                          f"status {test.get('returncode')}\n")
                out.write(''.join(line + '\n' for line in lines))
        if not tests:
            failed += 1
            out.write(f'--- {title}: no test has run, no {path}\n')
    print(passed, failed, skipped)


if __name__ == '__main__':
    main()
