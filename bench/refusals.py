"""How well refusals are understood: expected against got, per marketplace, and what would harm.

    python -m bench.refusals [platform ...]

Plays the corpus of tests/refusals through the real channel; no network. Ends with 1 if a share
of right verdicts is below the promised one or a wrong verdict would send a seller to re-create
something that works.
"""

from __future__ import annotations

import logging
import os
import sys
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import django

from bench.local import database

if TYPE_CHECKING:
    from tests.refusals.corpus import Verdict

RIGHT_SHARE = 0.95


def main(platforms: Sequence[str]) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    logging.disable(logging.WARNING)
    from tests.refusals import corpus

    cases = [case for case in corpus.load() if not platforms or case.platform in platforms]
    if not cases:
        print(f"no refusals of {', '.join(platforms)}", file=sys.stderr)
        return 2
    with database():  # call limits are kept in rows
        verdicts = [corpus.play(case) for case in cases]
    print(confusion(verdicts))
    print(shares(verdicts))
    wrong = [each for each in verdicts if not each.right]
    harmful = [each for each in wrong if each.harmful]
    print(_listed("wrong, but nothing would be re-created", [e for e in wrong if not e.harmful]))
    print(_listed("HARMFUL: something would be re-created needlessly", harmful))
    return int(bool(harmful) or len(wrong) > (1 - RIGHT_SHARE) * len(verdicts))


def confusion(verdicts: Sequence[Verdict]) -> str:
    """One row for each expected verdict, one column for each that was given; blanks are none."""
    counts = Counter((str(each.case.expected), str(each.got)) for each in verdicts)
    rows = sorted({expected for expected, _got in counts})
    columns = sorted({got for _expected, got in counts} | set(rows))
    marks = {name: chr(ord("a") + place) for place, name in enumerate(columns)}
    width = max(map(len, columns)) + 3
    lines = [f"{'expected':<{width}}" + "".join(f"{marks[each]:>5}" for each in columns)]
    for row in rows:
        cells = "".join(f"{counts[row, each] or '.':>5}" for each in columns)
        lines.append(f"{marks[row]} {row:<{width - 2}}{cells}")
    unexpected = [f"{marks[each]} = {each}" for each in columns if each not in rows]
    return "\n".join(lines + unexpected) + "\n"


def shares(verdicts: Sequence[Verdict]) -> str:
    lines = [f"{'platform':<14}{'refusals':>9}{'right':>7}{'share':>9}{'harmful':>9}"]
    for platform in [*sorted({each.case.platform for each in verdicts}), "all"]:
        those = [each for each in verdicts if platform in ("all", each.case.platform)]
        right = sum(each.right for each in those)
        harmful = sum(each.harmful for each in those)
        share = f"{right / len(those):.1%}"
        lines.append(f"{platform:<14}{len(those):>9}{right:>7}{share:>9}{harmful:>9}")
    return "\n".join(lines) + "\n"


def _listed(title: str, verdicts: Sequence[Verdict]) -> str:
    return "\n".join([f"{title}: {len(verdicts)}", *(f"  {each}" for each in verdicts)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
